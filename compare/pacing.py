r"""The learning rate of every step, and when to stop: by both sides' schedules, which must agree.

Most schedules know the number of the step alone. Two decisions look at the run: a lower rate on a
plateau, and an early stop, which is a plateau whose first cut ends the run. Both read the mean loss
of each epoch (with the full batch a step is an epoch), each side its own. The losses come in a
list of pairs (manual, torch) that whoever takes the steps appends to; where nobody does, neither
decision is ever made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import manual.schedules
import reference.schedules
from compare.configuration import parse, resolve
from compare.tolerances import rate_limit

Losses = Sequence[tuple[float, float]]


class Unequal(AssertionError):
    """The two sides derived different weights, masks, batch orders or learning rates from one seed."""


def rates(
    schedule: str, lr: float, per_epoch: int, losses: Losses = ()
) -> Iterator[dict[str, float]]:
    """Yield {"lr": rate} for every step, {} where the rate never changes.

    Raises Unequal where the two sides differ, ValueError where a schedule has no rate for a step.

    >>> from itertools import islice
    >>> list(islice(rates("exponential(gamma=0.5)", 0.8, 1), 3))
    [{'lr': 0.8}, {'lr': 0.4}, {'lr': 0.2}]
    """
    name, options = parse(schedule)
    if name == "reduce_on_plateau":
        yield from ({"lr": rate} for rate in plateau(lr, per_epoch, losses, options))
    for k in count():
        yield {} if schedule == "constant" else {"lr": scheduled(k, schedule, lr)}


def scheduled(k: int, schedule: str, lr: float) -> float:
    """Return the rate of step `k`."""
    mine, theirs = (
        resolve(package, schedule)(k, lr=lr) for package in (manual.schedules, reference.schedules)
    )
    if not math.isfinite(mine):
        raise ValueError(f"schedule {schedule} gives the rate {mine} at step {k}")
    agree(k, f"the rate of {schedule}", mine, theirs, lr)
    return float(mine)


def plateau(
    lr: float, per_epoch: int, losses: Losses, options: Mapping[str, Any]
) -> Iterator[float]:
    """Yield the rate of every step, lower after epochs whose mean loss did not improve.

    >>> losses = [(1.0, 1.0)] * 3
    >>> rates = plateau(0.8, 1, losses, {"patience": 0, "factor": 0.5})
    >>> [next(rates) for _ in range(4)]
    [0.8, 0.8, 0.4, 0.2]
    """
    mine: Mapping[str, float] = {"lr": lr}
    theirs = mine
    for k in count():
        if k % per_epoch == 0 and 0 < k <= len(losses):
            means = (math.fsum(x) / per_epoch for x in zip(*losses[k - per_epoch : k], strict=True))
            mine = manual.schedules.reduce_on_plateau(mine, next(means), **options)
            theirs = reference.schedules.reduce_on_plateau(theirs, next(means), **options)
            agree(k, "the rate on a plateau", mine["lr"], theirs["lr"], lr)
        yield mine["lr"]


def going_on(patience: int | None, per_epoch: int, losses: Losses = ()) -> Iterator[bool]:
    """Yield for every step whether it is to be taken: not after `patience` epochs without a better loss.

    Better means lower by one part in ten thousand, as torch's plateau has it.

    >>> going = going_on(2, 1, [(1.0, 1.0)] * 3)
    >>> [next(going) for _ in range(4)]
    [True, True, True, False]
    """
    if patience is None:
        while True:
            yield True
    options = {"factor": 0.5, "patience": patience - 1}
    yield from (rate == 1.0 for rate in plateau(1.0, per_epoch, losses, options))


def agree(k: int, what: str, mine: float, theirs: float, lr: float) -> None:
    if not abs(mine - theirs) <= rate_limit(k) * max(abs(mine), abs(lr)):
        raise Unequal(f"step {k}: {what} is {mine!r} by hand and {theirs!r} by torch")
