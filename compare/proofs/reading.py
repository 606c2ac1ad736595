r"""What the code computes, read off it: the formula of an activation or loss on each piece, from a run on symbols."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from compare.proofs.algebra import vanishes
from compare.proofs.arithmetic import Exact, Expression, Piece, gradient, lift
from compare.proofs.operations import OPTIONS
from compare.proofs.sources import Sources
from compare.traces import Array

SAMPLES: Mapping[str, tuple[float, ...]] = {"softplus": (-1.5, 2.5, 30.5)}
LETTERS = {
    "negative_slope": "s",
    "alpha": r"\alpha",
    "beta": r"\beta",
    "threshold": r"\tau",
    "delta": r"\delta",
}
Z = sympy.Symbol("z", real=True)


@dataclass(frozen=True)
class Reading:
    """One piece of a function of one number: where, the value there, its slope by the code, and whether sympy agrees."""

    condition: str
    value: str
    slope: str
    agrees: bool


def readings(name: str) -> list[Reading]:
    """Return the formula of an activation on each of its pieces, as LaTeX; one piece if it has no kink.

    >>> [(r.condition, r.value, r.slope) for r in readings("relu")]
    [('z < 0', '0', '0'), ('z > 0', 'z', '1')]
    """
    g = getattr(Sources().load("manual.activations"), name)
    found = [reading(g, name, at) for at in SAMPLES.get(name, (-1.5, 2.5))]
    first = found[0]
    if all((r.value, r.slope) == (first.value, first.slope) for r in found):
        return [Reading("", first.value, first.slope, all(r.agrees for r in found))]
    return list(merged(found))


def reading(g: Callable[..., Any], name: str, at: float) -> Reading:
    piece = Piece()
    z = piece.symbol("z", at)
    options = {k: piece.symbol(LETTERS[k], x) for k, (_, x) in OPTIONS.get(name, {}).items()}
    A, backward = g(cell(z), **options)
    slope = lift(backward(cell(Exact(sympy.Integer(1))))).expression
    derivative = lift(gradient(A.item(), z)).expression
    agrees = vanishes(slope - derivative, piece)
    return Reading(condition(piece), latex(A.item().expression), latex(slope), agrees)


def cell(x: Exact) -> Array:
    out = np.empty((1, 1), dtype=object)
    out[0, 0] = x
    return out


def condition(piece: Piece) -> str:
    """Return where z lies, in LaTeX: between the nearest bounds that the code compared it with."""
    about = [c for c in piece.conditions if c.has(Z)]
    bounds = {sympy.simplify(-c.lhs.subs(Z, 0)): c for c in about}
    if not bounds:
        return ""
    scale = latex(about[0].lhs.coeff(Z) * Z)
    below = [x for x, c in bounds.items() if isinstance(c, sympy.Gt)]
    above = [x for x, c in bounds.items() if isinstance(c, sympy.Lt)]
    low = f"{latex(max(below, key=piece.value))} < " if below and above else ""
    if above:
        return f"{low}{scale} < {latex(min(above, key=piece.value))}"
    return f"{scale} > {latex(max(below, key=piece.value))}"


def merged(found: list[Reading]) -> Iterator[Reading]:
    """Yield the readings, neighbours with one formula under one condition."""
    for k, r in enumerate(found):
        if k and (r.value, r.slope) == (found[k - 1].value, found[k - 1].slope):
            continue
        yield r


def latex(x: Expression) -> str:
    short = min(x, sympy.factor_terms(x), key=sympy.count_ops)
    return str(sympy.latex(short))
