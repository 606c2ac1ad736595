r"""A run whose reference computes elsewhere: how far each of its entries is from its formula, in its own unit.

The candidate is judged as ever. The reference's entries are recomputed from its own inputs, as they
are once rounded to its precision, and held against the cap on any program's error, in units of
that precision's roundoff.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare import traces
from compare.devices.places import Place
from compare.judgement import Distance, Trace, judge, judge_pair
from compare.tasks import Task
from compare.tolerances import ROUNDOFFS, STEP, cap
from compare.verification import Batch, verify_step

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

    def add(self, step: int, own: Distance, apart: Distance, x: Any) -> None:
        if not own.ratio <= self.formula:
            self.formula, self.step = own.ratio, step
        scale = float(np.abs(x).max(initial=0.0))
        error = abs(own.value - own.expected)
        self.relative = max(self.relative, error / scale if 0.0 < scale < np.inf else 0.0)
        self.pair = float(np.maximum(self.pair, apart.ratio / STEP))  # NaN where it is

    @property
    def beyond(self) -> bool:
        return not self.formula <= self.limit


@dataclass(frozen=True)
class Step:
    """One measured step: how far each entry of the reference is from its formula, and from the candidate's."""

    number: int
    candidate: Trace
    reference: Trace
    own: Mapping[str, Distance]
    pairs: Mapping[str, Distance]


def measured(task: Task, place: Place) -> Iterator[Step]:
    """Yield every step; the candidate's trace is the next state of both. Raises Divergence where it is wrong."""
    state, losses = task.initial(), list[tuple[float, float]]()
    for number, batch in enumerate(task.batches(losses)):
        step = one(task, place, state, batch, number)
        losses.append((float(step.candidate["loss"]),) * 2)
        yield step
        if traces.nonfinite(step.candidate):
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
    own = judge(formulas, theirs, inside, X, Y, u=place.u)
    if place.precision == "tf32":
        fine = judge(formulas, theirs, inside, X, Y, u=ROUNDOFFS["float32"])
        own |= {n: d for n, d in fine.items() if traces.kind(n) not in PRODUCTS}
    pairs = judge_pair(formulas, home.candidate, theirs, start, batch.X, batch.Y, u=place.u)
    return Step(number, home.candidate, theirs, own, pairs)


def gathered(found: dict[str, Measured], step: Step) -> None:
    """Add one step to what was found of each entry."""
    for name, own in step.own.items():
        entry = found.setdefault(name, Measured(name, cap(own.terms)))
        entry.limit = max(entry.limit, cap(own.terms))
        entry.add(step.number, own, step.pairs[name], step.reference[name])
