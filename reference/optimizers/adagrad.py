"""Adagrad by `torch.optim.Adagrad`."""

from __future__ import annotations

import torch
from torch import Tensor

from reference.optimizers.driver import Slots, Step, run

NAMES = {"t": "step", "s": "sum"}


def adagrad(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 1e-2,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-10,
    maximize: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.Adagrad`.

    >>> adagrad(torch.ones(1), torch.full((1,), 3.0), {}, lr=0.5, eps=0.0)
    (tensor([0.5000]), {'t': tensor(1), 's': tensor([9.])})
    """
    return run(
        torch.optim.Adagrad,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        lr_decay=lr_decay,
        weight_decay=weight_decay,
        initial_accumulator_value=initial_accumulator_value,
        eps=eps,
        maximize=maximize,
    )
