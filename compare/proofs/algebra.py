r"""Whether an expression is identically zero, decided by algebra.

Every exponential, root, logarithm, hyperbolic tangent and error function in the expression is taken
as an unknown of its own, under one name wherever its argument is the same polynomial. What is left
is a rational function of unknowns; it is zero if its numerator is the zero polynomial, after
$r^2$ is replaced by the radicand of each root $r$. That suffices for a proof; it is a decision of
sympy's polynomial arithmetic, not a numerical test.
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from compare.proofs.arithmetic import Expression




def vanishes(x: Expression) -> bool:
    """Tell whether `x` is zero wherever it is defined.

    >>> z = sympy.Symbol("z")
    >>> vanishes(sympy.diff(1 / (1 + sympy.exp(-z)), z) - sympy.exp(z) / (1 + sympy.exp(z)) ** 2)
    True
    >>> vanishes(sympy.sqrt(z) * sympy.sqrt(z) - z), vanishes(z - z**2)
    (True, False)
    """
    unknowns: dict[Expression, Expression] = {}
    roots: dict[Expression, Expression] = {}
    algebraic = named(x, unknowns, roots)
    numerator, _ = sympy.fraction(sympy.together(algebraic))
    remainder = sympy.expand(numerator)
    for r, radicand in reversed(roots.items()):
        remainder = reduced(remainder, r, radicand)
    return bool(remainder == 0)


def named(
    x: Expression, unknowns: dict[Expression, Expression], roots: dict[Expression, Expression]
) -> Expression:
    """Return `x` with each transcendental or root in it, innermost first, replaced by an unknown."""
    if x.is_Atom:
        return x
    parts = [named(part, unknowns, roots) for part in x.args]
    if isinstance(x, sympy.exp):
        return exponential(canonical(parts[0]), unknowns)
    if isinstance(x, sympy.Function):
        return unknown(x.func(canonical(parts[0])), unknowns)
    if isinstance(x, sympy.Pow) and not parts[1].is_Integer:
        return power(canonical(parts[0]), parts[1], unknowns, roots)
    return x.func(*parts)


def canonical(x: Expression) -> Expression:
    """Return one and the same form of equal rational functions."""
    return sympy.factor_terms(sympy.cancel(x)) if x.is_rational_function() else sympy.expand(x)


def exponential(x: Expression, unknowns: dict[Expression, Expression]) -> Expression:
    n, x = sympy.expand(x).as_content_primitive()
    if not n.is_Integer:
        n, x = sympy.Integer(1), n * x
    if x.could_extract_minus_sign():
        n, x = -n, -x
    return unknown(sympy.exp(sympy.expand(x)), unknowns) ** n


def power(
    base: Expression,
    exponent: Expression,
    unknowns: dict[Expression, Expression],
    roots: dict[Expression, Expression],
) -> Expression:
    """Return base^exponent: a half power through one root, any other as an unknown."""
    if (2 * exponent).is_Integer:
        r = unknown(sympy.sqrt(base), unknowns)
        roots[r] = base
        return r ** (2 * exponent)
    return unknown(sympy.Pow(base, exponent, evaluate=False), unknowns)


def unknown(x: Expression, unknowns: dict[Expression, Expression]) -> Expression:
    if x.is_Atom or x.is_number and x.is_rational:
        return x
    return unknowns.setdefault(x, sympy.Symbol(f"unknown{len(unknowns)}"))


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
