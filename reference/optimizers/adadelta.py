"""Adadelta by `torch.optim.Adadelta`."""

from __future__ import annotations

import torch
from torch import Tensor

from reference.optimizers.driver import Slots, Step, run

NAMES = {"t": "step", "v": "square_avg", "d": "acc_delta"}


def adadelta(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.Adadelta`.

    >>> adadelta(torch.ones(1), torch.full((1,), 2.0), {}, rho=0.25, eps=1.0)
    (tensor([0.]), {'t': tensor(1), 'v': tensor([3.]), 'd': tensor([0.7500])})
    """
    return run(
        torch.optim.Adadelta,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        rho=rho,
        eps=eps,
        weight_decay=weight_decay,
        maximize=maximize,
    )
