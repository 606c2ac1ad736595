r"""Values that differ from their formula in no more than a convention: said in a note, not blamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from compare.diagnosis import Shown
from compare.diagnosis.statements import named
from compare.distances import Distance, distance
from compare.formulas import losses
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.functions import maximum
from compare.tolerances import CAP, formula_limit


def accepted_form(
    name: str, s: Shown, distances: dict[str, Distance], expected: Mapping[str, Tracked]
) -> str:
    """Accept what differs from its formula in no more than a convention; return what is to be said of it."""
    d = distances[name]
    if d.ratio <= formula_limit(0.0, d.terms):
        return ""
    for form in (before_batch_norm, floored, unclamped):
        if found := form(name, s, expected):
            near, note = found
            if near.ratio <= CAP:
                distances[name] = near
                return note
    return ""


Form = tuple[Distance, str] | None


def before_batch_norm(name: str, s: Shown, expected: Mapping[str, Tracked]) -> Form:
    """Return a bias before batch norm as it stays, and its gradient as 0: it has none but rounding."""
    f, x = s.formulas, s.trace[name]
    biases = [f"b{l}" for l in range(1, len(f.activations))]
    if f.batch_norm is None or name.removeprefix("d") not in biases:
        return None
    right = replace(distance(x, expected[name]), ratio=0.0)
    if name.startswith("d"):
        note = f"{name} is 0, as it is before batch norm but for rounding"
        return None if x.any() else (right, note)
    still = f"d{name}" not in s.trace and np.array_equal(x, s.state[name])
    note = f"{name} stays as it is: before batch norm its gradient is rounding alone"
    return (right, note) if still and not f.hyperparameters.get("weight_decay") else None


def floored(name: str, s: Shown, expected: Mapping[str, Tracked]) -> Form:
    """Return the gradient of bce with its floor in another type."""
    f, L = s.formulas, len(s.formulas.activations)
    if name != f"dA{L}" or f"A{L}" not in s.trace or named(f.loss[0])[0] != "bce":
        return None
    A, Y = s.now(f"A{L}"), exact(s.Y, s.X.dtype)
    form = (A - Y) / (A.value.size * f.accumulate / f.summed) / maximum((1.0 - A) * A, 1e-12)
    note = f"dA{L} has a floor of 1e-12; torch's is float32(1e-12), 4e-9 smaller"
    return distance(s.trace[name], form), note


def unclamped(name: str, s: Shown, expected: Mapping[str, Tracked]) -> Form:
    """Return bce of a sigmoid's output as the loss of its logits, which is the same but where torch clamps it."""
    f, L = s.formulas, len(s.formulas.activations)
    meant = named(f.activations[-1][0])[0], named(f.loss[0])[0]
    if name != "loss" or f.only != "step" or meant != ("sigmoid", "bce"):
        return None
    Z = s.now(f"Z{L}") if f"Z{L}" in s.trace else expected[f"Z{L}"]
    note = (
        f"the loss is formed from the logits Z{L}: the same, but where the output saturates, where "
        "torch's bce clamps its logarithms at -100"
    )
    return distance(s.trace[name], losses.bce_with_logits(Z, exact(s.Y, s.X.dtype))), note
