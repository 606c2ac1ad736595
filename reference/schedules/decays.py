r"""Schedules that only fall, by torch.optim.lr_scheduler."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ExponentialLR, LambdaLR, StepLR

from reference.schedules.driving import rate


def constant(k: int, *, lr: float) -> float:
    """Return the rate of LambdaLR with the factor 1.

    >>> constant(7, lr=0.1)
    0.1
    """
    return inverse_time(k, lr=lr, decay=0.0)


def step_decay(k: int, *, lr: float, step_size: int, gamma: float = 0.1) -> float:
    """Return the rate of StepLR.

    >>> [step_decay(k, lr=0.8, step_size=2, gamma=0.5) for k in range(3)]
    [0.8, 0.8, 0.4]
    """
    return rate(k, lr, StepLR, step_size=step_size, gamma=gamma)


def exponential(k: int, *, lr: float, gamma: float) -> float:
    """Return the rate of ExponentialLR.

    >>> exponential(1, lr=0.8, gamma=0.5)
    0.4
    """
    return rate(k, lr, ExponentialLR, gamma=gamma)


def inverse_time(k: int, *, lr: float, decay: float) -> float:
    """Return the rate of LambdaLR with the factor 1 / (1 + decay k).

    >>> inverse_time(1, lr=0.5, decay=1.0)
    0.25
    """
    return rate(k, lr, inverse_time_scheduler, decay=decay)


def inverse_time_scheduler(optimizer: Optimizer, decay: float) -> LambdaLR:
    return LambdaLR(optimizer, lambda k: 1.0 / (1.0 + decay * k))
