r"""Judging what a program shows: each entry by its formula on the program's own inputs, the rest carried along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.checking.verdict import Verdict
from compare.diagnosis import Scene, Shown, diagnose
from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked
from compare.formulas.stepping import Formulas
from compare.judgement import Distance, distance, stated
from compare.tolerances import formula_limit
from compare.verification import Batch

Array = NDArray[Any]
Trace = Mapping[str, Array]
Reference = Callable[..., dict[str, Array]]
Step = tuple[Mapping[str, Any], Batch]


@dataclass(frozen=True)
class Judgement:
    """One step of a program, judged: what it showed, and each entry's distance from its formula."""

    shown: Shown
    distances: Mapping[str, Distance]
    expected: Mapping[str, Tracked]
    notes: tuple[str, ...]


def examine(
    verdict: Verdict,
    formulas: Callable[[Batch], Formulas],
    initial: Trace,
    steps: Iterable[Step],
    reference: Reference,
    *,
    case: str,
) -> Verdict:
    """Return the verdict with the outcome of these steps; it stops at the first wrong formula.

    `steps` gives what the program showed at each step, with the batch it was given.
    """
    state: Trace = initial
    carried: Mapping[str, Tracked] = {}
    history: list[Shown] = []
    shown, hidden, arrays = set(verdict.shown), set(verdict.hidden), verdict.arrays
    notes = dict.fromkeys(verdict.notes)
    for number, (trace, batch) in enumerate(steps):
        start = {**state, **batch.state}
        j = judgement(trace, start, carried, batch, formulas(batch), number)
        notes |= dict.fromkeys(j.notes)
        history.append(j.shown)
        shown |= set(j.distances)
        hidden |= set(j.expected) - set(j.distances)
        arrays += len(j.distances)
        if not j.distances:
            return replace(verdict, error=f"{case}, step {number}: {nothing(trace, j.expected)}")
        if found := first_wrong(j, start, batch, reference, number, verdict.subject):
            scene = Scene(tuple(history), found.origin)
            return replace(
                verdict,
                shown=in_order(j, shown),
                hidden=in_order(j, hidden - shown),
                arrays=arrays,
                notes=tuple(notes),
                case=case,
                divergence=found,
                diagnosis=diagnose(scene),
                scene=scene,
            )
        state = {n: x for n, x in initial.items() if n not in j.expected} | dict(j.shown.trace)
        carried = {n: x for n, x in j.expected.items() if n not in j.shown.trace}
        order = j
    if not history:
        return replace(verdict, error=f"{case}: nothing was compared, the program made no step")
    return replace(
        verdict,
        shown=in_order(order, shown),
        hidden=in_order(order, hidden - shown),
        arrays=arrays,
        notes=tuple(notes),
    )


def in_order(j: Judgement, names: set[str]) -> tuple[str, ...]:
    return tuple(n for n in j.expected if n in names)


def nothing(trace: Mapping[str, Any], expected: Mapping[str, Tracked]) -> str:
    names = ", ".join(map(str, trace)) or "nothing"
    return (
        f"nothing was compared: it shows {names}; expected at least one of "
        f"{', '.join(list(expected)[:24])}"
    )


def judgement(
    trace: Mapping[str, Any],
    start: Trace,
    carried: Mapping[str, Tracked],
    batch: Batch,
    formulas: Formulas,
    number: int,
) -> Judgement:
    """Judge one step: what is given is not judged, what has a formula is, what has none is said."""
    X, Y = batch.X, batch.Y
    state = {n: x for n, x in start.items() if n not in carried}
    given = {n: x for n, x in batch.state.items() if n not in trace}
    clean, notes = readable(trace, X.dtype)
    expected: dict[str, Tracked] = {}
    distances: dict[str, Distance] = {}
    fitted = dict(given)
    reading = stated(formulas, fitted, state, X, Y, own=True, carried=carried)
    for name, value in reading:
        expected[name] = value
        if name in clean:
            fitted[name], note = fit(name, clean[name], value, X.dtype)
            notes += note
            distances[name] = distance(fitted[name], value)
    for name in ("X", "Y"):
        if name in clean and not np.array_equal(clean[name], X if name == "X" else Y):
            raise ValueError(f"step {number}: its {name} is not the batch that it was given")
    notes += unknown(clean, expected, start)
    shown = Shown(fitted, state, X, Y, formulas, carried)
    return Judgement(shown, distances, expected, tuple(notes))


