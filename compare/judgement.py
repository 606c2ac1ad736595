r"""One trace held against the stated formulas: how far each entry is from what its own inputs make it.

Every formula is evaluated in extended precision on operands that the caller chooses:
`own=True` takes the program's own entries, exact, so that an entry answers only for its own formula;
`own=False` takes nothing from the trace but the state it started from, so that the error estimates
grow along the step: what rounding can do to the whole of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.formulas import stepping
from compare.formulas.arithmetic import HOPELESS, Tracked, exact, extend, finite
from compare.formulas.stepping import Formulas
from compare.traces import kind, parameters

Array = NDArray[Any]
Trace = Mapping[str, Array]
UNKNOWN = HOPELESS * 1e-50
NOTHING: Mapping[str, Tracked] = {}


class Operands:
    """Where formulas read: the program's own entries, or the results of the formulas before.

    `carried` holds what the program's last step did not show, as the formulas have it; `now` and
    `then` replace operands of this step and of its state: a question of the kind "what if it had
    read that instead".
    """

    def __init__(
        self,
        trace: Trace,
        state: Trace,
        X: Array,
        Y: Array,
        *,
        own: bool,
        carried: Mapping[str, Tracked] = NOTHING,
        now: Mapping[str, Tracked] = NOTHING,
        then: Mapping[str, Tracked] = NOTHING,
    ) -> None:
        self.dtype = X.dtype
        self.trace = trace if own else {}
        self.state = state
        self.now = {"X": exact(X, X.dtype), "Y": exact(Y, X.dtype), **now}
        self.then = {**carried, **then}
        self.stated: dict[str, Tracked] = {}

    def read(self, name: str) -> Tracked:
        if name not in self.now:
            own = self.trace.get(name)
            self.now[name] = self.stated[name] if own is None else exact(own, self.dtype)
        return self.now[name]

    def before(self, name: str) -> Tracked:
        if name not in self.then:
            self.then[name] = exact(self.state[name], self.dtype)
        return self.then[name]

    def has(self, name: str) -> bool:
        return name in self.state or name in self.then


def stated(
    formulas: Formulas, trace: Trace, state: Trace, X: Array, Y: Array, *, own: bool, **read: Any
) -> Iterator[tuple[str, Tracked]]:
    """Yield every entry as the stated formulas give it, in the order it is computed; `read` as in Operands."""
    operands = Operands(trace, state, X, Y, own=own, **read)
    has, names = operands.has, parameters({**state, **operands.then})
    for name, expected in stepping.step(formulas, names, operands.read, operands.before, has):
        operands.stated[name] = expected
        yield name, expected


@dataclass(frozen=True)
class Distance:
    """How far an array is from a stated value: `ratio` in units of u times the error estimate, and where."""

    ratio: float
    index: tuple[int, ...]
    value: float
    expected: float
    allowed: float  # one unit, at that index
    terms: int
    unjudged: int = 0  # elements that rounding alone may have made anything


def distance(x: Array, expected: Tracked, *, against: Array | None = None) -> Distance:
    """Return the distance of `x` from the stated value, or from `against` in units of the stated error.

    An element whose estimate is zero must be equal. What is not finite must be so in the same way.
    """
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    wide = extend(np.asarray(x, dtype=dtype))
    target = expected.value if against is None else extend(np.asarray(against, dtype=dtype))
    with np.errstate(all="ignore"):
        gap = np.abs(wide - target).astype(np.float64)
        unit = allowance(expected, dtype)
        unjudged = int(np.count_nonzero(unit > UNKNOWN))
        ratio = np.where(gap == 0.0, 0.0, gap / unit)
        narrow = target.astype(dtype)
    same = (x == narrow) | (np.isnan(x) & np.isnan(narrow))
    ratio = np.where(same, 0.0, np.where(np.isnan(ratio), np.inf, ratio))
    worst = int(np.argmax(ratio)) if ratio.size else 0
    index = tuple(int(i) for i in np.unravel_index(worst, ratio.shape)) if ratio.size else ()
    unit = np.broadcast_to(unit, ratio.shape)
    return Distance(
        float(ratio[index]),
        index,
        float(x[index]),
        float(narrow[index]),
        float(unit[index]),
        expected.terms,
        unjudged,
    )


def allowance(expected: Tracked, dtype: np.dtype[Any]) -> Array:
    """Return one unit of error: u times the estimate, and below the normal numbers the smallest of them."""
    if expected.error is None:
        return np.zeros(())
    tiny = float(np.finfo(dtype).tiny)
    error = finite(expected.error)
    return np.asarray(expected.u * error + np.where(error > 0.0, tiny, 0.0))


def judge(formulas: Formulas, trace: Trace, state: Trace, X: Array, Y: Array) -> dict[str, Distance]:
    """Return, for each entry of the trace in computation order, its distance from its own formula."""
    return {
        name: distance(trace[name], expected)
        for name, expected in stated(formulas, trace, state, X, Y, own=True)
        if name in trace
    }


def judge_pair(
    formulas: Formulas, trace: Trace, reference: Trace, state: Trace, X: Array, Y: Array
) -> dict[str, Distance]:
    """Return, for each entry, the distance between two traces in units of the error grown along the step."""
    out = {}
    for name, expected in stated(formulas, reference, state, X, Y, own=False):
        if name in trace and name in reference:
            out[name] = distance(trace[name], expected, against=reference[name])
            if kind(name) in PARAMETERS and "." not in name:
                moved = expected - exact(state[name], X.dtype)
                mine, theirs = trace[name] - state[name], reference[name] - state[name]
                out[f"update.{name}"] = distance(mine, moved, against=theirs)
    return out


PARAMETERS = ("W", "b", "gamma", "beta")
