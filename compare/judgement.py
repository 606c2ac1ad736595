r"""One trace held against the stated formulas: how far each entry is from what its own inputs make it.

Every formula is evaluated in extended precision on operands that the caller chooses:
`own=True` takes the program's own entries, exact, so that an entry answers only for its own formula;
`own=False` takes them with the error they may have by then, so that the estimates grow along the
step: what rounding can do to the whole of it. Formulas are evaluated once for both by `judge_both`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.formulas import stepping
from compare.formulas.arithmetic import Tracked, estimated, exact
from compare.formulas.precision import (
    HOPELESS,
    extend,
    finite,
    magnitude,
    narrowed,
    roundoff,
    smallest,
)
from compare.formulas.stepping import Formulas
from compare.traces import kind, parameters

Array = NDArray[Any]
Trace = Mapping[str, Array]
UNKNOWN = HOPELESS * 1e-50
ZERO = np.zeros(())
DOUBLE = np.dtype(np.float64)
NOTHING: Mapping[str, Tracked] = {}


class Operands:
    """Where formulas read: the program's own entries, exact, or with the error they may have grown.

    `carried` holds what the program's last step did not show, as the formulas have it; `now` and
    `then` replace operands of this step and of its state: a question of the kind "what if it had
    read that instead". `u` is the unit roundoff of a program that computes in another type than its
    arrays have, to which it rounds what it is given. With `screened` what is exact stays in float64,
    and the formulas are evaluated in it. With `fresh` what an entry may have grown is not counted
    in the fresh error of the next. With `plain` what is exact stays in the program's type.
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
        u: float = 0.0,
        screened: bool = False,
        fresh: bool = False,
        plain: bool = False,
    ) -> None:
        self.plain = plain
        self.dtype, self.own, self.u, self.screened, self.fresh = X.dtype, own, u, screened, fresh
        self.trace, self.state = trace, state
        self.now = {"X": self.given(X), "Y": self.given(Y), **now}
        self.then = {**carried, **then}
        self.stated: dict[str, Tracked] = {}

    def given(self, x: Array) -> Tracked:
        if self.own:
            return self.exact(x)
        return estimated(x, np.abs(x) if self.u else None, self.dtype, 1, self.u)

    def exact(self, x: Array) -> Tracked:
        if self.plain:
            return Tracked(np.asarray(x, self.dtype), None, self.u or roundoff(self.dtype))
        if self.screened:
            return estimated(x, None, self.dtype, 1, self.u)
        return exact(x, self.dtype, self.u)

    def read(self, name: str) -> Tracked:
        if name not in self.now:
            self.now[name] = self.shown(name)
        return self.now[name]

    def shown(self, name: str) -> Tracked:
        x = self.trace.get(name)
        if x is None:
            return self.stated[name]
        if self.own:
            return self.exact(x)
        grown = self.stated[name]
        if self.fresh:
            return self.exact(x).with_error(grown.error, None)
        return estimated(x, grown.error, self.dtype, grown.terms, self.u)

    def before(self, name: str) -> Tracked:
        if name not in self.then:
            self.then[name] = self.given(self.state[name])
        return self.then[name]

    def has(self, name: str) -> bool:
        return name in self.state or name in self.then


def stated(
    formulas: Formulas, trace: Trace, state: Trace, X: Array, Y: Array, *, own: bool, **read: Any
) -> Iterator[tuple[str, Tracked]]:
    """Yield every entry as the stated formulas give it, in the order it is computed; `read` as in Operands."""
    operands = Operands(trace, state, X, Y, own=own, **read)
    has, names = operands.has, parameters([*state, *operands.then])
    for name, expected in stepping.step(formulas, names, operands.read, operands.before, has):
        operands.stated[name] = expected
        yield name, expected


@dataclass(slots=True)  # not frozen: made dozens of times a step, it costs a fifth
class Distance:
    """How far an array is from a stated value: `ratio` in units of u times the error estimate, and where."""

    ratio: float
    index: tuple[int, ...]
    value: float
    expected: float
    allowed: float  # one unit, at that index
    terms: int
    unjudged: int = 0  # elements that rounding alone may have made anything
    elements: int = 0  # of how many


def distance(
    x: Array, expected: Tracked, *, against: Array | None = None, strict: bool = False
) -> Distance:
    """Return the distance of `x` from the stated value, or from `against` in units of the stated error.

    An element whose estimate is zero must be equal. What is not finite must be so in the same way.
    Elements that rounding may have made anything are not judged; where `strict`, they must be equal.
    """
    dtype = floating(x)
    with np.errstate(all="ignore"):
        target = expected.value if against is None else against
        wide = x if against is not None else widened(x, target.dtype)
        gap = magnitude(wide - target)
        unit, unjudged = allowance(expected, dtype)
        ratio = gap / unit
        if unjudged:
            ratio = np.where(unit > UNKNOWN, np.nan if strict else 0.0, ratio)
        worst = ratio.max(initial=0.0)
        if not worst < np.inf:  # 0 / 0, overflow or NaN: settled by equality
            ratio = settled(x, narrowed(target, dtype), ratio)
    index = np.unravel_index(int(ratio.argmax()), ratio.shape) if ratio.ndim else ()
    return Distance(
        float(ratio[index]),
        tuple(map(int, index)),
        float(x[index]),
        float(target[index]) if target.shape == ratio.shape else float(target.max()),
        float(unit[index]) if unit.shape == ratio.shape else float(unit.max()),
        expected.terms,
        unjudged,
        ratio.size,
    )


