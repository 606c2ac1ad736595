r"""Squared error, averaged over all elements or over the examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual.losses.operands import agree

Array = NDArray[Any]
Backward = Callable[..., Array]


def mse(A: Array, Y: Array) -> tuple[Array, Backward]:
    r"""Return $L = \frac1N \sum_{ij} (a_{ij} - y_{ij})^2$, $N = n_y m$, and the function dL -> dA.

    Derivation. One example, one output: $L = (a - y)^2$, and by the chain rule
    $dL/da = 2 (a - y)$. All: only the term $ij$ contains $a_{ij}$, so that $dA = \frac2N (A - Y)$.
    As a product of matrices, $L = \frac1N \mathrm{tr}\,(A - Y)(A - Y)^T$: the trace, since
    $(A - Y)(A - Y)^T$ is a number only for $n_y = 1$.

    **In PyTorch:** `torch.nn.functional.mse_loss`, reduction "mean": over all $n_y m$ elements.

    >>> L, backward = mse(np.array([[1.0, 4.0]]), np.array([[0.0, 1.0]]))
    >>> L, backward()
    (array(5.), array([[1., 3.]]))
    """
    agree(A, Y)
    return squared_error(A, Y, A.size)


def mse_per_example(A: Array, Y: Array) -> tuple[Array, Backward]:
    r"""Return $L = \frac1m \sum_j \lVert a_j - y_j \rVert^2$, a mean over examples, and dL -> dA.

    Derivation. One example, a column: $L = (a - y)^T (a - y)$ and $da = 2 (a - y)$. All:
    $dA = \frac2m (A - Y)$. Loss and gradient are $n_y$ times those of `mse`; with one output the
    two are the same.

    **In PyTorch:** `torch.nn.functional.mse_loss(..., reduction="sum") / m`.

    >>> L, backward = mse_per_example(np.array([[1.0], [4.0]]), np.array([[0.0], [1.0]]))
    >>> L, backward()
    (array(10.), array([[2.],
           [6.]]))
    """
    agree(A, Y)
    return squared_error(A, Y, A.shape[1])


def squared_error(A: Array, Y: Array, count: int) -> tuple[Array, Backward]:
    """Return the sum of squares divided by `count`, and its backward.

    >>> squared_error(np.array([[3.0]]), np.array([[1.0]]), 2)[0]
    array(2.)
    """
    R = A - Y

    def backward(dL: float = 1.0) -> Array:
        return (2.0 / count) * R * float(dL)

    return np.asarray((R * R).sum() / count), backward
