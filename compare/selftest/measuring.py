r"""Correct code put through the verifier, case after case: what it raises, and what it would have missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from compare.configuration import Configuration
from compare.divergence import Divergence
from compare.judgement import judge
from compare.operands import stated
from compare.selftest.audit import Usage, used
from compare.selftest.cases import Case, cases
from compare.selftest.choices import Random
from compare.selftest.exactness import Grid, exact_grid
from compare.selftest.faults import Fault, faults, moves
from compare.selftest.planting import planted
from compare.selftest.practices import Practice, practised
from compare.sums import plain, wider
from compare.tolerances import formula_limit
from compare.traces import Misshapen, Trace
from compare.verification import Batch, Stepped, verify

ENOUGH_ALARMS = 25


@dataclass
class Measured:
    """What the cases of one dtype have shown so far."""

    dtype: str
    seed: int = 0
    cases: int = 0
    steps: int = 0
    arrays: int = 0
    elements: int = 0
    blown: int = 0  # steps at which both sides overflowed
    unjudged: int = 0  # elements that a whole step leaves to the formulas
    blind: int = 0  # arrays of which no formula could judge an element
    alarms: list[str] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    usage: dict[str, Usage] = field(default_factory=dict)
    planted: Counter[str] = field(default_factory=Counter)
    grid: Grid = field(default_factory=Grid)
    practices: dict[str, Practice] = field(default_factory=dict)


def measure(dtype: str, *, arrays: int, seed: int = 0) -> Iterator[Measured]:
    """Yield what is known after each case, until `arrays` arrays have been judged, or alarms are too many to go on."""
    measured = Measured(dtype, seed, grid=exact_grid(dtype, cases=min(400, arrays), seed=seed))
    for case in cases(seed, dtype):
        attempt(measured, case, np.random.default_rng([seed, measured.cases, 1]))
        measured.cases += 1
        yield measured
        if measured.arrays >= arrays or len(measured.alarms) >= ENOUGH_ALARMS:
            return


def attempt(measured: Measured, case: Case, random: Random) -> None:
    """Verify a case; whatever is raised against it is a false alarm, for both sides are correct."""
    c, state = case.configuration, case.state
    steps = verify(c.by_hand(), c.by_torch(), c, state, case.batches)
    try:
        for stepped, batch in zip(steps, case.batches, strict=False):
            if stepped.blown:
                measured.blown += 1
                return
            record(measured, c, {**state, **batch.state}, batch, stepped, random)
            state = stepped.candidate
    except (Divergence, Misshapen) as error:
        headline = str(error).splitlines()[0]
        measured.alarms.append(f"case {measured.cases} ({case.special}: {c.title}): {headline}")


def record(
    measured: Measured,
    configuration: Configuration,
    start: Trace,
    batch: Batch,
    stepped: Stepped,
    random: Random,
) -> None:
    """Add one verified step: its counts, the faults it would show, how much of each limit it used."""
    formulas, trace = configuration.formulas(**batch.options), stepped.candidate
    inputs = (start, batch.X, batch.Y)
    expected = dict(stated(formulas, trace, *inputs, own=True))
    torch = judge(formulas, stepped.reference, *inputs)
    lost = plain(formulas, trace, *inputs)
    limits = {
        n: wider(formula_limit(torch[n].ratio, x.terms), lost[n], x.terms)
        for n, x in expected.items()
    }
    measured.steps += 1
    measured.arrays += len(trace)
    measured.elements += sum(x.size for x in trace.values())
    practised(measured.practices, trace, stepped.reference, measured.dtype)
    for j in stepped.judged:
        measured.unjudged += j.pair.unjudged
        measured.blind += bool(j.blind)
        used(measured.usage, j, torch.get(j.name), expected.get(j.name))
    found = faults(trace, start, expected, limits, moves(formulas, trace, *inputs, random))
    for fault in found:
        measured.faults.setdefault(fault.entry, []).append(fault)
    visible = [f for f in found if f.smallest > 0.0]
    if visible:
        fault = visible[int(random.integers(len(visible)))]
        measured.planted.update(planted(configuration, start, batch, stepped, fault))
