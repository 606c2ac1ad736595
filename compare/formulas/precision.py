r"""Precision: the types formulas are evaluated in, their roundoff, and arrays of errors, which may be infinite or absent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import numpy as np

from compare.formulas.multiprecision import divided, evaluated, multiple, single
from compare.traces import Array

HOPELESS = 1e200  # nothing is known of a value with this error


ONE_BY_ONE: ContextVar[bool] = ContextVar("ONE_BY_ONE", default=False)


@contextmanager
def one_by_one() -> Iterator[None]:
    """Take sums one term after the other for the time being, as a plain loop does, and let rounding grow as there.

    >>> with one_by_one():
    ...     growth(64)
    17.0
    """
    token = ONE_BY_ONE.set(True)
    try:
        yield
    finally:
        ONE_BY_ONE.reset(token)


def growth(K: int) -> float:
    r"""Return the factor by which rounding grows in a sum of K terms, in units of the sum of magnitudes.

    As $\sqrt K$, for roundings fall either way; but where equal terms are added one by one, every rounding
    up to the next power of 2 falls the same way.
    """
    return 1.0 + 0.25 * (K if ONE_BY_ONE.get() else math.sqrt(K))


@cache
def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type formulas for `dtype` are evaluated in: float64, longdouble, or mpmath objects.

    >>> wide(np.dtype("float32"))
    dtype('float64')
    """
    if np.finfo(dtype).eps > np.finfo(np.float64).eps:
        return np.dtype(np.float64)
    if np.finfo(np.longdouble).eps < np.finfo(np.float64).eps:
        return np.dtype(np.longdouble)
    return np.dtype(object)


def extend(x: Array) -> Array:
    """Return `x` in the wider type."""
    target = wide(x.dtype) if x.dtype.kind == "f" else np.dtype(np.float64)
    if target.kind == "O":
        return multiple(x)
    return x.astype(target)


@cache
def smallest(u: float) -> float:
    """Return the smallest normal number of the type with unit roundoff u; below it, rounding is absolute."""
    name = {2.0**-53: "float64", 2.0**-11: "float16"}.get(u, "float32")
    return float(np.finfo(np.dtype(name)).tiny)


@cache
def roundoff(dtype: np.dtype[Any]) -> float:
    """Return the unit roundoff u of a type, half its machine epsilon."""
    return float(np.finfo(dtype).eps) / 2


def evaluate(name: str, x: Array) -> Array:
    """Apply the elementary function `name`, by NumPy or, for mpmath objects, by mpmath."""
    if x.dtype != object:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore", under="ignore"):
            return np.asarray(getattr(np, name)(x))
    return evaluated(name, x)


def narrowed(x: Array, dtype: Any = np.float64) -> Array:
    """Return a value in extended precision in a narrower type."""
    if isinstance(x, np.ndarray | np.generic) and x.dtype != object:
        return np.asarray(x.astype(dtype, copy=False))
    return single(x).astype(dtype, copy=False)


def magnitude(x: Array) -> Array:
    """Return |x| in float64: errors need no more digits than that."""
    return narrowed(np.abs(x))


def quietly(operation: Callable[..., Any], *operands: Any) -> Array:
    """Return operation(*operands), overflow and 0/0 included: whoever judges the outcome sees them there."""
    with np.errstate(all="ignore"):
        if operation is np.divide and np.asarray(operands[0]).dtype == object:
            return divided(*operands)
        return np.asarray(operation(*operands))


def product(a: Array, b: Array) -> Array:
    """Return a @ b; of a column and a row each element is one product, which costs less by itself."""
    return np.asarray(a * b if a.shape[-1] == 1 else a @ b)


def contracted(a: Array, b: Array) -> Array:
    """Return a @ b as the value of a formula."""
    if not ONE_BY_ONE.get():
        return product(a, b)
    total = a[..., :, :1] * b[..., :1, :]
    for k in range(1, a.shape[-1]):
        total = total + a[..., :, k : k + 1] * b[..., k : k + 1, :]
    return np.asarray(total)


def summed(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:
    """Return the sum along an axis, or all axes that there are, as the value of a formula."""
    if not ONE_BY_ONE.get():
        return np.asarray(x.sum(axis=axis, keepdims=keepdims))
    order = x.reshape(-1) if axis is None else x if isinstance(axis, int) else x.reshape(len(x), -1)
    along = axis if isinstance(axis, int) else -1
    last = np.add.accumulate(order, axis=along).take(-1, axis=along)
    return np.asarray(last.reshape(np.sum(x, axis=axis, keepdims=keepdims).shape))


def turned(x: Array) -> Array:
    """Return a matrix, or each of a stack of them, transposed."""
    return x.mT if x.ndim > 1 else x


def added(*errors: Array | None) -> Array | None:
    """Return the sum of the errors that there are."""
    known = [e for e in errors if e is not None]
    total: Array | None = known[0] if known else None
    for error in known[1:]:
        total = total + error
    return total


def finite(error: Array) -> Array:
    """Return the error, at most HOPELESS: infinite times zero would be no number."""
    return np.asarray(np.minimum(np.nan_to_num(error, nan=HOPELESS), HOPELESS))


def quotient(error: Array | None, by: Array) -> Array | None:
    """Return error / by, with 0 / 0 = 0: no error, whatever it is divided by."""
    if error is None:
        return None
    ratio = quietly(np.divide, error, by)
    if ratio.max(initial=0.0) < HOPELESS:
        return ratio
    return np.where(error == 0.0, 0.0, finite(ratio))
