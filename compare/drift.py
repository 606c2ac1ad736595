r"""Both sides left to run free: drift is information, held beside a control, and never a verdict.

The control is torch against torch with the examples of every batch in another order: the same
mathematics, other rounding. Once a run drifts no further than its control, no tolerance means
anything beyond that point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.tasks import Task
from compare.traces import nonfinite, parameters
from compare.verification import Batch

Array = NDArray[Any]
Trace = Mapping[str, Array]
Step = Callable[..., dict[str, Array]]
CHAOS = 1e4  # times the drift of the first step: rounding has begun to be amplified


@dataclass(frozen=True)
class Flip:
    """A unit that is on for one side and off for the other: a kink passed by rounding."""

    step: int
    entry: str
    unit: int
    example: int
    manual: float
    torch: float


def drift(task: Task) -> dict[str, Any]:
    """Return the drift of parameters and loss at every step, the control's, the first flips, and where chaos begins."""
    rows: list[tuple[float, ...]] = []
    flips: list[Flip] = []
    for k, (mine, theirs, control) in enumerate(free(task)):
        rows.append((apart(mine, theirs), apart(theirs, control), *losses(mine, theirs, control)))
        if len(flips) < 20:
            flips += list(flipped(k, mine, theirs))[: 20 - len(flips)]
    columns = ("parameters", "control_parameters", "loss", "control_loss")
    curves = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    return {
        **curves,
        "parted_at": parted(curves["parameters"]),
        "flips": [vars(flip) for flip in flips],
    }


def free(task: Task) -> Iterator[tuple[Trace, Trace, Trace]]:
    """Yield the traces of manual, torch and torch with permuted examples, each from its own state."""
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
        yield states[0], states[1], states[2]


def reordered(batch: Batch, order: Array) -> Batch:
    masks = {name: np.ascontiguousarray(mask[:, order]) for name, mask in batch.state.items()}
    X, Y = (np.ascontiguousarray(x[:, order]) for x in (batch.X, batch.Y))
    return Batch(X, Y, batch.options, masks)


def apart(a: Trace, b: Trace) -> float:
    """Return the largest relative difference of the parameters, in the maximum norm of each."""
    return max(
        float(np.abs(a[n] - b[n]).max() / max(np.abs(b[n]).max(), np.finfo(b[n].dtype).tiny))
        for n in parameters(a)
    )


def losses(a: Trace, b: Trace, c: Trace) -> tuple[float, float]:
    scale = max(abs(float(b["loss"])), float(np.finfo(b["loss"].dtype).tiny))
    return tuple(abs(float(x["loss"]) - float(b["loss"])) / scale for x in (a, c))  # type: ignore[return-value]


def flipped(step: int, a: Trace, b: Trace) -> Iterator[Flip]:
    """Yield the units whose pre-activation has another sign on the other side, where a kink is at 0."""
    for name in a:
        if name[0] in "ZN" and name[1:].isdigit():
            for unit, example in np.argwhere((a[name] > 0) != (b[name] > 0)):
                mine, theirs = float(a[name][unit, example]), float(b[name][unit, example])
                yield Flip(step, name, int(unit), int(example), mine, theirs)


def parted(curve: list[float]) -> int | None:
    """Return the first step whose drift is CHAOS times the first drift there was; None if there is none.

    >>> parted([0.0, 1e-16, 2e-16, 1e-11])
    3
    """
    first = next((x for x in curve if x > 0.0), None)
    if first is None:
        return None
    return next((k for k, x in enumerate(curve) if x > CHAOS * max(first, 1e-16)), None)
