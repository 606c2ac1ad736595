r"""Judging what a program shows: each entry by its formula on the program's own inputs, the rest carried along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.checking.verdict import Verdict
from compare.diagnosis import Scene, Shown, diagnose
from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked, exact, roundoff
from compare.formulas.functions import maximum
from compare.formulas.stepping import Formulas
from compare.judgement import Distance, distance, stated
from compare.tolerances import CAP, formula_limit
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
    late = False
    following = iter(steps)
    for number, (trace, batch) in enumerate(following):
        start = {**state, **batch.state}
        stated_now = replace(formulas(batch), late=late)
        j = judgement(trace, start, carried, batch, stated_now, number)
        if number == 0 and stated_now.accumulate > 1 and unscaled(j):
            late = True
            j = judgement(trace, start, carried, batch, replace(stated_now, late=True), number)
            notes["the mean over micro-batches is taken of the gradients, not of the loss"] = None
        notes |= dict.fromkeys(j.notes)
        history.append(j.shown)
        shown |= set(j.distances)
        hidden |= set(j.expected) - set(j.distances)
        arrays += len(j.distances)
        if not j.distances:
            return replace(verdict, error=f"{case}, step {number}: {nothing(trace, j.expected)}")
        if found := first_wrong(j, start, batch, reference, number, verdict.subject):
            after = tuple(further(following, j, formulas, late, number))
            history[-1] = replace(history[-1], coming=after[0].trace if after else {})
            scene = Scene(tuple(history), found.origin, after=after)
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


FURTHER = 3  # steps looked at after a wrong one, to tell apart mistakes that agree on it


def further(
    following: Iterator[Step],
    j: Judgement,
    formulas: Callable[[Batch], Formulas],
    late: bool,
    number: int,
) -> Iterator[Shown]:
    """Yield what the program shows after the wrong step, as long as it can be read."""
    for _ in range(FURTHER):
        try:
            trace, batch = next(following)
            start = {**j.shown.state, **j.shown.trace, **batch.state}
            carried = {n: x for n, x in j.expected.items() if n not in j.shown.trace}
            j = judgement(trace, start, carried, batch, replace(formulas(batch), late=late), number)
        except Exception:
            return
        if not set(j.distances):
            return
        yield j.shown


def unscaled(j: Judgement) -> bool:
    """Tell whether the gradient at the output is that of the whole loss, not of its share 1/k."""
    name = f"dA{len(j.shown.formulas.activations)}"
    name = name if name in j.distances else name.replace("A", "Z")
    k = j.shown.formulas.accumulate
    if name not in j.distances or j.distances[name].ratio <= CAP:
        return False
    return distance(j.shown.trace[name], j.expected[name] * float(k)).ratio <= CAP


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
    distances = given_back(clean, batch, formulas)
    fitted = dict(given) | {n: clean[n] for n in distances}
    shown = Shown(fitted, state, X, Y, formulas, carried)
    if any(not d.ratio < GROSS for n, d in distances.items() if n != "lr"):
        return Judgement(shown, distances, dict.fromkeys(distances, ZERO), tuple(notes))
    reading = stated(formulas, fitted, state, X, Y, own=True, carried=carried)
    for name, value in reading:
        expected[name] = value
        if name in clean:
            fitted[name], said = fit(name, clean[name], value, X.dtype)
            notes += said
            if fitted[name].shape != value.shape:
                distances[name] = misshapen(value)
                break
            distances[name] = distance(fitted[name], value)
            if note := accepted_form(name, fitted, distances, formulas, batch):
                notes.append(note)
    notes += unknown(clean, expected, start) if len(expected) > len(distances) / 2 else []
    return Judgement(shown, distances, expected, tuple(notes))


def given_back(clean: Mapping[str, Array], batch: Batch, formulas: Formulas) -> dict[str, Distance]:
    """Return the distances of what the program was given and shows again: X, Y and lr must be those."""
    dtype, found = batch.X.dtype, {}
    for name, x in {"X": batch.X, "Y": batch.Y}.items():
        if name in clean:
            value = exact(x, dtype)
            same = clean[name].shape == x.shape
            found[name] = distance(clean[name], value) if same else misshapen(value)
    if "lr" in clean and "lr" in formulas.hyperparameters and clean["lr"].size == 1:
        lr = exact(np.asarray(float(formulas.hyperparameters["lr"])), np.dtype(np.float64))
        unit = 4.0 * roundoff(dtype) / lr.u  # the roundings that a schedule's formula may take
        found["lr"] = distance(clean["lr"].reshape(()).astype(np.float64), lr.rounded(unit))
    return found


def misshapen(value: Tracked) -> Distance:
    """Return the distance of an array that has not the shape of its formula."""
    like = float(value.value.flat[0]) if value.value.size else 0.0
    return Distance(np.inf, (0,) * value.value.ndim, np.nan, like, 0.0, 1)


GROSS = 1e3  # a batch this far off is another batch: nothing more can be said of the step
ZERO = exact(np.zeros(()), np.dtype(np.float64))


def accepted_form(
    name: str,
    fitted: Mapping[str, Array],
    distances: dict[str, Distance],
    formulas: Formulas,
    batch: Batch,
) -> str:
    """Accept what equals the formula but where it saturates; return what is to be said of it."""
    L = len(formulas.activations)
    pair = formulas.activations[-1][0], formulas.loss[0]
    names = tuple(getattr(f, "__name__", "") for f in pair)
    if distances[name].ratio <= CAP or f"A{L}" not in fitted:
        return ""
    A, Y = exact(fitted[f"A{L}"], batch.X.dtype), exact(batch.Y, batch.X.dtype)
    if name == f"dZ{L}" and f"dA{L}" not in fitted and names in SHORT:
        form = (A.rounded(4.0) - Y) / (SHORT[names](A) * formulas.accumulate)
        note = (
            f"dZ{L} is the short form (A - Y) / N: what the chain gives, but where the output "
            "saturates, where torch's chain through the probabilities loses the gradient"
        )
    elif name == f"dA{L}" and names[1] == "bce":
        form = (A - Y) / float(A.value.size * formulas.accumulate) / maximum((1.0 - A) * A, 1e-12)
        note = f"dA{L} has a floor of 1e-12; torch's is float32(1e-12), 4e-9 smaller"
    else:
        return ""
    near = distance(fitted[name], form)
    if near.ratio > CAP:
        return ""
    distances[name] = near
    return note


SHORT: Mapping[tuple[str, ...], Callable[[Tracked], float]] = {
    ("sigmoid", "bce"): lambda A: float(A.value.size),
    ("softmax", "cross_entropy_on_probabilities"): lambda A: float(A.shape[1]),
}


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
    return x, []


def unknown(clean: Mapping[str, Array], expected: Mapping[str, Tracked], start: Trace) -> list[str]:
    """Say which entries have no formula here: they were not judged."""
    notes = []
    for name in clean:
        if name in expected or name in start or name in ("X", "Y", "lr"):
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
    given = dict(batch.state.items())
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
    fits = name in theirs and len(d.index) == theirs[name].ndim
    value = float(theirs[name][d.index]) if fits else d.expected
    agreed = tuple(names[: names.index(name)])
    kind = "shape" if d.ratio == np.inf and d.allowed == 0.0 and np.isnan(d.value) else "formula"
    if (
        kind == "shape"
        and name in j.shown.trace
        and np.shape(j.shown.trace[name]) == j.expected[name].shape
    ):
        kind = "formula"
    return Divergence(number, name, kind, d, limit, value, agreed, (), whose)
