"""NAdam by `torch.optim.NAdam`."""

from __future__ import annotations

import torch
from torch import Tensor

from reference.optimizers.driver import Slots, Step, run

NAMES = {"t": "step", "mu": "mu_product", "m": "exp_avg", "v": "exp_avg_sq"}


def nadam(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.NAdam`.

    >>> nadam(torch.ones(1), torch.full((1,), 4.0), {}, lr=0.5)[1]["mu"]
    tensor(0.4501)
    """
    return run(
        torch.optim.NAdam,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        momentum_decay=momentum_decay,
        decoupled_weight_decay=decoupled_weight_decay,
        maximize=maximize,
    )
