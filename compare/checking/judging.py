r"""One step of somebody's program read and judged: what is shown, in the shapes and types it is meant in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from compare.checking.equivalents import accepted_form
from compare.checking.numbers import array_kind
from compare.diagnosis import Shown
from compare.diagnosis.given import GIVEN
from compare.distances import Distance, distance
from compare.divergence import few
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.precision import roundoff
from compare.formulas.stepping import Formulas
from compare.operands import stated
from compare.tolerances import GROSS, RATE
from compare.traces import Array, Trace
from compare.verification import Batch


@dataclass(frozen=True)
class Judgement:
    """One step of a program, judged: what it showed, and each entry's distance from its formula."""

    shown: Shown
    distances: Mapping[str, Distance]
    expected: Mapping[str, Tracked]
    notes: tuple[str, ...]


def judgement(
    trace: Mapping[str, Any],
    start: Trace,
    carried: Mapping[str, Tracked],
    batch: Batch,
    formulas: Formulas,
) -> Judgement:
    """Judge one step: what is given is not judged, what has a formula is, what has none is said."""
    X, Y = batch.X, batch.Y
    check_evaluated(batch)
    start = {n: x for n, x in start.items() if n in batch.state or not n.startswith(ONCE)}
    state = {n: x for n, x in start.items() if n not in carried}
    given = {n: x for n, x in batch.state.items() if n not in trace}
    clean, notes = readable(trace, X.dtype)
    notes += counted(clean, start, carried, formulas.accumulate)
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
            fitted[name], said = fit(name, clean[name], value)
            notes += said
            if fitted[name].shape != value.shape:
                distances[name] = misshapen(value)
                return Judgement(shown, distances, expected, tuple(notes))
            distances[name] = distance(fitted[name], value)
            if note := accepted_form(name, shown, distances, expected):
                notes.append(note)
    check_names(clean, expected, shown)
    notes += unknown(clean, expected, start)
    return Judgement(shown, distances, expected, tuple(notes))


def check_evaluated(batch: Batch) -> None:
    """Refuse inputs and targets of an evaluation that are not one example a column, as the batch is."""
    for name, like in (("evalX", batch.X), ("evalY", batch.Y)):
        x = batch.state.get(name)
        if x is not None and (x.ndim != 2 or len(x) != len(like)):
            raise ValueError(f"{name} is {x.shape}; expected ({len(like)}, examples), one a column")
    if "evalX" in batch.state and "evalY" in batch.state:
        m, n = (batch.state[name].shape[1] for name in ("evalX", "evalY"))
        if m != n:
            raise ValueError(f"evalX has {m} examples and evalY {n}; expected as many")


def given_back(clean: Mapping[str, Array], batch: Batch, formulas: Formulas) -> dict[str, Distance]:
    """Return the distances of what the program was given and shows again: X, Y and lr must be those."""
    dtype, found = batch.X.dtype, {}
    given = {"X": batch.X, "Y": batch.Y} | {
        n: batch.state[n] for n in EVALUATED & batch.state.keys()
    }
    for name, x in given.items():
        if name in clean:
            value = exact(x, dtype)
            same = clean[name].shape == x.shape
            found[name] = distance(clean[name], value) if same else misshapen(value)
    if "lr" in clean and "lr" in formulas.hyperparameters and clean["lr"].size == 1:
        lr = exact(np.asarray(float(formulas.hyperparameters["lr"])), np.dtype(np.float64))
        unit = RATE * roundoff(dtype) / lr.u
        found["lr"] = distance(clean["lr"].reshape(()).astype(np.float64), lr.rounded(unit))
    return found


def misshapen(value: Tracked) -> Distance:
    """Return the distance of an array that has not the shape of its formula."""
    like = float(value.value.flat[0]) if value.value.size else 0.0
    return Distance(np.inf, (0,) * value.value.ndim, np.nan, like, 0.0, 1)


ZERO = exact(np.zeros(()), np.dtype(np.float64))


