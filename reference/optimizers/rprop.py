"""Rprop by `torch.optim.Rprop`."""

from __future__ import annotations

import torch
from torch import Tensor

from reference.optimizers.driver import Slots, Step, run

NAMES = {"t": "step", "eta": "step_size", "prev": "prev"}


def rprop(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 1e-2,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
    maximize: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.Rprop`.

    >>> rprop(torch.ones(1), torch.full((1,), 3.0), {}, lr=0.5)
    (tensor([0.5000]), {'t': tensor(1), 'eta': tensor([0.5000]), 'prev': tensor([3.])})
    """
    return run(
        torch.optim.Rprop,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        etas=etas,
        step_sizes=step_sizes,
        maximize=maximize,
    )
