r"""Exact numbers that know on which side of a branch they stand: symbols, and a sample point that decides.

`manual`'s functions run on NumPy arrays of these as they do on arrays of floats, and return the
formulas they compute. Where the code compares (`Z <= 0`, `max`, `clip`) the sample point decides, and
the comparison is noted as a condition: what is then proved holds on the whole open piece where the
same comparisons come out the same way, not at the sample point alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isinf
from typing import Any

import numpy as np
import sympy

from compare.traces import Array

Expression = Any  # sympy.Expr: sympy has no types


class Piece:
    """An open region of the space of symbols, known by one point in it and the comparisons made so far."""

    def __init__(self) -> None:
        self.point: dict[Expression, Expression] = {}
        self.conditions: dict[Expression, None] = {}

    def symbol(self, name: str, at: Any) -> Exact:
        """Return a real symbol with its value at the sample point; one named twice is one and the same."""
        x = sympy.Symbol(name, real=True)
        self.point.setdefault(x, rational(at))
        return Exact(x, self)

    def array(self, name: str, at: Any) -> Array:
        """Return a matrix of symbols name_11, name_12, ... with the sample values `at`."""
        values = np.asarray(at, dtype=object)
        out = np.empty(values.shape, dtype=object)
        for index in np.ndindex(values.shape):
            place = "".join(str(i + 1) for i in index)
            out[index] = self.symbol(f"{name}_{{{place}}}" if place else name, values[index])
        return out

    def value(self, x: Expression) -> float:
        """Return an expression at the sample point."""
        return float(sympy.sympify(x).xreplace(self.point).evalf(30))

    def positive(self, x: Expression) -> bool:
        """Tell whether x > 0 here, and note it as a condition; a tie belongs to no open piece."""
        if x.is_number:
            return bool(x > 0)
        value = self.value(x)
        if abs(value) < 1e-25:
            raise ValueError(
                f"{x} is 0 at the sample point: the code branches there; move the point"
            )
        if not isinf(value):
            turned = -x if x.could_extract_minus_sign() else x
            above = (value > 0) is (turned is x)
            self.conditions[sympy.Gt(turned, 0) if above else sympy.Lt(turned, 0)] = None
        return value > 0


class Exact:
    """A symbolic number on a piece; constants belong to every piece."""

    __slots__ = ("expression", "piece")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expression: Expression, piece: Piece | None = None) -> None:
        self.expression, self.piece = expression, piece

    def __repr__(self) -> str:
        return f"Exact({self.expression})"

    def made(self, other: Any, operation: Callable[[Expression, Expression], Expression]) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        b = lift(other)
        return Exact(operation(self.expression, b.expression), self.piece or b.piece)

    def __add__(self, other: Any) -> Any:
        return self.made(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Any:
        return self.made(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self.made(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self.made(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Any:
        return self.made(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Any:
        return self.made(other, lambda a, b: b / a)

    def __pow__(self, other: Any) -> Any:
        return self.made(other, lambda a, b: a**b)

    def __rpow__(self, other: Any) -> Any:
        return self.made(other, lambda a, b: b**a)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Exact:
        return Exact(-self.expression, self.piece)

    def __abs__(self) -> Exact:
        return self if self > 0 else -self

    def __gt__(self, other: Any) -> Any:
        return positive(self - other) if not isinstance(other, np.ndarray) else NotImplemented

    def __lt__(self, other: Any) -> Any:
        return positive(other - self) if not isinstance(other, np.ndarray) else NotImplemented

    def __ge__(self, other: Any) -> Any:
        return self == other or self > other

    def __le__(self, other: Any) -> Any:
        return self == other or self < other

    def __eq__(self, other: Any) -> Any:
        """Tell whether two numbers are one expression: on an open piece nothing else is equal."""
        return bool(sympy.expand(self.expression - lift(other).expression) == 0)

    def __bool__(self) -> bool:
        return self != 0

    def applied(self, function: Callable[[Expression], Expression]) -> Exact:
        return Exact(function(self.expression), self.piece)

    # NumPy's exp, sqrt, ... on an array of objects call the method of that name of each.
    def exp(self) -> Exact:
        return self.applied(sympy.exp)

    def log(self) -> Exact:
        return self.applied(sympy.log)

    def sqrt(self) -> Exact:
        return self.applied(sympy.sqrt)

    def tanh(self) -> Exact:
        return self.applied(sympy.tanh)

    def erf(self) -> Exact:
        return self.applied(sympy.erf)

    def cos(self) -> Exact:
        return self.applied(sympy.cos)

    def expm1(self) -> Exact:
        return self.applied(lambda x: sympy.exp(x) - 1)

    def log1p(self) -> Exact:
        return self.applied(lambda x: sympy.log(1 + x))


def rational(x: Any) -> Expression:
    """Return the rational number that a decimal says it is: 0.1 is 1/10.

    >>> rational(0.1)
    1/10
    """
    return sympy.Rational(str(x)) if isinstance(x, float) else sympy.sympify(x)


def lift(x: Any) -> Exact:
    """Return a number, or an array of no dimension, as an Exact."""
    x = x.item() if isinstance(x, np.ndarray | np.generic) else x
    return x if isinstance(x, Exact) else Exact(rational(x))


def positive(x: Exact) -> bool:
    """Tell whether x > 0, on its piece."""
    return (x.piece or Piece()).positive(x.expression)


def expressions(x: Any) -> list[Expression]:
    """Return the entries of an array of Exact numbers as sympy expressions, row by row."""
    return [lift(e).expression for e in np.asarray(x, dtype=object).ravel()]


def gradient(value: Any, operand: Any) -> Array:
    """Return the derivative of a number by each entry of an array of symbols, by sympy."""
    y = lift(value)
    symbols = np.asarray(operand, dtype=object)
    out = np.empty(symbols.shape, dtype=object)
    for index in np.ndindex(symbols.shape):
        out[index] = Exact(sympy.diff(y.expression, lift(symbols[index]).expression), y.piece)
    return out


def difference(left: Any, right: Any) -> Sequence[Expression]:
    """Return the entries of left - right; ValueError where their shapes differ."""
    a, b = np.asarray(left, dtype=object), np.asarray(right, dtype=object)
    if a.shape != b.shape:
        raise ValueError(f"one side is {a.shape}, the other {b.shape}: they must agree")
    return [x - y for x, y in zip(expressions(a), expressions(b), strict=True)]
