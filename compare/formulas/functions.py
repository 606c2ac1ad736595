r"""Elementary functions of tracked numbers: the value in extended precision, the error by the function's slope."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from compare.formulas.arithmetic import (
    FUNCTION_ERROR,
    Array,
    Mask,
    Tracked,
    added,
    evaluate,
    finite,
    magnitude,
    narrowed,
    quietly,
    quotient,
    smallest,
)
from compare.formulas.multiprecision import evaluated


def rounded_function(x: Tracked, name: str, slope: Array) -> Tracked:
    value = evaluate(name, x.value)
    return Tracked(
        value, added(FUNCTION_ERROR * magnitude(value), sloped(x.error, slope)), x.u, x.terms
    )


def sloped(error: Array | None, slope: Array) -> Array | None:
    return None if error is None else quietly(np.multiply, error, magnitude(slope))


def toward_zero(x: Tracked) -> Array:
    """Return the magnitude nearest to zero that `x` may have, where bell-shaped slopes are largest."""
    away = magnitude(x.value)
    return away if x.error is None else np.maximum(away - x.u * x.error, 0.0)


def exp(x: Tracked) -> Tracked:
    """Return $e^x$; an error of the argument is a relative error of the value."""
    value = evaluate("exp", x.value)
    error = FUNCTION_ERROR * magnitude(value)
    if x.error is not None:
        relative = quietly(np.divide, quietly(np.expm1, x.u * x.error), x.u)
        inherited = quietly(np.multiply, relative, magnitude(value))
        error = error + np.where(magnitude(value) == 0.0, 0.0, inherited)  # 0 * inf is no error
    return Tracked(value, error, x.u, x.terms)


def log(x: Tracked) -> Tracked:
    value = evaluate("log", x.value)
    room = np.maximum(magnitude(x.value) - (0.0 if x.error is None else x.u * x.error), 0.0)
    return Tracked(
        value, added(FUNCTION_ERROR * magnitude(value), quotient(x.error, room)), x.u, x.terms
    )


def clamped_log(x: Tracked, floor: float) -> Tracked:
    r"""Return $\max(\log x, floor)$; where x may be 0, the floor bounds the error too."""
    value = np.maximum(evaluate("log", x.value), x.number(floor))
    size = magnitude(value)
    if x.error is None:
        return Tracked(value, FUNCTION_ERROR * size, x.u, x.terms)
    spread = x.u * x.error
    low = np.maximum(quietly(np.log, np.maximum(magnitude(x.value) - spread, 0.0)), floor)
    high = np.maximum(quietly(np.log, magnitude(x.value) + spread), floor)
    middle = narrowed(value)
    error = FUNCTION_ERROR * size + np.maximum(high - middle, middle - low) / x.u
    return Tracked(value, error, x.u, x.terms)


def log1p(x: Tracked) -> Tracked:
    one_plus = magnitude(quietly(np.add, x.value, x.number(1.0)))
    room = np.maximum(one_plus - (0.0 if x.error is None else x.u * x.error), 0.0)
    value = evaluate("log1p", x.value)
    return Tracked(
        value, added(FUNCTION_ERROR * magnitude(value), quotient(x.error, room)), x.u, x.terms
    )


def expm1(x: Tracked) -> Tracked:
    return rounded_function(x, "expm1", evaluate("exp", x.value))


def tanh(x: Tracked) -> Tracked:
    return rounded_function(x, "tanh", 1.0 - np.tanh(toward_zero(x)) ** 2)


def sqrt(x: Tracked) -> Tracked:
    r"""Return $\sqrt x$; near zero the error of the root is the root of the error.

    What is below zero by no more than its error may as well be zero.
    """
    operand = x.value
    if x.error is not None:
        operand = np.where(
            (operand < 0) & (magnitude(operand) <= 8.0 * x.u * x.error), 0 * operand, operand
        )
    value = evaluate("sqrt", operand)
    error = magnitude(value)
    if x.error is not None:
        absolute = x.u * x.error
        low = np.sqrt(np.maximum(magnitude(x.value) - absolute, 0.0))
        rise = quotient(x.error, np.maximum(magnitude(value) + low, np.sqrt(absolute)))
        error = error + rise
    return Tracked(value, error, x.u, x.terms)


def absolute(x: Tracked) -> Tracked:
    return Tracked(np.abs(x.value), x.error, x.u, x.terms)


def floored(x: Tracked) -> Tracked:
    """Return the same value as known only to the smallest normal number: a program may lose what is below."""
    return x.with_error(added(x.error, np.full(x.shape, smallest(x.u) / x.u)))


def power(x: float, t: Tracked) -> Tracked:
    r"""Return $x^t$ for a whole number $t$: the t - 1 roundings of a running product, which grow as their root."""
    base = t.number(x)
    value = np.asarray(base**t.value)
    roundings = np.minimum(np.sqrt(magnitude(t.value) - 1.0), 8.0)
    return Tracked(value, magnitude(value) * roundings, t.u)


def erf(x: Tracked) -> Tracked:
    slope = 2.0 / math.sqrt(math.pi) * np.exp(-(toward_zero(x) ** 2))
    value = erf_value(x.value)
    return Tracked(
        value, added(FUNCTION_ERROR * magnitude(value), sloped(x.error, slope)), x.u, x.terms
    )


def erf_value(z: Array) -> Array:
    """Return erf(z), by SciPy in float64; in longdouble, which no library has, by its series."""
    if z.dtype == object:
        return evaluated("erf", z)
    return np.asarray(special.erf(z)) if z.dtype == np.float64 else erf_series(z)


def erf_series(z: Array) -> Array:
    r"""Return $\mathrm{erf}(z) = \frac{2}{\sqrt\pi} e^{-z^2} \sum_n \frac{2^n z^{2n+1}}{(2n+1)!!}$, all terms of one sign."""
    x = np.clip(z, -7.0, 7.0)  # erfc(7) < 5e-23
    term, total, n = x, x, 0
    while n < 400 and np.any(np.abs(term) > 1e-22 * np.abs(total)):
        n += 1
        term = term * (2.0 * x * x / (2 * n + 1))
        total = total + term
    root_pi = np.sqrt(4 * np.arctan(np.ones((), dtype=z.dtype)))
    return np.asarray(np.where(np.isnan(z), z, 2 / root_pi * np.exp(-x * x) * total))


def where(mask: Mask, yes: Any, no: Any) -> Tracked:
    """Select as `np.where`; where rounding could turn the comparison, the jump counts as error."""
    a, b = (yes, yes.lift(no)) if isinstance(yes, Tracked) else (no.lift(yes), no)
    value = chosen(mask.holds, a.value, b.value)
    error = None
    if a.error is not None or b.error is not None:
        zero = np.zeros(())
        errors = (zero if a.error is None else a.error), (zero if b.error is None else b.error)
        error = chosen(mask.holds, *errors)
    if mask.unsure is not None and mask.unsure.any():
        jump = finite(magnitude(quietly(np.subtract, a.value, b.value)) / a.u)
        other = jump if a.error is None else jump + a.error
        other = other if b.error is None else other + b.error
        error = added(error, np.where(mask.unsure, other, 0.0))
    return Tracked(value, error, a.u, max(a.terms, b.terms))


def chosen(holds: NDArray[np.bool_], yes: Array, no: Array) -> Array:
    """Return np.where(holds, yes, no); where that leaves out nothing but zeros, by the bits times 0 or 1.

    A processor guesses wrongly at half of the branches of a random mask, which costs more than the rest.
    """
    if no.ndim == 0 and no == 0.0 and yes.dtype == np.float64 and yes.shape == holds.shape:
        return (yes.view(np.int64) * holds).view(np.float64)
    return np.where(holds, yes, no)


def maximum(a: Tracked, b: Any) -> Tracked:
    return where(a >= b, a, b)


def minimum(a: Tracked, b: Any) -> Tracked:
    return where(a <= b, a, b)


def total(*terms: Tracked) -> Tracked:
    """Return the sum of `terms` in whatever order a program adds them."""
    value = terms[0].value
    for t in terms[1:]:
        value = quietly(np.add, value, t.value)
    error = added(*(magnitude(t.value) for t in terms), *(t.error for t in terms))
    return Tracked(value, error, terms[0].u, max(t.terms for t in terms))
