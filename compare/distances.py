r"""How far an array is from a stated value, in units of the error that rounding may make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.formulas.arithmetic import Tracked
from compare.formulas.precision import (
    HOPELESS,
    extend,
    finite,
    magnitude,
    narrowed,
    roundoff,
    smallest,
)
from compare.traces import Array

UNKNOWN = HOPELESS * 1e-50
ZERO = np.zeros(())
DOUBLE = np.dtype(np.float64)


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
