r"""Judging what a program shows: each entry by its formula on the program's own inputs, the rest carried along."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from compare.checking.conventions import as_meant, unscaled
from compare.checking.elsewhere import FURTHER, Step, further, later, unseen
from compare.checking.judging import Judgement, judgement
from compare.checking.verdict import Verdict
from compare.diagnosis import Diagnosis, Scene, Shown, misshapen, suspected
from compare.diagnosis.given import GIVEN
from compare.diagnosis.scene import unshown
from compare.distances import Distance
from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked
from compare.formulas.evaluation import EXAMPLES, LOSSES
from compare.formulas.stepping import Formulas
from compare.judgement import judge
from compare.sums import plain, wider
from compare.tolerances import formula_limit
from compare.traces import COUNTS, Array, Trace, kind
from compare.verification import Batch

Reference = Callable[..., dict[str, Array]]
BLOWN = "the parameters leave the finite numbers: what follows is not judged"


@np.errstate(all="ignore")  # what overflows is judged where it stands
def examine(
    verdict: Verdict,
    formulas: Callable[[Batch], Formulas],
    initial: Trace,
    steps: Iterable[Step],
    reference: Reference,
    *,
    case: str,
    most: int | None = None,
    seen: Callable[[int, Judgement], None] | None = None,
) -> Verdict:
    """Return the verdict with the outcome of these steps; it stops at the first wrong formula.

    `steps` gives what the program showed at each step, with the batch it was given. Of many steps, the
    last `most` are kept for the diagnosis; `seen` is told the number of each, and how it was judged.
    """
    state: Trace = initial
    carried: Mapping[str, Tracked] = {}
    history: deque[Shown] = deque(maxlen=most)
    shown, hidden, arrays = set(verdict.shown), set(verdict.hidden), verdict.arrays
    notes = dict.fromkeys(verdict.notes)
    following = iter(steps)
    for number, (trace, batch) in enumerate(following):
        start = {**state, **batch.state}
        j = judgement(trace, start, carried, batch, formulas(batch))
        if number == 0 and formulas(batch).accumulate > 1 and unscaled(j):
            formulas = later(formulas)
            j = judgement(trace, start, carried, batch, formulas(batch))
            notes["the mean over micro-batches is taken of the gradients, not of the loss"] = None
        if not j.distances.keys() & j.expected.keys():
            return replace(verdict, error=f"{case}, step {number}: {nothing(j, trace)}")

        read = partial(judgement, start=start, carried=carried, batch=batch)
        wrong = partial(
            first_wrong,
            start=start,
            batch=batch,
            reference=reference,
            number=number,
            whose=verdict.subject,
        )
        j, found, formulas, said = as_meant(j, trace, batch, formulas, number == 0, read, wrong)
        notes |= dict.fromkeys(said)
        notes |= dict.fromkeys(j.notes)
        history.append(j.shown)
        if seen:
            seen(number, j)
        shown |= set(j.distances)
        hidden |= set(j.expected) - set(j.distances) - {LOSSES, EXAMPLES}
        arrays += len(j.distances)
        if found:
            ahead = {**j.shown.state, **j.shown.trace}
            coming = tuple(further(islice(following, FURTHER), formulas, ahead, unseen(j)))
            history[-1] = replace(history[-1], coming=coming[0].trace if coming else {})
            scene = Scene(tuple(history), found.origin, after=coming)
            named = diagnosed(j, found, scene)
            found = blurred(found, named, scene)
            verdict = replace(verdict, case=case, divergence=found, diagnosis=named, scene=scene)
            break
        state = {n: x for n, x in initial.items() if n not in j.expected} | dict(j.shown.trace)
        carried = unseen(j)
        if blown(j):
            notes[BLOWN] = None
            break
    if not history:
        return replace(verdict, error=f"{case}: nothing was compared, the program made no step")
    return replace(
        verdict,
        shown=in_order(j, shown),
        hidden=in_order(j, hidden - shown),
        arrays=arrays,
        notes=tuple(notes),
        statement=formulas,
    )


def diagnosed(j: Judgement, found: Divergence, scene: Scene) -> Diagnosis:
    """Return what is known of a wrong entry; of one that is misshapen its shape, for nothing can be made of it."""
    name = found.origin
    if found.kind == "shape" and name in j.shown.trace and name not in GIVEN:
        return misshapen(name, j.shown.trace[name], j.expected[name].shape)
    return suspected(scene)


def blurred(found: Divergence, named: Diagnosis, scene: Scene) -> Divergence:
    """Return a divergence with what its formula reads that is not shown, unless a mistake of its own is known."""
    if found.kind != "formula" or any(not e.target for e in named.named):
        return found
    return replace(found, behind=unshown(scene))


def blown(j: Judgement) -> bool:
    """Tell whether a parameter has left the finite numbers, as its formula does: nothing can be made of what follows."""
    after = {**unseen(j), **j.shown.trace}
    found = [after[n] for n in j.shown.parameters if n in after]
    return not all(np.isfinite(np.asarray(getattr(x, "value", x), np.float64)).all() for x in found)


def in_order(j: Judgement, names: set[str]) -> tuple[str, ...]:
    return tuple(n for n in j.expected if n in names)


def nothing(j: Judgement, trace: Mapping[str, Any]) -> str:
    names, lost = ", ".join(map(str, trace)) or "nothing", [n for n in j.expected if n in trace]
    why = f"; {'; '.join(j.notes)}" if lost and j.notes else ""
    return (
        f"nothing was compared: it shows {names}{why}; expected numbers in at least one of "
        f"{', '.join(list(j.expected)[:24])}"
    )


def first_wrong(
    j: Judgement, start: Trace, batch: Batch, reference: Reference, number: int, whose: str
) -> Divergence | None:
    """Return the first entry, in computation order, that its formula does not give."""
    suspects = [n for n, d in j.distances.items() if d.ratio > formula_limit(0.0, d.terms)]
    if not suspects:
        return None
    theirs = reference_trace(j, start, batch, reference)
    s, lost = j.shown, dict[str, float]()
    state = {**start, **rounded_off(s.carried, batch.X.dtype)}
    shown = {**batch.state, **theirs}
    own = judge(s.formulas, shown, state, batch.X, batch.Y, only=theirs)
    for name in suspects:
        d = j.distances[name]
        limit = formula_limit(own[name].ratio if name in own else 0.0, d.terms)
        if d.ratio > limit and d.elements:  # of what is misshapen there is no formula to go on from
            lost = lost or plain(s.formulas, s.trace, s.state, s.X, s.Y, carried=s.carried)
            limit = wider(limit, lost.get(name, 0.0), d.terms)
        if d.ratio > limit:
            return told(j, name, d, limit, theirs, number, whose)
    return None


def reference_trace(j: Judgement, start: Trace, batch: Batch, reference: Reference) -> Trace:
    """Return torch's step from the state that the program showed, completed by what it did not."""
    state = {**start, **rounded_off(j.shown.carried, batch.X.dtype)}
    with np.errstate(all="ignore"):
        return reference(state, batch.X, batch.Y, **batch.options)


def rounded_off(carried: Mapping[str, Tracked], dtype: np.dtype[Any]) -> dict[str, Array]:
    return {
        n: np.asarray(int(x.value)) if kind(n) in COUNTS else np.array(x.value.astype(dtype))
        for n, x in carried.items()
    }


def told(
    j: Judgement, name: str, d: Distance, limit: float, theirs: Trace, number: int, whose: str
) -> Divergence:
    names = list(j.distances)
    fits = name in theirs and len(d.index) == theirs[name].ndim
    value = float(theirs[name][d.index]) if fits else d.expected
    agreed = tuple(names[: names.index(name)])
    kind = "formula" if d.elements else "shape"  # of what is misshapen no element was compared
    return Divergence(number, name, kind, d, limit, value, agreed, (), whose)
