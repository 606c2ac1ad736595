r"""Arithmetic that carries its own rounding error: a value in extended precision and the error a careful program may make.

A `Tracked` number holds the value of a formula, computed in a wider type than the program under
test uses, and `error`, a first-order bound on what rounding in the *program's* type can do to it,
in units of its unit roundoff $u$. Each operation adds the magnitude of its own result (one
rounding) to the errors it inherits from its operands (running error analysis, Higham, *Accuracy and
Stability of Numerical Algorithms*, 2nd ed., section 3.3). A sum of $K$ terms adds
$(1 + \sqrt K / 4) \sum |t_k|$: any order of summation is allowed, and the growth is the
statistical one, measured on PyTorch 2.13 and NumPy rather than the worst case $K$.

Arrays are matrices, rows by columns, or stacks of them along a leading axis, one a step: then a
scalar is a stack of matrices of one element.

Operands without an error are taken as exact. That is all there is to the two ways of judging a step:
a formula on its own inputs has exact operands; a whole step hands each formula the tracked result of
the last one. Both ways can be gone at once, for what they have in common is most of the work: then
`fresh` is the error there would be, were the formula's operands exact, and elsewhere the error itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.formulas.multiprecision import multiple
from compare.formulas.precision import (
    added,
    contracted,
    extend,
    growth,
    magnitude,
    product,
    quietly,
    quotient,
    roundoff,
    smallest,
    summed,
    turned,
)
from compare.traces import Array

FUNCTION_ERROR = 2.0  # exp, log, tanh: 1-3 ulp in NumPy and torch, an ulp is up to 2 u


class Same(Enum):
    """What says that the fresh error is the error itself."""

    SAME = "same"


SAME = Same.SAME


@dataclass(frozen=True)
class Mask:
    """The outcome of a comparison, and where rounding could have turned it; `fresh` as of a Tracked."""

    holds: NDArray[np.bool_]
    unsure: NDArray[np.bool_] | None = None
    fresh: NDArray[np.bool_] | None = None

    def __invert__(self) -> Mask:
        return Mask(~self.holds, self.unsure, self.fresh)


class Tracked:
    """A value in extended precision with its rounding error in units of `u`; `error` None means exact.

    `terms` is the length of the longest sum in it.
    """

    __array_ufunc__ = None  # ndarray * Tracked is ours to compute
    __slots__ = ("_masks", "_size", "error", "fresh", "terms", "u", "value")

    def __init__(
        self,
        value: Array,
        error: Array | None,
        u: float,
        terms: int = 1,
        fresh: Array | Same | None = SAME,
    ) -> None:
        self.value = value if isinstance(value, np.ndarray | np.generic) else np.asarray(value)
        self.error, self.u, self.terms = error, u, terms
        self.fresh: Array | None = error if isinstance(fresh, Same) else fresh
        self._size: Array | None = None
        # an activation and its gradient ask the same
        self._masks: dict[tuple[Any, float], Mask] = {}

    @property
    def size(self) -> Array:
        """Return the magnitude of the value in float64."""
        if self._size is None:
            self._size = magnitude(self.value)
        return self._size

    @property
    def T(self) -> Tracked:
        error, fresh = errors(lambda e: None if e is None else turned(e), self)
        out = Tracked(turned(self.value), error, self.u, self.terms, fresh)
        out._size = None if self._size is None else turned(self._size)
        return out

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def lift(self, x: Any) -> Tracked:
        """Return `x` as a Tracked of the same kind; a scalar that is not short is itself rounded once."""
        if isinstance(x, Tracked):
            return x
        if isinstance(x, int | float):
            short = not math.isfinite(x) or x == round(x * 1024) / 1024
            return Tracked(self.number(float(x)), None if short else np.array(abs(x)), self.u)
        return Tracked(np.asarray(x).astype(self.value.dtype), None, self.u)

    def number(self, s: float) -> Array:
        if self.value.dtype == object:
            return multiple(s)
        return np.asarray(s, dtype=self.value.dtype)

    def made(self, other: Tracked, value: Array, inherited: Inherited) -> Tracked:
        """Return `value` of `self` and `other`, with one rounding of its own added to the errors it inherits."""
        out = Tracked(value, None, self.u, max(self.terms, other.terms))
        own = raised(out, 2.0 * smallest(self.u))  # and what underflow loses
        out.error, out.fresh = errors(lambda a, b: added(own, *inherited(a, b)), self, other)
        return out

    def with_error(self, error: Array | None, fresh: Array | Same | None = SAME) -> Tracked:
        return Tracked(self.value, error, self.u, self.terms, fresh)

    def known_as(self, other: Tracked) -> Tracked:
        """Return the same value, known as well as `other` is."""
        return self.with_error(other.error, other.fresh)

    def loosened(self, by: Array) -> Tracked:
        """Return the same value, with more of an error."""
        return self.with_error(*errors(lambda e: added(e, by), self))

    @property
    def alone(self) -> Tracked:
        """Return the same value with its fresh error: as the formula gives it on exact operands."""
        if self.fresh is self.error:
            return self
        return Tracked(self.value, self.fresh, self.u, self.terms)

    def __neg__(self) -> Tracked:
        return Tracked(-self.value, self.error, self.u, self.terms, self.fresh)

    def __add__(self, other: Any) -> Tracked:
        b = self.lift(other)
        return self.made(b, quietly(np.add, self.value, b.value), lambda e, f: (e, f))

    def __sub__(self, other: Any) -> Tracked:
        return self + (-self.lift(other))

    def __mul__(self, other: Any) -> Tracked:
        b = self.lift(other)

        def inherited(e: Array | None, f: Array | None) -> tuple[Array | None, ...]:
            both = None
            if e is not None and f is not None:  # counts where a gradient is rounding alone
                both = quietly(np.multiply, self.u * e, f)
            return scaled(e, b), scaled(f, self), both

        return self.made(b, quietly(np.multiply, self.value, b.value), inherited)

    def __truediv__(self, other: Any) -> Tracked:
        b = self.lift(other)
        out = Tracked(quietly(np.divide, self.value, b.value), None, self.u)

        def inherited(e: Array | None, f: Array | None) -> tuple[Array | None, ...]:
            room = b.size if f is None else np.maximum(b.size - f * self.u, 0.0)
            return quotient(e, room), quotient(scaled(f, out), room)

        return self.made(b, out.value, inherited)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Any) -> Tracked:
        return -self + self.lift(other)

    def __rtruediv__(self, other: Any) -> Tracked:
        return self.lift(other) / self

    def __matmul__(self, other: Tracked) -> Tracked:
        a, b = self.size, other.size
        K = self.shape[-1]
        g = growth(K)

        def grown(e: Array | None, f: Array | None) -> Array:
            """Return g a b + e b + (a + u e) f: what the sum rounds, and what its operands bring."""
            if e is None and (f is not None or b.size <= a.size):
                return product(a, g * b if f is None else g * b + f)
            first = product(g * a if e is None else g * a + e, b)
            return first if e is None or f is None else first + product(a + self.u * e, f)

        error, fresh = errors(grown, self, other)
        terms = max(K, self.terms, other.terms)
        return Tracked(contracted(self.value, other.value), error, self.u, terms, fresh)

    def __gt__(self, other: Any) -> Mask:
        return self.compared(np.greater, other)

    def __ge__(self, other: Any) -> Mask:
        return self.compared(np.greater_equal, other)

    def __lt__(self, other: Any) -> Mask:
        return self.compared(np.less, other)

    def __le__(self, other: Any) -> Mask:
        return self.compared(np.less_equal, other)

    def compared(self, relation: Callable[..., Any], other: Any) -> Mask:
        if not isinstance(other, float):
            return self.masked(relation, other)
        if (relation, other) not in self._masks:
            self._masks[relation, other] = self.masked(relation, other)
        return self._masks[relation, other]

    def masked(self, relation: Callable[..., Any], other: Any) -> Mask:
        b = self.lift(other)
        holds = np.asarray(relation(self.value, b.value), dtype=bool)
        margin, fresh = errors(added, self, b)
        if margin is None:
            return Mask(holds)
        zero = isinstance(other, float) and other == 0.0
        distance = self.size if zero else magnitude(quietly(np.subtract, self.value, b.value))

        def within(margin: Array | None) -> NDArray[np.bool_] | None:  # or there is no telling
            return None if margin is None else ~(distance >= (2.0 * self.u) * margin)

        unsure = within(margin)
        return Mask(holds, unsure, unsure if fresh is margin else within(fresh))

    def sum(self, axis: int | None = None) -> Tracked:
        """Sum along rows (0) or columns (1), kept as a dimension of size 1; over both where `axis` is None."""
        stack = self.value.ndim > 2
        keep = axis is not None or stack
        over: Any = axis - 2 if axis is not None else (-2, -1) if stack else None
        K = self.shape[over] if axis is not None else math.prod(self.shape[-2:])
        own = growth(K) * self.size.sum(axis=over, keepdims=keep)

        def grown(e: Array | None) -> Array | None:
            return added(own, None if e is None else e.sum(axis=over, keepdims=keep))

        value = summed(self.value, over, keep)
        error, fresh = errors(grown, self)
        return Tracked(value, error, self.u, max(K, self.terms), fresh)

    def rounded(self, units: float = 1.0) -> Tracked:
        """Return the same value as known only to `units` roundings of itself."""
        return self.loosened(units * self.size)


Inherited = Callable[[Array | None, Array | None], tuple[Array | None, ...]]


def errors(rule: Callable[..., Array | None], *operands: Tracked) -> tuple[Any, Any]:
    """Return the error by a rule from the operands' errors, and the fresh one by the same rule from their fresh ones."""
    error = rule(*(x.error for x in operands))
    if all(x.fresh is x.error for x in operands):
        return error, error
    return error, rule(*(x.fresh for x in operands))


