"""One step of torch.optim as a pure function: built, loaded with the state, stepped and read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    updates in place. The step number is int64 outside and float32 inside, as torch keeps it.

    >>> w, slots = run(torch.optim.Adam, {"t": "step", "m": "exp_avg", "v": "exp_avg_sq"},
    ...                torch.ones(1), torch.ones(1), {}, lr=0.5)
    >>> w, slots["t"]
    (tensor([0.5000]), tensor(1))
    """
    w = torch.nn.Parameter(param.detach().clone())
    w.grad = grad.detach().clone()
    stepper = optimizer([w], foreach=False, **hyperparameters)
    if slots:
        stepper.state[w] = {names[slot]: entering(slot, x) for slot, x in slots.items()}
    stepper.step()
    state = stepper.state[w]
    return w.detach(), {s: leaving(s, state[name]) for s, name in names.items() if name in state}


def entering(slot: str, x: Tensor) -> Tensor:
    return x.to(torch.float32, copy=True) if slot == "t" else x.detach().clone()


def leaving(slot: str, x: Tensor) -> Tensor:
    return x.to(torch.int64) if slot == "t" else x.detach()