def readable(trace: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[dict[str, Array], list[str]]:
    """Return the entries that are real numbers, as copies; say which are no numbers. ValueError for complex ones."""
    clean, notes, wide = {}, [], set[str]()
    for name, x in trace.items():
        kind = array_kind(x)
        if kind == "c":
            raise ValueError(
                f"{name} is complex; expected real numbers: take its real part if it is"
            )
        if isinstance(x, Mapping):  # its entries have been taken out of it
            continue
        if kind not in "biuf":
            notes.append(f"{name} is not an array of numbers ({type(x).__name__}): not judged")
            continue
        wide |= (
            {str(name)}
            if np.asarray(x).dtype.itemsize > dtype.itemsize and kind == "f" and np.ndim(x)
            else set()
        )
        clean[str(name)] = np.array(np.asarray(x), dtype=dtype if name not in COUNTS else None)
    if wide:
        notes.append(
            f"{few(sorted(wide))} in a wider type than {dtype}: rounded, so that what is formed of them may seem off"
        )
    return clean, notes


def counted(
    clean: dict[str, Array], start: Trace, carried: Mapping[str, Tracked], k: int
) -> list[str]:
    """Read a count of micro-batches that goes on, or starts anew, as 1 to k; sums emptied after the update as not shown."""
    notes, micro = [], clean.get("micro")
    if micro is not None and micro.size == 1 and (micro == np.round(micro)).all():
        clean["micro"] = (micro.astype(int) - 1) % k + 1
        if (micro < 1).any():
            notes.append(f"micro is 0 after the update, read as {k}")
    before = carried["micro"].value if "micro" in carried else start.get("micro", 0)
    sums = [n for n in clean if n.startswith("a.")]
    if k > 1 and int(before) % k == k - 1 and sums and not any(clean[n].any() for n in sums):
        for n in sums:
            del clean[n]
        notes.append("a.W1, ... are emptied after the update: not judged there")
    return notes


COUNTS, EVALUATED = ("micro",), {"evalX", "evalY"}
ONCE = ("eval", "epoch")  # names of what belongs to its own step alone


def fit(name: str, x: Array, value: Tracked) -> tuple[Array, list[str]]:
    """Return the entry in the shape of its formula, where that is a matter of 1s alone."""
    shape = value.shape
    if x.shape == shape:
        return x, []
    if x.size == value.value.size and [n for n in x.shape if n > 1] == [n for n in shape if n > 1]:
        return x.reshape(shape), [f"{name} has shape {x.shape}, read as {shape}"]
    return x, []


def check_names(clean: Mapping[str, Array], expected: Mapping[str, Tracked], shown: Shown) -> None:
    """Raise ValueError where nothing of the update is shown, but arrays that may well be it under other names.

    These are of the shapes of all weights, where no two weights have the same.
    """
    weights = [n for n in shown.parameters if n[0] == "W" and n in expected]
    shapes = {tuple(sorted(expected[n].shape)) for n in weights}
    if len(shapes) < len(weights) or any(n in clean or f"d{n}" in clean for n in shown.parameters):
        return
    other = [n for n in clean if n not in expected and n not in GIVEN and clean[n].size > 1]
    alike = [n for n in other if tuple(sorted(clean[n].shape)) in shapes]
    if shapes and shapes <= {tuple(sorted(clean[n].shape)) for n in alike}:
        names = ", ".join(f"{n} {clean[n].shape}" for n in alike)
        raise ValueError(
            f"it shows no parameter by its name, but {names}: which are they? Give the parameters back "
            f"as {', '.join(shown.parameters)}, and their gradients as dW1, db1, ..."
        )


def unknown(clean: Mapping[str, Array], expected: Mapping[str, Tracked], start: Trace) -> list[str]:
    """Say which entries have no formula here: they were not judged."""
    notes = []
    for name in clean:
        if name in expected or name in start or name in GIVEN:
            continue
        near = get_close_matches(name, list(expected), 1, cutoff=0.75)
        hint = f"; did you mean {near[0]}?" if near else ""
        notes.append(f"no formula is stated for {name}: not judged{hint}")
    return notes
