"""Adam and AdamW by `torch.optim`."""

from __future__ import annotations

import torch
from torch import Tensor

from reference.optimizers.driver import Slots, Step, run

NAMES = {"t": "step", "m": "exp_avg", "v": "exp_avg_sq", "vmax": "max_exp_avg_sq"}


def adam(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.Adam`.

    >>> w, slots = adam(torch.ones(1), torch.full((1,), 4.0), {}, lr=0.5, betas=(0.5, 0.75))
    >>> slots
    {'t': tensor(1), 'm': tensor([2.]), 'v': tensor([4.])}
    """
    return run(
        torch.optim.Adam,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        amsgrad=amsgrad,
        maximize=maximize,
        decoupled_weight_decay=decoupled_weight_decay,
    )


def adamw(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
    maximize: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.AdamW`.

    >>> adamw(torch.ones(1), torch.full((1,), 4.0), {}, lr=0.5, weight_decay=0.5)[0]
    tensor([0.2500])
    """
    return run(
        torch.optim.AdamW,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        amsgrad=amsgrad,
        maximize=maximize,
    )
