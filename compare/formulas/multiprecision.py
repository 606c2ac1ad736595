r"""Arrays of mpmath numbers at 113 bits, the oracle where longdouble is no wider than float64.

They behave as floating-point arrays do: what has no real value is NaN, a division by zero is
infinite or NaN, and what float64 cannot hold becomes infinite on its way there.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from compare.traces import Array

CONTEXT = mpmath.mp.clone()
CONTEXT.prec = 113  # of IEEE's binary128


def multiple(x: Any) -> Array:
    """Return an array as mpmath numbers, exactly.

    >>> float(multiple(0.5))
    0.5
    """
    return np.asarray(np.frompyfunc(CONTEXT.mpf, 1, 1)(x), dtype=object)


def single(x: Any) -> Array:
    """Return an array of mpmath numbers in float64.

    >>> float(single(CONTEXT.mpf(10) ** 400))
    inf
    """
    with np.errstate(all="ignore"):
        return np.asarray(np.frompyfunc(as_float, 1, 1)(x), dtype=np.float64)


def as_float(x: Any) -> float:
    try:
        return float(x)
    except OverflowError:
        return float("inf") if x > 0 else float("-inf")


def evaluated(name: str, x: Array) -> Array:
    """Return the elementary function `name` of every element; NaN where it has no real value.

    >>> evaluated("sqrt", multiple(-1.0))
    array(mpf('nan'), dtype=object)
    """
    function = getattr(CONTEXT, name)

    def real(value: Any) -> Any:
        result = function(value)
        return CONTEXT.nan if isinstance(result, CONTEXT.mpc) else result

    return np.asarray(np.frompyfunc(real, 1, 1)(x), dtype=object)


def divided(a: Array, b: Array) -> Array:
    """Return a / b; by zero as floating-point arithmetic has it.

    >>> divided(multiple(1.0), multiple(0.0))
    array(mpf('+inf'), dtype=object)
    """

    def quotient(x: Any, y: Any) -> Any:
        return x / y if y != 0 else x * CONTEXT.inf  # 0 * inf is NaN

    return np.asarray(np.frompyfunc(quotient, 2, 1)(a, b), dtype=object)
