r"""Elementary functions of tracked numbers: the value in extended precision, the error by the function's slope."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from compare.formulas.arithmetic import FUNCTION_ERROR, Mask, Tracked, errors
from compare.formulas.multiprecision import evaluated
from compare.formulas.precision import (
    added,
    evaluate,
    finite,
    magnitude,
    narrowed,
    quietly,
    quotient,
    smallest,
)
from compare.traces import Array

ZERO = np.zeros(())


def rounded_function(x: Tracked, name: str, slope: Callable[[Array | None], Array]) -> Tracked:
    """Apply an elementary function whose slope, where an argument with this error may be, is at most `slope`."""
    return sloped(x, evaluate(name, x.value), slope)


def sloped(x: Tracked, value: Array, slope: Callable[[Array | None], Array]) -> Tracked:
    own = FUNCTION_ERROR * magnitude(value)

    def rule(e: Array | None) -> Array | None:
        return added(own, None if e is None else quietly(np.multiply, e, magnitude(slope(e))))

    return ruled(x, value, rule)


def ruled(x: Tracked, value: Array, rule: Callable[[Array | None], Array | None]) -> Tracked:
    """Return a value of `x` whose error is by a rule from that of `x`."""
    error, fresh = errors(rule, x)
    return Tracked(value, error, x.u, x.terms, fresh)


def toward_zero(x: Tracked, e: Array | None) -> Array:
    """Return the magnitude nearest to zero that `x` may have, where bell-shaped slopes are largest."""
    away = magnitude(x.value)
    return away if e is None else np.maximum(away - x.u * e, 0.0)


def exp(x: Tracked) -> Tracked:
    """Return $e^x$; an error of the argument is a relative error of the value."""
    value = evaluate("exp", x.value)
    size = magnitude(value)
    own = FUNCTION_ERROR * size

    def rule(e: Array | None) -> Array | None:
        if e is None:
            return own
        relative = quietly(np.divide, quietly(np.expm1, x.u * e), x.u)
        inherited = quietly(np.multiply, relative, size)
        return added(own, np.where(size == 0.0, 0.0, inherited))  # 0 * inf is no error

    return ruled(x, value, rule)


def log(x: Tracked) -> Tracked:
    value = evaluate("log", x.value)
    own = FUNCTION_ERROR * magnitude(value)
    return ruled(x, value, lambda e: added(own, quotient(e, toward_zero(x, e))))


def clamped_log(x: Tracked, floor: float) -> Tracked:
    r"""Return $\max(\log x, floor)$; where x may be 0, the floor bounds the error too."""
    value = np.maximum(evaluate("log", x.value), x.number(floor))
    own, away, middle = FUNCTION_ERROR * magnitude(value), magnitude(x.value), narrowed(value)

    def rule(e: Array | None) -> Array | None:
        if e is None:
            return own
        low = np.maximum(quietly(np.log, toward_zero(x, e)), floor)
        high = np.maximum(quietly(np.log, away + x.u * e), floor)
        return added(own, np.maximum(high - middle, middle - low) / x.u)

    return ruled(x, value, rule)


def log1p(x: Tracked) -> Tracked:
    one_plus = magnitude(quietly(np.add, x.value, x.number(1.0)))
    value = evaluate("log1p", x.value)
    own = FUNCTION_ERROR * magnitude(value)

    def rule(e: Array | None) -> Array | None:
        if e is None:
            return own
        return added(own, quotient(e, np.maximum(one_plus - x.u * e, 0.0)))

    return ruled(x, value, rule)


def expm1(x: Tracked) -> Tracked:
    return rounded_function(x, "expm1", lambda e: evaluate("exp", x.value))


def tanh(x: Tracked) -> Tracked:
    return rounded_function(x, "tanh", lambda e: 1.0 - np.tanh(toward_zero(x, e)) ** 2)


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
    size = magnitude(value)

    def rule(e: Array | None) -> Array | None:
        if e is None:
            return size
        low = np.sqrt(toward_zero(x, e))
        return added(size, quotient(e, np.maximum(size + low, np.sqrt(x.u * e))))

    return ruled(x, value, rule)


def absolute(x: Tracked) -> Tracked:
    return Tracked(np.abs(x.value), x.error, x.u, x.terms, x.fresh)


def floored(x: Tracked) -> Tracked:
    """Return the same value as known only to the smallest normal number: a program may lose what is below."""
    return x.loosened(np.full(x.shape, smallest(x.u) / x.u))


def power(x: float, t: Tracked) -> Tracked:
    r"""Return $x^t$ for a whole number $t$: the t - 1 roundings of a running product, which grow as their root."""
    base = t.number(x)
    value = np.asarray(base**t.value)
    roundings = np.minimum(np.sqrt(np.maximum(magnitude(t.value) - 1.0, 0.0)), 8.0)
    return Tracked(value, magnitude(value) * roundings, t.u)


def erf(x: Tracked) -> Tracked:
    steepest = 2.0 / math.sqrt(math.pi)
    return sloped(x, erf_value(x.value), lambda e: steepest * np.exp(-(toward_zero(x, e) ** 2)))


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

    def rule(unsure: NDArray[np.bool_] | None, e: Array | None, f: Array | None) -> Array | None:
        error = None
        if e is not None or f is not None:
            error = chosen(mask.holds, ZERO if e is None else e, ZERO if f is None else f)
        if unsure is None or not unsure.any():
            return error
        error = np.zeros(value.shape) if error is None else np.array(error)
        error[unsure] += jump(a, b, e, f, unsure)
        return error

    error = fresh = rule(mask.unsure, a.error, b.error)
    if not (mask.fresh is mask.unsure and a.fresh is a.error and b.fresh is b.error):
        fresh = rule(mask.fresh, a.fresh, b.fresh)
    return Tracked(value, error, a.u, max(a.terms, b.terms), fresh)


def jump(a: Tracked, b: Tracked, e: Array | None, f: Array | None, at: NDArray[np.bool_]) -> Array:
    """Return how far apart two values, off by e and f, may be where `at` says, in units of u."""

    def there(x: Array) -> Array:
        return np.asarray(np.broadcast_to(x, at.shape)[at])

    apart = finite(magnitude(quietly(np.subtract, there(a.value), there(b.value))) / a.u)
    return np.asarray(added(apart, *(None if x is None else there(x) for x in (e, f))))


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
    own = added(*(t.size for t in terms))
    error, fresh = errors(lambda *e: added(own, *e), *terms)
    return Tracked(value, error, terms[0].u, longest(terms), fresh)


def longest(terms: Sequence[Tracked]) -> int:
    """Return the length of the sum that the rounding of a total grows with: the longest in it.

    Of a single number, that of its largest term: a long sum of little in it adds little.
    """
    if all(t.value.size == 1 and t.value.ndim <= 2 for t in terms):
        return max(terms, key=lambda t: float(t.size.max())).terms
    return max(t.terms for t in terms)
