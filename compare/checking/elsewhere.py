r"""What else a program shows: the steps after a wrong one, and other runs, by which mistakes are told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from compare.checking.judging import Judgement, judgement
from compare.checking.verdict import Verdict
from compare.diagnosis import Shown, told
from compare.formulas.arithmetic import Tracked
from compare.formulas.stepping import Formulas
from compare.traces import Trace
from compare.verification import Batch

Step = tuple[Mapping[str, Any], Batch]
FURTHER = 3  # steps looked at after a wrong one, to tell apart mistakes that agree on it
ENOUGH = 8  # steps looked at of each other run, for the same


def further(
    steps: Iterable[Step],
    formulas: Callable[[Batch], Formulas],
    state: Trace,
    carried: Mapping[str, Tracked],
) -> Iterator[Shown]:
    """Yield what the program shows at steps that go on from a state, as long as it can be read."""
    following = iter(steps)
    while True:
        try:
            trace, batch = next(following)
            j = judgement(trace, {**state, **batch.state}, carried, batch, formulas(batch))
        except Exception:  # it ends, or cannot be read
            return
        if not j.distances:
            return
        yield j.shown
        state = {**j.shown.state, **j.shown.trace}
        carried = unseen(j)


Run = tuple[Callable[[Batch], Formulas], Trace, Iterable[Step]]


def told_apart(verdict: Verdict, runs: Iterable[Run]) -> Verdict:
    """Return the verdict without the mistakes that other runs of the program speak against.

    A run is the formulas of its batches, the state it starts from, and what was shown at its steps.
    """
    d, scene = verdict.diagnosis, verdict.scene
    if d is None or scene is None or not d.named:
        return verdict
    if len(d.named) < 2 and np.isfinite(scene.last.trace[scene.origin]).all():
        return replace(verdict, diagnosis=replace(d, named=told(d.named, scene)))
    late = scene.last.formulas.late
    elsewhere = tuple(
        tuple(further(islice(steps, ENOUGH), later(formulas) if late else formulas, initial, {}))
        for formulas, initial, steps in runs
    )
    named = told(d.named, replace(scene, elsewhere=elsewhere))
    return replace(verdict, diagnosis=replace(d, named=named))


def unseen(j: Judgement) -> dict[str, Tracked]:
    """Return what the program did not show, as the formulas have it."""
    return {n: x for n, x in j.expected.items() if n not in j.shown.trace}


def later(formulas: Callable[[Batch], Formulas]) -> Callable[[Batch], Formulas]:
    """Return the formulas with the mean over micro-batches taken of the gradients."""
    return lambda batch: replace(formulas(batch), late=True)
