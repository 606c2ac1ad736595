r"""Ratios that mean something on a busy machine: blocks of steps in turn, on one thread, in processor time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

Block = Callable[[int], object]  # takes that many steps
Samples = dict[str, list[float]]  # seconds a step, one a round


@dataclass(frozen=True)
class Ratio:
    """A cost against another's: the median over the rounds, and the quartiles."""

    median: float
    low: float
    high: float


@contextmanager
def pinned() -> Iterator[None]:
    """Give NumPy's BLAS, scikit-learn and torch one thread each for the time being."""
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def interleaved(
    contestants: Mapping[str, Block],
    *,
    rounds: int,
    seconds: float,
    clock: Callable[[], float] = time.process_time,
    least: int = 1,
) -> Samples:
    """Return each contestant's seconds a step, one a round: in every round each runs one block of steps.

    A block is as many steps as fill `seconds`, doubled from `least`, so that caches are as warm as in training.
    Contestants start each round in turn, so that none is always the first.
    """
    names = list(contestants)
    steps = {name: fill(block, seconds, clock, least) for name, block in contestants.items()}
    samples: Samples = {name: [] for name in names}
    for i in range(rounds):
        turn = i % len(names)
        for name in names[turn:] + names[:turn]:
            samples[name].append(timed(contestants[name], steps[name], clock))
    return samples


def fill(block: Block, seconds: float, clock: Callable[[], float], least: int = 1) -> int:
    """Return the number of steps that fill the time, found by doubling, which also warms up."""
    steps = least
    block(steps)
    while timed(block, steps, clock) * steps < seconds and steps < 2**16:
        steps *= 2
    return steps


def timed(block: Block, steps: int, clock: Callable[[], float]) -> float:
    begin = clock()
    block(steps)
    return (clock() - begin) / steps


def ratio(samples: Mapping[str, Sequence[float]], name: str, baseline: str) -> Ratio:
    """Return what `name` costs over `baseline`, of samples of the same round.

    >>> ratio({"a": [1.0, 2.0, 4.0], "b": [2.0, 2.0, 2.0]}, "a", "b")
    Ratio(median=1.0, low=0.75, high=1.5)
    """
    each = [a / max(b, 1e-9) for a, b in zip(samples[name], samples[baseline], strict=True)]
    if len(each) == 1:
        return Ratio(each[0], each[0], each[0])
    low, median, high = statistics.quantiles(each, n=4, method="inclusive")
    return Ratio(median, low, high)
