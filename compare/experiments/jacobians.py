r"""Jacobians of both sides, each judged by the stated product on its own factors, and their singular values.

By induction from the last layer, products whose every factor and every multiplication agree are right.
No error is inherited, so twenty layers are judged as sharply as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

import manual.activations
import manual.jacobians
import manual.network
import reference.activations
import reference.jacobians
import reference.network
from compare.configuration import pair, resolve
from compare.distances import distance
from compare.divergence import Divergence
from compare.experiments.runs import norm
from compare.formulas import activations as stated
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.functions import total
from compare.formulas.precision import growth, roundoff
from compare.tolerances import cap, formula_limit
from compare.traces import Array, Trace, parameters
from reference import conversion


@dataclass(frozen=True)
class Side:
    """The Jacobians of one side: Z and A of its forward pass, factors J, products P, singular values of P."""

    forward: Trace
    factors: list[Array]
    products: list[Array]
    singular: list[Array]


@dataclass(frozen=True)
class Spectra:
    """Singular values of $\\partial a_L / \\partial a_l$, $l = 0 \\dots L$, of both sides, (m, k) each, once judged."""

    manual: list[Array]
    torch: list[Array]
    used: float  # the largest error over what is allowed
    arrays: int
    elements: int

    def largest(self) -> tuple[list[float], list[float]]:
        """Return the largest singular value for l = 0 ... L, its root mean square over examples, on both sides."""
        mine, theirs = ([rms(s[:, 0]) for s in side] for side in (self.manual, self.torch))
        return mine, theirs


def rms(x: Array) -> float:
    return norm(x) / float(np.sqrt(x.size))


def spectra(state: Trace, X: Array, activations: Sequence[str], *, step: int = 0) -> Spectra:
    """Return the singular values of the Jacobians of a net's output with respect to every layer.

    Raises Divergence where a factor, a product or a singular value is not what it should be.
    """
    weights = {n: state[n] for n in parameters(state)}
    mine, theirs = by_hand(weights, X, activations), by_torch(weights, X, activations)
    worst, arrays, elements = 0.0, 0, 0
    for name, x, y, expected, other in entries(weights, X, activations, mine, theirs):
        own, reference = distance(x, expected), distance(y, other)
        limits = formula_limit(reference.ratio, own.terms), cap(own.terms)
        for d, limit, kind in zip((own, reference), limits, ("formula", "reference"), strict=True):
            if d.ratio > limit:
                raise Divergence(step, name, kind, d, limit, float(y[d.index]), (), ())
        worst = max(worst, own.ratio / limits[0])
        arrays, elements = arrays + 1, elements + x.size
    return Spectra(mine.singular, theirs.singular, worst, arrays, elements)


def by_hand(state: Trace, X: Array, texts: Sequence[str]) -> Side:
    activations = [resolve(manual.activations, text) for text in texts]
    forward, _ = manual.network.forward(state, X, activations=activations)
    factors = manual.jacobians.layer_jacobians(state, X, activations=activations)
    products = manual.jacobians.output_jacobians(state, X, activations=activations)
    return Side(forward, factors, products, [*map(manual.jacobians.singular_values, products)])


def by_torch(state: Trace, X: Array, texts: Sequence[str]) -> Side:
    activations = [resolve(reference.activations, text) for text in texts]
    inside, rows = conversion.tensors(state), conversion.rows(X)
    forward, _ = reference.network.forward(inside, rows, activations=activations)
    factors = reference.jacobians.layer_jacobians(inside, rows, activations=activations)
    products = reference.jacobians.output_jacobians(inside, rows, activations=activations)
    singular = map(reference.jacobians.singular_values, products)
    return Side(
        {n: conversion.columns(t) for n, t in forward.items()},
        *([*map(conversion.array, tensors)] for tensors in (factors, products, singular)),
    )


def entries(
    state: Trace, X: Array, texts: Sequence[str], mine: Side, theirs: Side
) -> Iterator[tuple[str, Array, Array, Tracked, Tracked]]:
    """Yield (name, manual, torch, what manual's own operands make it, what torch's make it), last layer first."""
    L = len(texts)
    for l in range(L, 0, -1):
        J = [stated_factor(state, X, texts[l - 1], side.forward, l) for side in (mine, theirs)]
        yield f"dA{l}/dA{l - 1}", mine.factors[l - 1], theirs.factors[l - 1], J[0], J[1]
        P = [
            exact(side.products[l], X.dtype) @ factor
            for side, factor in zip((mine, theirs), J, strict=True)
        ]
        yield f"dA{L}/dA{l - 1}", mine.products[l - 1], theirs.products[l - 1], P[0], P[1]
        crossed = [
            stated_singular(other(side.products[l - 1]), side.products[l - 1])
            for side, other in ((mine, svd_by_torch), (theirs, manual.jacobians.singular_values))
        ]
        name = f"singular values of dA{L}/dA{l - 1}"
        yield name, mine.singular[l - 1], theirs.singular[l - 1], crossed[0], crossed[1]


def stated_factor(state: Trace, X: Array, text: str, forward: Trace, l: int) -> Tracked:
    r"""Return $G_l W_l$ from a program's own $z_l$."""
    z = preactivation(state, X, forward, l)
    return stated_activation(z, text) @ exact(state[f"W{l}"], X.dtype)


def preactivation(state: Trace, X: Array, forward: Trace, l: int) -> Tracked:
    r"""Return a program's own $z_l$, as well as the program knows it who forms it anew."""
    A = exact(X if l == 1 else forward[f"A{l - 1}"], X.dtype)
    product = exact(state[f"W{l}"], X.dtype) @ A
    formed = total(product, exact(state[f"b{l}"], X.dtype)) if f"b{l}" in state else product
    return exact(forward[f"Z{l}"], X.dtype).with_error(formed.error)


def stated_activation(z: Tracked, text: str) -> Tracked:
    r"""Return $\partial a / \partial z$ of every example, (m, n, n), by its gradient of every unit vector."""
    g, gradient = pair(stated, text)
    n, m = z.shape
    error = None if z.error is None else np.repeat(np.broadcast_to(z.error, (n, m)), n, axis=1)
    every = Tracked(np.repeat(z.value, n, axis=1), error, z.u, z.terms)
    units = Tracked(np.tile(np.eye(n), m).astype(z.value.dtype), None, z.u)
    rows = gradient(every, g(every), units)
    spread = None if rows.error is None else np.broadcast_to(rows.error, (n, n * m))
    return Tracked(
        stacked(rows.value, n, m), spread if spread is None else stacked(spread, n, m), z.u
    )


def stacked(rows: Array, n: int, m: int) -> Array:
    return rows.reshape(n, m, n).transpose(1, 2, 0)


def stated_singular(values: Array, of: Array) -> Tracked:
    """Return singular values as known to what rounding does to the largest: an SVD is backward stable."""
    top = values.max(axis=1, keepdims=True, initial=0.0)
    error = growth(of.shape[1] * of.shape[2]) * np.broadcast_to(top, values.shape)
    return Tracked(exact(values, values.dtype).value, error, roundoff(values.dtype))


def svd_by_torch(J: Array) -> Array:
    return conversion.array(reference.jacobians.singular_values(conversion.tensor(J)))