def readable(trace: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[dict[str, Array], list[str]]:
    """Return the entries that are numbers, as copies; say which are not."""
    clean, notes = {}, []
    for name, x in trace.items():
        try:
            clean[str(name)] = np.array(x, dtype=dtype if name not in COUNTS else None)
        except (TypeError, ValueError):
            notes.append(f"{name} is not an array of numbers ({type(x).__name__}): not judged")
    return clean, notes


COUNTS = ("micro",)


def fit(name: str, x: Array, value: Tracked, dtype: np.dtype[Any]) -> tuple[Array, list[str]]:
    """Return the entry in the shape of its formula, where that is a matter of 1s alone."""
    shape = value.shape
    if x.shape == shape:
        return x, []
    if x.size == value.value.size and [n for n in x.shape if n > 1] == [n for n in shape if n > 1]:
        return x.reshape(shape), [f"{name} has shape {x.shape}, read as {shape}"]
    raise ValueError(f"{name} has shape {x.shape} where {shape} should stand{shape_hint(name, x, shape)}")


def shape_hint(name: str, x: Array, shape: tuple[int, ...]) -> str:
    """Return the likely reason of a wrong shape."""
    if x.shape == shape[::-1]:
        return ": it is transposed (one example is a column: dW = dZ A^T, Z = W A + b)"
    if len(shape) == 2 and shape[1] == 1 and x.ndim == 2 and x.shape[0] == shape[0]:
        return f": sum {name} over the examples with keepdims=True"
    if len(shape) == 0:
        return ": the mean over all elements is one number"
    return ": a broadcast between (n,) and (n, 1) makes (n, n)"


def unknown(
    clean: Mapping[str, Array], expected: Mapping[str, Tracked], start: Trace
) -> list[str]:
    """Say which entries have no formula here: they were not judged."""
    notes = []
    for name in clean:
        if name in expected or name in start or name in ("X", "Y"):
            continue
        near = get_close_matches(name, list(expected), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        notes.append(f"no formula is stated for {name}: not judged{hint}")
    return notes


def first_wrong(
    j: Judgement, start: Trace, batch: Batch, reference: Reference, number: int, whose: str
) -> Divergence | None:
    """Return the first entry, in computation order, that its formula does not give."""
    suspects = [n for n, d in j.distances.items() if d.ratio > formula_limit(0.0, d.terms)]
    if not suspects:
        return None
    theirs = reference_trace(j, start, batch, reference)
    own = {}
    for name, expected in stated_for(j, theirs, start, batch):
        if name in theirs:
            own[name] = distance(theirs[name], expected)
    for name in suspects:
        d = j.distances[name]
        limit = formula_limit(own[name].ratio if name in own else 0.0, d.terms)
        if d.ratio > limit:
            return told(j, name, d, limit, theirs, number, whose)
    return None


def stated_for(j: Judgement, theirs: Trace, start: Trace, batch: Batch) -> Any:
    state = {**start, **rounded_off(j.shown.carried, batch.X.dtype)}
    given = {n: x for n, x in batch.state.items()}
    return stated(j.shown.formulas, {**given, **theirs}, state, batch.X, batch.Y, own=True)


def reference_trace(j: Judgement, start: Trace, batch: Batch, reference: Reference) -> Trace:
    """Return torch's step from the state that the program showed, completed by what it did not."""
    state = {**start, **rounded_off(j.shown.carried, batch.X.dtype)}
    with np.errstate(all="ignore"):
        return reference(state, batch.X, batch.Y, **batch.options)


def rounded_off(carried: Mapping[str, Tracked], dtype: np.dtype[Any]) -> dict[str, Array]:
    counts = ("t", "batches", "micro")
    return {
        n: np.asarray(int(x.value))
        if n.split(".")[0].rstrip("0123456789") in counts
        else np.array(x.value.astype(dtype))
        for n, x in carried.items()
    }


def told(
    j: Judgement, name: str, d: Distance, limit: float, theirs: Trace, number: int, whose: str
) -> Divergence:
    names = list(j.distances)
    value = float(theirs[name][d.index]) if name in theirs else d.expected
    agreed = tuple(names[: names.index(name)])
    return Divergence(number, name, "formula", d, limit, value, agreed, (), whose)
