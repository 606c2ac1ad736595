r"""A run whose reference computes elsewhere: how far each of its entries is from its formula, in its own unit.

The candidate is judged as ever. The reference's entries are recomputed from its own inputs, as they
are once rounded to its precision, and held against the cap on any program's error, in units of
that precision's roundoff.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from compare import traces
from compare.devices.places import Place
from compare.distances import Distance, distance
from compare.formulas.arithmetic import Tracked
from compare.formulas.precision import narrowed
from compare.judgement import judge, judge_pair
from compare.tasks import Task
from compare.tolerances import ROUNDOFFS, STEP, cap
from compare.traces import Array, Trace
from compare.verification import Batch, needless, verify_step

PRODUCTS = ("Z", "dW", "dA", "dD")  # what TF32 forms; the rest is float32 there


@dataclass
class Measured:
    """The worst of one entry over all steps: against its formula, and against the candidate's."""

    name: str
    limit: float  # in units of the precision's roundoff times the error estimate
    formula: float = 0.0
    relative: float = 0.0  # the largest error of its formula, over the entry's largest magnitude
    pair: float = 0.0  # |candidate - reference| over what the whole step may add up to
    step: int = 0
    # the most numbers that were not finite in a step, where rounding may make them anything
    lost: int = 0

    def add(self, step: int, own: Own, apart: Distance) -> None:
        if not own.distance.ratio <= self.formula:
            self.formula, self.step = own.distance.ratio, step
        self.relative = max(self.relative, own.relative)
        self.pair = float(np.maximum(self.pair, apart.ratio / STEP))  # NaN where it is
        self.lost = max(self.lost, own.lost)

    @property
    def beyond(self) -> bool:
        return not self.formula <= self.limit


@dataclass(frozen=True)
class Own:
    """How far an entry is from its formula: in units of the error estimate, and over its largest magnitude.

    `lost` counts what is not finite.
    """

    distance: Distance
    relative: float
    lost: int

    @property
    def overflows(self) -> bool:
        """Tell whether it is not finite where rounding alone cannot have made it anything."""
        return self.lost > 0 and (
            self.distance.ratio == np.inf or self.lost > self.distance.unjudged
        )


@dataclass(frozen=True)
class Step:
    """One measured step: how far each entry of the reference is from its formula, and from the candidate's.

    `blown` is the entry in which it leaves the finite numbers: those before it were judged.
    """

    number: int
    candidate: Trace
    own: Mapping[str, Own]
    pairs: Mapping[str, Distance]
    blown: str | None = None


def measured(task: Task, place: Place) -> Iterator[Step]:
    """Yield every step; the candidate's trace is the next state of both. Raises Divergence where it is wrong."""
    state, losses = task.initial(), list[tuple[float, float]]()
    for number, batch in enumerate(task.batches(losses)):
        step = one(task, place, state, batch, number)
        losses.append((float(step.candidate["loss"]),) * 2)
        yield step
        if step.blown:
            return
        state = {n: np.array(x) for n, x in step.candidate.items()}


@np.errstate(all="ignore")
def one(task: Task, place: Place, state: Trace, batch: Batch, number: int) -> Step:
    """Step both from the same state, judge the candidate as ever, then the reference in its own unit."""
    c, start = task.configuration, {**state, **batch.state}
    home = verify_step(c.by_hand(), c.by_torch(), c, state, batch, number, "manual")
    theirs = place.holds(c.by_torch())(start, batch.X, batch.Y, **batch.options)
    theirs = {n: x.astype(home.candidate[n].dtype) for n, x in theirs.items()}
    traces.check(theirs, home.candidate, whose="the reference")
    formulas = c.formulas(**batch.options)
    X, Y = place.rounded(batch.X), place.rounded(batch.Y)
    inside = {n: place.rounded(x) for n, x in start.items()}
    if lost := traces.nonfinite({"X": X, "Y": Y, **inside}):
        return Step(number, home.candidate, {}, {}, lost)
    own = judge(formulas, theirs, inside, X, Y, measure=apart, u=place.u)
    if place.precision == "tf32":
        fine = judge(formulas, theirs, inside, X, Y, measure=apart, u=ROUNDOFFS["float32"])
        own |= {n: d for n, d in fine.items() if traces.kind(n) not in PRODUCTS}
    pairs = judge_pair(formulas, home.candidate, theirs, start, batch.X, batch.Y, u=place.u)
    blown = next((n for n in own if n == home.blown or own[n].overflows), None)
    shown = list(takewhile(lambda n: n != blown, own))
    if blown and needless(own[blown].distance, place.largest, place.u):
        shown.append(blown)
    return Step(number, home.candidate, {n: own[n] for n in shown}, pairs, blown)


def apart(x: Array, expected: Tracked) -> Own:
    """Return how far an entry is from its formula."""
    held = np.isfinite(x)
    scale = float(np.abs(x[held]).max(initial=0.0))
    error = float(np.abs(x - narrowed(expected.value, x.dtype))[held].max(initial=0.0))
    lost = x.size - int(np.count_nonzero(held))
    return Own(distance(x, expected), error / scale if scale > 0.0 else 0.0, lost)


def gathered(found: dict[str, Measured], step: Step) -> None:
    """Add one step to what was found of each entry."""
    for name, own in step.own.items():
        limit = cap(own.distance.terms)
        entry = found.setdefault(name, Measured(name, limit))
        entry.limit = max(entry.limit, limit)
        entry.add(step.number, own, step.pairs[name])
