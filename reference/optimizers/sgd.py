"""Gradient descent, with and without momentum, by `torch.optim.SGD`."""

from __future__ import annotations

import torch
from torch import Tensor

from reference.optimizers.driver import Slots, Step, run

NAMES = {"m": "momentum_buffer"}


def sgd(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 1e-3,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.SGD`.

    >>> sgd(torch.ones(1), torch.full((1,), 2.0), {}, lr=0.25, momentum=0.5)
    (tensor([0.5000]), {'m': tensor([2.])})
    """
    return run(
        torch.optim.SGD,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        momentum=momentum,
        dampening=dampening,
        nesterov=nesterov,
        weight_decay=weight_decay,
        maximize=maximize,
    )


def momentum(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 1e-3,
    momentum: float = 0.9,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.SGD` with momentum.

    >>> momentum(torch.ones(1), torch.full((1,), 2.0), {"m": torch.full((1,), 10.0)}, lr=0.5)
    (tensor([-4.5000]), {'m': tensor([11.])})
    """
    return run(
        torch.optim.SGD,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        momentum=momentum,
        dampening=dampening,
        nesterov=nesterov,
        weight_decay=weight_decay,
        maximize=maximize,
    )
