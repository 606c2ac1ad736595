"""One step of torch.optim as a pure function: built, loaded with the state, stepped and read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

Slots = Mapping[str, Tensor]
Step = tuple[Tensor, dict[str, Tensor]]


def run(
    optimizer: Callable[..., Optimizer],
    names: Mapping[str, str],
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    **hyperparameters: Any,
) -> Step:
    """Return the parameter and the slots after one `step()` of a fresh `optimizer` with that state.

    `names` maps each slot to torch's own name for it. Everything is copied on its way in: torch
    updates in place. The step number is int64 outside and float32 inside, as torch keeps it. Where it
    is a vector, each row is a parameter with a state of its own.

    >>> w, slots = run(torch.optim.Adam, {"t": "step", "m": "exp_avg", "v": "exp_avg_sq"},
    ...                torch.ones(1), torch.ones(1), {}, lr=0.5)
    >>> w, slots["t"]
    (tensor([0.5000]), tensor(1))
    """
    many = "t" in slots and slots["t"].ndim > 0
    each = torch.unbind if many else single
    whole = torch.stack if many else first
    ws = [torch.nn.Parameter(w) for w in each(param.detach().clone())]
    for w, g in zip(ws, each(grad.detach().clone()), strict=True):
        w.grad = g
    stepper = optimizer(ws, foreach=False, **hyperparameters)
    for slot, x in slots.items():
        for w, part in zip(ws, each(entering(slot, x)), strict=True):
            stepper.state[w][names[slot]] = part
    stepper.step()
    states = [stepper.state[w] for w in ws]
    after = {s: whole([x[name] for x in states]) for s, name in names.items() if name in states[0]}
    return whole([w.detach() for w in ws]), {s: leaving(s, x) for s, x in after.items()}


def single(x: Tensor) -> Sequence[Tensor]:
    return (x,)


def first(xs: Sequence[Tensor]) -> Tensor:
    return xs[0]


def entering(slot: str, x: Tensor) -> Tensor:
    return x.to(torch.float32, copy=True) if slot == "t" else x.detach().clone()


def leaving(slot: str, x: Tensor) -> Tensor:
    return x.to(torch.int64) if slot == "t" else x.detach()
