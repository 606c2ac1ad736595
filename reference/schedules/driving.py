r"""A torch scheduler as a function of the step number: it is driven there once, and remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import islice
from typing import Any

import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LRScheduler

Scheduler = Callable[..., LRScheduler]


def rate(k: int, lr: float, scheduler: Scheduler, **options: Any) -> float:
    """Return the rate that `scheduler` has set before step `k`, the first being 0.

    >>> from torch.optim.lr_scheduler import ExponentialLR
    >>> rate(2, 0.8, ExponentialLR, gamma=0.5)
    0.2
    """
    rates, following = remembered(scheduler, lr, tuple(sorted(options.items())))
    rates.extend(islice(following, max(0, k + 1 - len(rates))))
    if not 0 <= k < len(rates):
        raise ValueError(f"k is {k}, but the schedule ends after {len(rates)} steps")
    return rates[k]


@lru_cache(maxsize=32)
def remembered(
    scheduler: Scheduler, lr: float, options: tuple[tuple[str, Any], ...]
) -> tuple[list[float], Iterator[float]]:
    """Return the rates so far, to be extended from the iterator of those to come."""
    return [], driven(partial(scheduler, **dict(options)), lr)


def driven(scheduler: Callable[[Optimizer], LRScheduler], lr: float) -> Iterator[float]:
    """Yield the rate of every step; the optimiser steps before the scheduler.

    >>> from torch.optim.lr_scheduler import ExponentialLR
    >>> list(islice(driven(partial(ExponentialLR, gamma=0.5), 0.8), 2))
    [0.8, 0.4]
    """
    optimizer = SGD([torch.zeros(1)], lr=lr)
    schedule = scheduler(optimizer)
    while True:
        yield float(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
