"""RAdam by `torch.optim.RAdam`."""

from __future__ import annotations

import torch
from torch import Tensor

from reference.optimizers.driver import Slots, Step, run

NAMES = {"t": "step", "m": "exp_avg", "v": "exp_avg_sq"}


def radam(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.RAdam`.

    >>> radam(torch.ones(1), torch.full((1,), 4.0), {}, lr=0.125, betas=(0.5, 0.75))
    (tensor([0.5000]), {'t': tensor(1), 'm': tensor([2.]), 'v': tensor([4.])})
    """
    return run(
        torch.optim.RAdam,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        decoupled_weight_decay=decoupled_weight_decay,
        maximize=maximize,
    )