def raised(x: Tracked, least: float) -> Array:
    """Return |x| + least, but 0 for 0; where `least` is below the rounding of all of it, |x| itself."""
    low = x.size.min(initial=np.inf)
    if low > least * 2.0**53:
        return x.size
    return np.asarray(x.size + (least if low > 0.0 else (x.value != 0.0) * least))


def scaled(error: Array | None, by: Tracked) -> Array | None:
    return None if error is None else quietly(np.multiply, error, by.size)


def exact(x: Array, dtype: np.dtype[Any], u: float = 0.0) -> Tracked:
    """Return `x` as an exact operand, in the wider type, of formulas for programs that compute in `dtype`.

    `u` is the unit roundoff of what the program computes in, where no NumPy type has it.

    >>> z = exact(np.array([1.0, 2.0]), np.dtype("float64"))
    >>> (z * z + 1).error.tolist()
    [3.0, 9.0]
    """
    return Tracked(extend(np.asarray(x, dtype=dtype)), None, u or roundoff(dtype))


def estimated(
    x: Array, error: Array | None, dtype: np.dtype[Any], terms: int, u: float = 0.0
) -> Tracked:
    """Return `x` in float64 with an error: where errors alone are wanted, its digits are enough."""
    return Tracked(np.asarray(x, dtype=np.float64), error, u or roundoff(dtype), terms)
