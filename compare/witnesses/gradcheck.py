r"""torch.autograd.gradcheck through a wrapper: a function of torch whose forward and backward are manual's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

import manual.activations
import manual.losses
import manual.network
from compare.configuration import resolve
from compare.tasks import Task
from compare.tolerances import GRADCHECK, KINK
from compare.witnesses.testimony import Answer, Case, Testimony, first_step

EPS, ATOL, RTOL = GRADCHECK
FAST = 2000  # parameters, above which gradcheck takes random directions


def gradcheck(task: Task) -> Testimony:
    """Return what torch.autograd.gradcheck says of manual's gradients."""
    case = first_step(task, examples=32, dtype="float64", clear=KINK / 100.0)
    names = list(case.gradients)
    operands = [torch.tensor(case.state[n], requires_grad=True) for n in names]
    size = sum(t.numel() for t in operands)
    wrong = ""
    notes: tuple[str, ...] = ()
    try:
        function = by_hand(net(case, names))
        torch.autograd.gradcheck(
            function, operands, eps=EPS, atol=ATOL, rtol=RTOL, fast_mode=size > FAST
        )
    except GradcheckError as error:
        wrong, notes = blamed(str(error), names), (" ".join(str(error).split())[:300],)
    answers = (Answer(f"d{n}", float(n == wrong), 0.0, case.state[n].size) for n in names)
    return Testimony("gradcheck", tuple(answers), notes)


def blamed(message: str, names: list[str]) -> str:
    """Return the parameter that gradcheck names by its number."""
    found = re.search(r"input (\d+)", message)
    return names[int(found[1])] if found else names[0]


def net(
    case: Case, names: list[str]
) -> Callable[..., tuple[Any, Callable[[Any], tuple[Any, ...]]]]:
    """Return the operation from the net's parameters to its loss, by hand."""
    c = case.configuration
    activations = [resolve(manual.activations, text) for text in c.activations]

    def operation(*operands: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
        state = {**case.state, **dict(zip(names, operands, strict=True))}
        trace, tape = manual.network.forward(
            state, case.batch.X, activations=activations, batch_norm=c.batch_norm, dropout=c.dropout
        )
        L, back = resolve(manual.losses, c.loss)(trace[f"A{len(activations)}"], case.batch.Y)

        def backward(dL: Any) -> tuple[Any, ...]:
            gradients = manual.network.backward(tape, back(float(dL)))
            return tuple(gradients[f"d{n}"] for n in names)

        return L, backward

    return operation


def by_hand(operation: Callable[..., tuple[Any, Callable[[Any], Any]]]) -> Callable[..., Tensor]:
    """Return an operation of manual (operands to value and backward) as a function of torch.

    >>> from manual.activations import tanh
    >>> x = torch.tensor([[0.5]], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(by_hand(tanh), [x])
    True
    """

    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *operands: Tensor) -> Tensor:
            value, ctx.back = operation(*(t.detach().numpy().copy() for t in operands))
            return torch.tensor(value)

        @staticmethod
        def backward(ctx: Any, d: Tensor) -> Any:
            gradients = ctx.back(d.numpy())
            many = gradients if isinstance(gradients, tuple) else (gradients,)
            return tuple(torch.tensor(g) for g in many)

    return ByHand.apply
