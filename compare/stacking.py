r"""Many steps of one run judged at once: their traces stacked along a leading axis, each formula evaluated once.

Each step starts from the candidate's last trace, so that the candidate can go ahead, and the reference
follow from each of its states. A step all of whose entries are clear of every limit, even of those
that hold without asking how far the reference itself is off, is settled here. Any other, the first
of a run among them, goes to `verify_step`: it alone tells of a divergence. So the verdict on every
step is that of `verify`, and most of the time it takes is saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from compare import traces
from compare.configuration import Configuration
from compare.formulas.arithmetic import Tracked, magnitude
from compare.judgement import UNKNOWN, Array, Trace, allowance, judge, judge_pair, widened
from compare.tolerances import STEP, formula_limit
from compare.verification import Batch, Step, Stepped, verify, verify_step

LONGEST, LARGEST = 64, 2**20  # steps of a stack, and numbers in it


@dataclass(frozen=True)
class Taken:
    """One step as both programs took it, its structure checked."""

    number: int
    start: Trace
    batch: Batch
    mine: Trace
    theirs: Trace


@dataclass(frozen=True)
class Settled:
    """One verified step: the candidate's trace, and the entry that came nearest to its limit."""

    number: int
    candidate: Trace
    arrays: int
    margin: float
    entry: str
    blown: str | None = None


@dataclass(frozen=True)
class Ratios:
    """As Distance, but for a stack: the largest error of each step, NaN where it cannot be judged here."""

    worst: Array
    terms: int


def settle(
    candidate: Step,
    reference: Step,
    configuration: Configuration,
    state: Trace,
    batches: Iterable[Batch],
) -> Iterator[Settled]:
    """Yield each verified step, as `compare.verification.verify` does and with the same errors raised."""
    source, sides = iter(batches), (candidate, reference, configuration)
    for stepped in verify(*sides, state, islice(source, 1)):  # the reference itself is judged here
        yield told(stepped)
        state, number = stepped.candidate, 1
        if stepped.blown:
            return
    while lot := list(taken(candidate, reference, state, islice(source, length(state)), number)):
        found = {
            n: s for group in alike(configuration, lot) for n, s in judged(configuration, group)
        }
        for step in lot:
            settled = found.get(step.number) or told(again(sides, step))
            yield settled
            if settled.blown:
                return
        state, number = lot[-1].mine, lot[-1].number + 1


def length(state: Trace) -> int:
    """Return how many steps to judge at once."""
    return max(1, min(LONGEST, LARGEST // sum(x.size for x in state.values())))


@np.errstate(all="ignore")
def step_both(candidate: Step, reference: Step, start: Trace, batch: Batch) -> tuple[Trace, Trace]:
    mine, theirs = (f(start, batch.X, batch.Y, **batch.options) for f in (candidate, reference))
    return mine, theirs


def taken(
    candidate: Step, reference: Step, state: Trace, batches: Iterable[Batch], number: int
) -> Iterator[Taken]:
    """Yield each step as both take it, the candidate's last trace being the state of the next."""
    for k, batch in enumerate(batches, number):
        start = {**state, **batch.state}
        mine, theirs = step_both(candidate, reference, start, batch)
        yield Taken(k, start, batch, mine, theirs)
        state = mine


def again(sides: tuple[Step, Step, Configuration], step: Taken) -> Stepped:
    """Return the step verified on its own."""
    return verify_step(*sides, step.start, step.batch, step.number, "manual")


def told(stepped: Stepped) -> Settled:
    worst = max(stepped.judged, key=lambda j: j.margin, default=None)
    margin, entry = (worst.margin, worst.name) if worst else (0.0, "")
    count = len(stepped.judged)
    return Settled(stepped.number, stepped.candidate, count, margin, entry, stepped.blown)


def alike(configuration: Configuration, lot: Sequence[Taken]) -> Iterator[list[Taken]]:
    """Yield the steps of sound structure in groups that one stack can hold: the same entries, shapes, options."""
    groups: dict[Any, list[Taken]] = {}
    for step in lot:
        if sound(step):
            groups.setdefault(signature(configuration, step), []).append(step)
    yield from groups.values()


def signature(configuration: Configuration, step: Taken) -> tuple[Any, ...]:
    """Return what must be the same in every step of a stack; of counts, those that formulas branch on."""
    normal = configuration.batch_norm
    average = normal is not None and normal.get("momentum", 0.0) is None
    branching = ("micro", "batches") if average else ("micro",)
    counts = [(n, int(x)) for n, x in step.start.items() if n.rstrip("0123456789") in branching]
    options = sorted(step.batch.options.items())
    return (*step.start, *step.mine, step.batch.X.shape, *counts, *options)


def sound(step: Taken) -> bool:
    """Tell whether the structure of both traces is right; where it is not, `verify_step` says how."""
    data = {"X": step.batch.X, "Y": step.batch.Y}
    try:
        traces.check(step.mine, step.theirs)
        for trace in (step.mine, step.theirs):
            traces.check_memory(trace, step.start, batch=data)
    except traces.Misshapen:
        return False
    return True


def judged(configuration: Configuration, group: Sequence[Taken]) -> Iterator[tuple[int, Settled]]:
    """Yield the steps of a group that are clear of every limit."""
    formulas = configuration.formulas(**group[0].batch.options)
    mine, theirs, start = (
        stacked([vars(s)[n] for s in group]) for n in ("mine", "theirs", "start")
    )
    missing: list[str] = []
    data = stacked([{"X": s.batch.X, "Y": s.batch.Y} for s in group])
    with np.errstate(all="ignore"):
        own = judge(formulas, mine, start, *data.values(), measure=ratios, missing=missing)
        pairs = judge_pair(formulas, mine, theirs, start, data["X"], data["Y"], measure=ratios)
    whole = not missing and own.keys() == mine.keys()  # else `verify_step` says what is wrong
    shares = {n: r.worst / formula_limit(0.0, r.terms) for n, r in own.items()}
    margins = [np.fmax(r.worst / STEP, shares.get(n, 0.0)) for n, r in pairs.items()]
    clear = np.all([x <= 1.0 for x in shares.values()], axis=0)
    clear &= np.all([r.worst <= STEP / 2 for r in pairs.values()], axis=0) & whole
    worst, names = np.argmax(margins, axis=0), list(pairs)
    for k, step in enumerate(group):
        if clear[k]:
            margin, entry = float(margins[worst[k]][k]), names[worst[k]]
            yield step.number, Settled(step.number, step.mine, len(pairs), margin, entry)


def stacked(traces: Sequence[Trace]) -> dict[str, Array]:
    """Return arrays of the same names one upon the other; scalars become matrices of one element."""
    out = {}
    for name in traces[0]:
        x = np.stack([trace[name] for trace in traces])
        out[name] = x.reshape(-1, 1, 1) if x.ndim == 1 else x
    return out


def ratios(x: Array, expected: Tracked, *, against: Array | None = None) -> Ratios:
    """Return the largest error of each step of a stack, in units of the stated error."""
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    target = expected.value if against is None else against
    with np.errstate(all="ignore"):
        gap = magnitude((x if against is not None else widened(x, target.dtype)) - target)
        unit, unjudged = allowance(expected, dtype)
        ratio = np.where(gap == 0.0, 0.0, gap / unit)
        if unjudged:
            ratio = np.where(unit > UNKNOWN, np.nan, ratio)
    return Ratios(ratio.reshape(len(x), -1).max(axis=1), expected.terms)
