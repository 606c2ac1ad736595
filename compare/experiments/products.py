r"""$\partial L / \partial W_1$ as the chain rule writes it, held against backpropagation, by hand and by torch.

The product $da_L^T J_L \cdots J_2 G_1$ is formed in extended precision from a program's own $z_l$,
with the error that rounding can put into it; the program's product and its backpropagation must
both lie within that error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import manual.activations
import manual.jacobians
import reference.activations
import reference.jacobians
from compare.configuration import Configuration, resolve
from compare.distances import distance
from compare.divergence import Divergence
from compare.experiments.jacobians import preactivation, stated_activation, stated_factor
from compare.formulas.arithmetic import Tracked, exact
from compare.tolerances import STEP
from compare.traces import Array, Trace, parameters
from reference import conversion


@dataclass(frozen=True)
class Product:
    """dW1 found four ways: the product of Jacobians and backpropagation, each by hand and by torch."""

    size: float  # the largest entry
    apart: float  # the largest difference of any two of the four, over the largest entry
    used: float  # the largest error over what is allowed
    arrays: int
    elements: int


def product(state: Trace, X: Array, Y: Array, configuration: Configuration) -> Product:
    """Judge dW1 found four ways against the chain rule; Divergence is raised where one is not what it should be."""
    weights = {n: state[n] for n in parameters(state)}
    texts = configuration.activations
    found, used = [], 0.0
    for step, multiplied in (
        (configuration.by_hand(), by_hand),
        (configuration.by_torch(), by_torch),
    ):
        trace = step(state, X, Y)
        expected = chain(weights, X, trace, texts)
        for dW1 in (multiplied(weights, X, trace[f"dA{len(texts)}"], texts), trace["dW1"]):
            d = distance(dW1, expected)
            if not d.ratio <= STEP:
                raise Divergence(0, "dW1", "formula", d, STEP, d.expected, (), ())
            used = max(used, d.ratio / STEP)
            found.append(dW1)
    size = float(np.abs(found[0]).max())
    apart = max(float(np.abs(a - b).max()) for a in found for b in found)
    return Product(size, apart / size if size else apart, used, 4, 4 * found[0].size)


def by_hand(state: Trace, X: Array, dA: Array, texts: tuple[str, ...]) -> Array:
    activations = [resolve(manual.activations, text) for text in texts]
    return manual.jacobians.weight_gradient(state, X, dA, activations=activations)


def by_torch(state: Trace, X: Array, dA: Array, texts: tuple[str, ...]) -> Array:
    activations = [resolve(reference.activations, text) for text in texts]
    inside = conversion.tensors(state), conversion.rows(X), conversion.rows(dA)
    return conversion.array(reference.jacobians.weight_gradient(*inside, activations=activations))


def chain(state: Trace, X: Array, trace: Trace, texts: tuple[str, ...]) -> Tracked:
    r"""Return $dW_1 = \sum_j G_1^T J_2^T \cdots J_L^T da_L\,x^T$ over the examples j, as rows from the left."""
    L = len(texts)
    row = exact(np.ascontiguousarray(trace[f"dA{L}"].T[:, None, :]), X.dtype)
    for l in range(L, 1, -1):
        row = row @ stated_factor(state, X, texts[l - 1], trace, l)
    row = row @ stated_activation(preactivation(state, X, trace, 1), texts[0])
    dz = Tracked(row.value[:, 0, :], row.error[:, 0, :] if row.error is not None else None, row.u)
    return dz.T @ exact(X, X.dtype).T
