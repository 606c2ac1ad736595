"""Adamax by `torch.optim.Adamax`."""

from __future__ import annotations

import torch
from torch import Tensor

from reference.optimizers.driver import Slots, Step, run

NAMES = {"t": "step", "m": "exp_avg", "u": "exp_inf"}


def adamax(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.Adamax`.

    >>> adamax(torch.ones(1), torch.full((1,), 4.0), {}, lr=0.5, betas=(0.5, 0.75), eps=0.0)
    (tensor([0.5000]), {'t': tensor(1), 'm': tensor([2.]), 'u': tensor([4.])})
    """
    return run(
        torch.optim.Adamax,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        maximize=maximize,
    )
