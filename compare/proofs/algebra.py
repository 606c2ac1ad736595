r"""Whether an expression is identically zero, decided by algebra.

Every exponential, root, logarithm or other function in the expression is taken as an unknown of its
own, under one name wherever its argument is the same. What is left is a rational function of
unknowns; it is zero if its numerator is the zero polynomial once the square of each root is replaced
by its radicand. That suffices for a proof; it is a decision of polynomial arithmetic, not a
numerical test.
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from compare.proofs.arithmetic import Expression, Piece


def vanishes(x: Expression, piece: Piece | None = None) -> bool:
    """Tell whether `x` is zero wherever it is defined; on `piece`, roots are taken apart by the signs there.

    >>> z = sympy.Symbol("z")
    >>> vanishes(sympy.diff(1 / (1 + sympy.exp(-z)), z) - sympy.exp(z) / (1 + sympy.exp(z)) ** 2)
    True
    >>> vanishes(sympy.sqrt(z) * sympy.sqrt(z) - z), vanishes(z - z**2)
    (True, False)
    """
    if Unknowns(None).zero(x):
        return True
    signed = x.has(sympy.Abs, sympy.sign) or any(not p.exp.is_Integer for p in x.atoms(sympy.Pow))
    return bool(piece and signed and Unknowns(piece).zero(x))


def factored(radicand: Expression, piece: Piece) -> tuple[Expression, list[Expression]]:
    r"""Return what comes out of $\sqrt{radicand}$, and the positive, irreducible factors that stay under roots.

    $\sqrt{q^3 p} = |q| \sqrt{|q|} \sqrt{|p|}$ where the product is positive, with the signs of p and q on the piece.
    """
    outside, inside = sympy.Integer(1), []
    numerator, denominator = sympy.fraction(sympy.together(radicand))
    for part, sign in ((numerator, 1), (denominator, -1)):
        constant, factors = sympy.factor_list(part)
        for f, k in [(abs(constant), 1), *factors]:
            size = f if piece.positive(f) else -f
            outside *= size ** (sign * (k // 2))
            if k % 2 and size != 1:
                outside *= 1 if sign > 0 else 1 / size
                inside.append(size)
    return outside, inside


class Unknowns:
    """The functions that occur in an expression, each under a name, and the roots with their radicands."""

    def __init__(self, piece: Piece | None) -> None:
        self.piece = piece
        self.names: dict[Expression, Expression] = {}
        self.radicands: dict[Expression, Expression] = {}

    def zero(self, x: Expression) -> bool:
        """Tell whether the expression is zero as a rational function of its unknowns."""
        numerator, _ = sympy.fraction(sympy.together(self.named(x)))
        remainder = sympy.expand(numerator)
        for r, radicand in reversed(self.radicands.items()):
            remainder = reduced(remainder, r, radicand)
        return bool(remainder == 0)

    def named(self, x: Expression) -> Expression:
        """Return `x` with each function or root in it, innermost first, replaced by an unknown."""
        if x.is_Atom:
            return x
        parts = [self.named(part) for part in x.args]
        if isinstance(x, sympy.exp):
            return self.exponential(parts[0])
        if isinstance(x, sympy.Abs | sympy.sign) and self.piece:
            sign = 1 if self.piece.positive(x.args[0]) else -1
            return sign if isinstance(x, sympy.sign) else sign * parts[0]
        if isinstance(x, sympy.Function):
            return self.name(x.func(*map(canonical, parts)))
        if isinstance(x, sympy.Pow) and not parts[1].is_Integer:
            return self.power(canonical(parts[0]), parts[1])
        return x.func(*parts)

    def name(self, x: Expression) -> Expression:
        if x.is_Atom or (x.is_number and x.is_rational):
            return x
        return self.names.setdefault(x, sympy.Symbol(f"unknown{len(self.names)}"))

    def exponential(self, x: Expression) -> Expression:
        """Return $e^x$ as a whole power of one unknown: $e^{-2u}$ is $1 / E^2$, $E = e^u$."""
        n, x = sympy.expand(x).as_content_primitive()
        if not n.is_Integer:
            n, x = sympy.Integer(1), n * x
        if x.could_extract_minus_sign():
            n, x = -n, -x
        return self.name(sympy.exp(sympy.expand(x))) ** n

    def root(self, base: Expression) -> tuple[Expression, list[Expression]]:
        """Return what comes out of the root of `base` and what stays: all of it, where no signs are known."""
        try:
            return factored(base, self.piece) if self.piece else (sympy.Integer(1), [base])
        except TypeError:  # other unknowns under the root, whose signs have no value
            return sympy.Integer(1), [base]

    def power(self, base: Expression, exponent: Expression) -> Expression:
        """Return base^exponent: a half power through roots, any other as an unknown."""
        if not (2 * exponent).is_Integer:
            return self.name(sympy.Pow(base, exponent, evaluate=False))
        out, inside = self.root(base)
        for radicand in inside:
            r = self.name(sympy.sqrt(radicand))
            if r.is_Symbol and r != radicand:
                self.radicands[r] = radicand
            out *= r
        return out ** (2 * exponent)


def canonical(x: Expression) -> Expression:
    """Return one and the same form of equal rational functions."""
    return sympy.factor_terms(sympy.cancel(x)) if x.is_rational_function() else sympy.expand(x)


def reduced(x: Expression, r: Expression, radicand: Expression) -> Expression:
    """Return the numerator of `x` with every r^2 replaced by the radicand."""
    out = sympy.Integer(0)
    for coefficient, k in terms(x, r):
        out += coefficient * radicand ** (k // 2) * r ** (k % 2)
    numerator, _ = sympy.fraction(sympy.together(out))
    return sympy.expand(numerator)


def terms(x: Expression, r: Expression) -> Iterator[tuple[Expression, int]]:
    """Yield the coefficient of each power of r in a polynomial."""
    for (k,), coefficient in sympy.Poly(x, r).terms():
        yield coefficient, k
