r"""Correct digits against mpmath at 50 digits, on a small net: as NIST's StRD tables have them.

The log relative error of an array is that of its worst element, $-\log_{10} |x - c| / |c|$, at most
what the type can hold. The certified values $c$: the loss at 50 digits, gradients by the complex step
$\mathrm{Im}\,L(w + ih) / h$ with $h = 10^{-60}$ at 120 digits, whose own error is below $10^{-100}$.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np

from compare.tasks import Task
from compare.tolerances import DIGITS
from compare.traces import Array
from compare.witnesses import scikit
from compare.witnesses.functions import Arithmetic, multiple
from compare.witnesses.network import loss, moved
from compare.witnesses.testimony import Answer, Case, Testimony, first_step

EXAMPLES, MOST = 5, 300  # parameters
WORKING = 120


def digits(task: Task) -> Testimony:
    """Return the table of correct digits of manual, torch and, where it can express the step, scikit-learn."""
    case = first_step(task, examples=EXAMPLES)
    size = sum(g.size for g in case.gradients.values())
    if size > MOST:
        raise ValueError(
            f"the digits witness wants a small net: {size:,} parameters, at most {MOST}; "
            "ask with a narrower --hidden"
        )
    c, batch = case.configuration, case.batch
    sides: dict[str, Mapping[str, Array]] = {"manual": case.trace}
    sides["torch"] = c.by_torch()(dict(case.state), batch.X, batch.Y, **batch.options)
    if not list(scikit.inexpressible(c)):
        sides["scikit-learn"] = scikit.step(case)
    right = {n: x for n, x in certified(case).items() if np.any(abs(x) > ZERO)}
    table = {
        name: {who: correct(trace[name], value) for who, trace in sides.items() if name in trace}
        for name, value in right.items()
    }
    least = DIGITS[str(case.batch.X.dtype)]
    answers = tuple(
        Answer(name, lost(row["manual"]), lost(min(least, row["torch"] - 1.0)), right[name].size)
        for name, row in table.items()
    )
    return Testimony("mpmath at 50 digits", answers, NOTES, table)


def lost(digits: float) -> float:
    """Return the relative error of a number with so many correct digits."""
    return float(10.0**-digits)


NOTES = ("digits of the worst element; manual may have one fewer than torch",)


def certified(case: Case) -> dict[str, Array]:
    """Return the loss, the gradients and, for plain gradient descent, the parameters, certified."""
    f = multiple(WORKING)
    state, batch = wide(case, f)
    c, h = case.configuration, f.number(10) ** -60
    out = {"loss": np.asarray(loss(c, state, batch, f) * c.accumulate, dtype=object)}
    imaginary = h * f.i
    for name, g in case.gradients.items():
        value = np.empty(g.shape, dtype=object)
        for at in np.ndindex(g.shape):
            value[at] = loss(c, moved(state, name, at, imaginary), batch, f).imag / h
        out[f"d{name}"] = value
    if (
        c.optimizer == "sgd"
        and set(c.options) <= {"lr"}
        and not (c.clip or c.frozen)
        and c.accumulate == 1
    ):
        lr = {**c.options, **batch.options}.get("lr", 1e-3)
        out |= {n: state[n] - lr * out[f"d{n}"] for n in case.gradients}
    return out


def wide(case: Case, f: Arithmetic) -> tuple[dict[str, Array], Any]:
    def each(x: Array) -> Array:
        return np.asarray(np.frompyfunc(lambda v: f.number(float(v)), 1, 1)(x), dtype=object)

    b = case.batch
    return {n: each(x) for n, x in case.state.items()}, type(b)(each(b.X), each(b.Y), b.options)


def correct(x: Array, right: Array) -> float:
    """Return the correct digits of the worst element, at most those of the type; NaN where all are exactly 0.

    >>> correct(np.array([1.0, 0.999, 1e-17]), multiple(50).number(1) * np.array([1, 1, 0]))
    3.0
    """
    most = -math.log10(float(np.finfo(x.dtype if x.dtype.kind == "f" else float).eps) / 2)
    pairs = zip(x.ravel(), right.ravel(), strict=True)
    return min((lre(a, b, most) for a, b in pairs if abs(b) > ZERO), default=math.nan)


ZERO = 1e-40  # such as the gradient of a bias in front of batch norm


def lre(x: Any, right: Any, most: float) -> float:
    error = abs((float(x) - right) / right)
    return most if error == 0 else min(most, max(0.0, round(-float(mpmath.log10(error)), 1)))
