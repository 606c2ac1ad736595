r"""Softmax: scores to probabilities, the one activation that mixes the units of an example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Backward = Callable[[Array], Array]


def softmax(Z: Array) -> tuple[Array, Backward]:
    r"""Return $a_i = e^{z_i} / \sum_k e^{z_k}$ for every column, and the function dA -> dZ.

    Shapes: Z, A $(n, m)$: n classes, one example a column. Each column of A sums to 1.

    Stable form. $a$ does not change if a constant is added to $z$; with $z - \max z$ every
    exponent is at most 0 and one is 0, so that nothing overflows and the sum is at least 1.

    Derivation, one example. With $S = \sum_k e^{z_k}$ the quotient rule gives, for $i = j$,
    $\partial a_i / \partial z_i = (e^{z_i} S - e^{z_i} e^{z_i}) / S^2 = a_i (1 - a_i)$, and for
    $i \ne j$, $\partial a_i / \partial z_j = -e^{z_i} e^{z_j} / S^2 = -a_i a_j$. The Jacobian is
    $\mathrm{diag}(a) - a a^T$, symmetric, and

    $$dz = (\mathrm{diag}(a) - a a^T)\,da = a \odot (da - a^T da).$$

    All examples: the same in every column, $dZ = A \odot (dA - \mathbf 1\mathbf 1^T (A \odot dA))$,
    the sum taken over the classes. Each column of $dZ$ sums to 0; if all of $dA$ is equal, as for
    the sum of the outputs, $dZ$ is 0: such a check tests nothing.

    **In PyTorch:** `torch.nn.functional.softmax(Z.T, dim=1).T`; there one example is a row, and
    dim is the classes' axis. Before a cross entropy leave it out: `losses.cross_entropy` has it.

    >>> A, backward = softmax(np.log([[1.0], [3.0]]))
    >>> A, backward(np.array([[16.0], [0.0]]))
    (array([[0.25],
           [0.75]]), array([[ 3.],
           [-3.]]))
    """
    E = np.exp(Z - Z.max(axis=0, keepdims=True))
    A = E / E.sum(axis=0, keepdims=True)

    def backward(dA: Array) -> Array:
        return np.asarray(A * (dA - (dA * A).sum(axis=0, keepdims=True)))

    return A, backward