def widened(x: Array, target: np.dtype[Any]) -> Array:
    return extend(x) if target.kind == "O" else x.astype(target, copy=False)


def settled(x: Array, target: Array, ratio: Array) -> Array:
    """Return the ratios with what equality decides decided: equal, or equally not a number, is 0, else infinite."""
    same = (x == target) | (np.isnan(x) & np.isnan(target))
    return np.where(same, 0.0, np.where(np.isnan(ratio), np.inf, ratio))


def allowance(expected: Tracked, dtype: np.dtype[Any]) -> tuple[Array, int]:
    """Return one unit of error, u times the estimate plus the smallest normal number, and how much it cannot judge."""
    error = expected.error
    if error is None:
        return ZERO, 0
    unjudged = 0
    if not error.max(initial=0.0) < UNKNOWN:
        error = finite(error)
        unjudged = int(np.count_nonzero(expected.u * error > UNKNOWN))
    tiny = tiniest(expected, dtype)
    unit = expected.u * error
    unit += tiny if error.min(initial=np.inf) > 0.0 else (error > 0.0) * tiny
    return unit, unjudged


def tiniest(expected: Tracked, dtype: np.dtype[Any]) -> float:
    """Return the smallest normal number of the coarser type: what is allowed wherever anything is."""
    return max(smallest(roundoff(dtype)), smallest(expected.u))


def floating(x: Array) -> np.dtype[Any]:
    """Return the type of an array of floating-point numbers; of counts, double precision."""
    return x.dtype if x.dtype.kind == "f" else DOUBLE


def judge(
    formulas: Formulas,
    trace: Trace,
    state: Trace,
    X: Array,
    Y: Array,
    *,
    measure: Callable[..., Any] = distance,
    u: float = 0.0,
    missing: list[str] | None = None,
    screened: bool = False,
    only: Container[str] | None = None,
) -> dict[str, Any]:
    """Return, for each entry of the trace, its Distance (or what `measure` makes of it) from its own formula.

    `u` and `screened` as in Operands; where `only` says which, of these entries alone. Entries that
    are stated and not on the trace are appended to `missing`.
    """
    out = {}
    for name, expected in stated(formulas, trace, state, X, Y, own=True, u=u, screened=screened):
        if only is not None and name not in only:
            continue
        if name in trace:
            out[name] = measure(trace[name], expected)
        elif missing is not None:
            missing.append(name)
    return out


def judge_pair(
    formulas: Formulas,
    trace: Trace,
    reference: Trace,
    state: Trace,
    X: Array,
    Y: Array,
    *,
    measure: Callable[..., Any] = distance,
    **read: Any,
) -> dict[str, Any]:
    """Return, for each entry, the Distance between two traces in units of the error grown along the step.

    `measure` as in `judge`, `read` as in Operands.
    """
    out: dict[str, Any] = {}
    for name, expected in stated(formulas, reference, state, X, Y, own=False, **read):
        out.update(paired(name, expected, trace, reference, state, measure))
    return out


def judge_both(
    formulas: Formulas,
    trace: Trace,
    reference: Trace,
    state: Trace,
    X: Array,
    Y: Array,
    *,
    measure: Callable[..., Any],
    missing: list[str],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `judge`, screened, and `judge_pair` do, for half the work: each formula is evaluated once.

    Errors grow here along the candidate's step instead of the reference's; of two that agree, they are the same.
    """
    own: dict[str, Any] = {}
    pairs: dict[str, Any] = {}
    for name, expected in stated(
        formulas, trace, state, X, Y, own=False, screened=True, fresh=True
    ):
        if name in trace:
            own[name] = measure(trace[name], expected.alone)
            pairs.update(paired(name, expected, trace, reference, state, measure))
        else:
            missing.append(name)
    return own, pairs


def paired(
    name: str,
    expected: Tracked,
    trace: Trace,
    reference: Trace,
    state: Trace,
    measure: Callable[..., Any],
) -> Iterator[tuple[str, Any]]:
    """Yield how far apart two traces are in an entry, and of a parameter in its update."""
    if name not in trace or name not in reference:
        return
    yield name, measure(trace[name], expected, against=reference[name])
    if kind(name) in PARAMETERS and "." not in name:
        before = state[name]
        moved = expected - Tracked(np.asarray(before, np.float64), None, expected.u)
        mine, theirs = trace[name] - before, reference[name] - before
        yield f"update.{name}", measure(mine, moved, against=theirs)


PARAMETERS = ("W", "b", "gamma", "beta")
