r"""The linear layer $Z = W A + b$ and its gradients; dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual.operands import fit

Array = NDArray[Any]


def linear(
    W: Array, A: Array, b: Array | None, *, input_gradient: bool = True
) -> tuple[Array, Callable[[Array], tuple[Array | None, ...]]]:
    r"""Return $Z = W A + b$ and the function that takes $dZ$ to $(dW, db, dA)$.

    Shapes: W $(n, k)$, A $(k, m)$, b $(n, 1)$ or None, Z $(n, m)$: one example a column.

    Derivation. With $Z_{ij} = \sum_p W_{ip} A_{pj} + b_i$ and $dZ_{ij} = \partial L / \partial Z_{ij}$,
    the chain rule sums over every $Z$ an operand reaches:

    - $dW_{ip} = \sum_j dZ_{ij} A_{pj}$, that is $dW = dZ\,A^T$;
    - $db_i = \sum_j dZ_{ij}$, the sum over the examples: $b_i$ is added to every column;
    - $dA_{pj} = \sum_i W_{ip} dZ_{ij}$, that is $dA = W^T dZ$.

    For one example, a column $a$, these read $dW = dz\,a^T$ (an outer product), $db = dz$ and
    $da = W^T dz$. No factor $1/m$ appears: it is already in $dZ$, from the mean in the loss.

    **In PyTorch:** `torch.nn.functional.linear(A.T, W, b[:, 0]).T`; there one example is a row.

    Args:
        W: the weights.
        A: the layer's input.
        b: the bias, or None for a layer without one; then $db$ is None.
        input_gradient: whether `backward` computes $dA$; the first layer has no use for it.

    Raises ValueError unless the shapes are these: b of $(n,)$ or $(1, m)$ would be added along the examples.

    >>> Z, backward = linear(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([[5.0]]))
    >>> Z
    array([[16.]])
    >>> backward(np.array([[10.0]]))
    (array([[30., 40.]]), array([[10.]]), array([[10.],
           [20.]]))
    """
    fit(W, A, b)
    Z = W @ A
    if b is not None:
        Z += b

    def backward(dZ: Array) -> tuple[Array | None, ...]:
        dW = dZ @ A.T
        db = None if b is None else dZ.sum(axis=1, keepdims=True)
        dA = W.T @ dZ if input_gradient else None
        return dW, db, dA

    return Z, backward


def dropout(A: Array, mask: Array, *, p: float) -> tuple[Array, Callable[[Array], Array]]:
    r"""Return $D = A \odot mask / (1 - p)$ and the function that takes $dD$ to $dA$ (inverted dropout).

    Shapes: A, mask and D $(n, m)$; mask holds 0 and 1, drawn by the caller, so that this stays a function.

    Derivation. Each unit is kept with probability $1 - p$; dividing by it keeps the expectation,
    $E[D] = A (1 - p) / (1 - p) = A$, so that nothing need change in evaluation. $D$ is linear
    in $A$: $dA = dD \odot mask / (1 - p)$.

    **In PyTorch:** `torch.nn.functional.dropout(A, p, training=True)`, which draws the mask itself.

    Raises ValueError for a p that is no probability.

    Source: Srivastava et al., *Dropout*, JMLR 15 (2014).

    >>> dropout(np.array([[1.0, 2.0]]), np.array([[0.0, 1.0]]), p=0.5)[0]
    array([[0., 4.]])
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"p is {p}; expected 0 <= p <= 1, the probability that a unit is dropped")
    one = A.dtype.type(1.0)
    scale = mask * (one / A.dtype.type(1.0 - p) if p < 1.0 else one - one)

    def backward(dD: Array) -> Array:
        return np.asarray(dD * scale)

    return A * scale, backward
