r"""Both sides left to run free: drift is information, held beside a control, and never a verdict.

The control is torch against torch with the examples of every batch in another order: the same
mathematics, other rounding. Once a run drifts no further than its control, no tolerance means
anything beyond that point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from compare.kinks import flips
from compare.tasks import Task
from compare.tolerances import CHAOS
from compare.traces import Array, Trace, nonfinite, parameters
from compare.verification import Batch

Step = Callable[..., dict[str, Array]]
COLUMNS = ("parameters", "control_parameters", "loss", "control_loss")
MOST = 20  # flips are told


def drift(task: Task, watched: Callable[[Iterator[Any]], Iterable[Any]] = iter) -> dict[str, Any]:
    """Return the drift of parameters and loss at every step, the control's, the first flips, and where chaos begins.

    `watched` is given the steps as they are taken, to show how far they are.
    """
    curves: dict[str, list[float]] = {name: [] for name in COLUMNS}
    passed: list[dict[str, Any]] = []
    flipped = 0
    for k, (mine, theirs, control, Y) in enumerate(watched(free(task))):
        row = apart(mine, theirs), apart(theirs, control), *losses(mine, theirs, control)
        for name, value in zip(COLUMNS, row, strict=True):
            curves[name].append(value)
        for flip in flips(k, task.configuration, mine, theirs, Y):
            flipped += 1
            passed += [asdict(flip) | {"words": str(flip)}] * (flipped <= MOST)
    return {
        **curves,
        "parted_at": parted(curves["parameters"]),
        "control_parted_at": parted(curves["control_parameters"]),
        "flipped": flipped,
        "flips": passed,
    }


def free(task: Task) -> Iterator[tuple[Trace, Trace, Trace, Array]]:
    """Yield the traces of manual, torch and torch with permuted examples, each from its own state, and the targets."""
    c = task.configuration
    by_hand, by_torch = c.by_hand(), c.by_torch()
    states: list[Trace] = [task.initial()] * 3
    shuffle = np.random.default_rng(task.seed)
    pace: list[tuple[float, float]] = []  # all keep the pace that manual's loss sets
    for batch in task.batches(pace):
        permuted = reordered(batch, shuffle.permutation(batch.X.shape[1]))
        batches = (batch, batch, permuted)
        sides = (by_hand, by_torch, by_torch)
        with np.errstate(all="ignore"):
            states = [
                step({**state, **b.state}, b.X, b.Y, **b.options)
                for step, state, b in zip(sides, states, batches, strict=True)
            ]
        if any(nonfinite(state) for state in states):
            return
        pace.append((float(states[0]["loss"]),) * 2)
        yield states[0], states[1], states[2], batch.Y


def reordered(batch: Batch, order: Array) -> Batch:
    masks = {name: np.ascontiguousarray(mask[:, order]) for name, mask in batch.state.items()}
    X, Y = (np.ascontiguousarray(x[:, order]) for x in (batch.X, batch.Y))
    return Batch(X, Y, batch.options, masks)


def apart(a: Trace, b: Trace) -> float:
    """Return the largest difference of the parameters over the largest parameter.

    Over each array's own largest, a single bias on its way through 0 would look like chaos.
    """
    names = parameters(a)
    scale = max(float(np.abs(b[n]).max(initial=0.0)) for n in names)
    gap = max(float(np.abs(a[n] - b[n]).max(initial=0.0)) for n in names)
    return gap / scale if scale else gap


def losses(a: Trace, b: Trace, c: Trace) -> tuple[float, float]:
    scale = max(abs(float(b["loss"])), float(np.finfo(b["loss"].dtype).tiny))
    return tuple(abs(float(x["loss"]) - float(b["loss"])) / scale for x in (a, c))  # type: ignore[return-value]


def parted(curve: list[float]) -> int | None:
    """Return the first step whose drift is CHAOS times the first drift there was; None if there is none.

    >>> parted([0.0, 1e-16, 2e-16, 1e-11])
    3
    """
    first = next((x for x in curve if x > 0.0), None)
    if first is None:
        return None
    return next((k for k, x in enumerate(curve) if x > CHAOS * max(first, 1e-16)), None)
