r"""Cross entropy: the negative log-likelihood of one class of several, on logits or on probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual.losses.operands import agree, distributions, one_hot, predictions, probabilities

Array = NDArray[Any]
Backward = Callable[..., Array]


def cross_entropy(A: Array, Y: Array) -> tuple[Array, Backward]:
    r"""Return $L = -\frac1m \sum_{ij} y_{ij} \log p_{ij}$, P the softmax of A, and dL -> dA.

    Shapes: A, Y $(n_y, m)$: one row a class, one column an example. A holds logits; each column
    of Y is one-hot, or a distribution over the classes. The mean is over the m examples, not over
    the elements.

    The output layer has no activation: A is $z$. With $S = \sum_k e^{z_k}$, $\log p_i = z_i -
    \log S$; $\max z$ is subtracted from $z$ first, which changes nothing and keeps $S$ in range.

    Derivation, one example. $\partial \log S / \partial z_k = e^{z_k} / S = p_k$, so
    $\partial \log p_i / \partial z_k = [i = k] - p_k$, and

    $$dz_k = -\sum_i y_i ([i = k] - p_k) = p_k \sum_i y_i - y_k = p_k - y_k.$$

    All examples: $dA = \frac1m (P - Y)$: what bce_with_logits has, $s - y$, for several classes.
    It is the softmax Jacobian times $-Y / P$, with $P$ cancelled; where $p_k$ underflows to 0,
    $0 / 0$ is avoided.

    **In PyTorch:** `torch.nn.functional.cross_entropy(A.T, Y.T)`, targets as probabilities; class
    indices give the same as one-hot columns. There one example is a row.

    Raises ValueError if a target lies outside $[0, 1]$ or a column of Y does not sum to 1.

    >>> L, backward = cross_entropy(np.log([[1.0], [3.0]]), np.array([[1.0], [0.0]]))
    >>> L.round(4), backward()
    (np.float64(1.3863), array([[-0.75],
           [ 0.75]]))
    """
    agree(A, Y)
    probabilities(Y, "cross_entropy")
    distributions(Y)
    m = A.shape[1]
    shifted = A - A.max(axis=0, keepdims=True)
    E = np.exp(shifted)
    S = E.sum(axis=0, keepdims=True)

    def backward(dL: float = 1.0) -> Array:
        return np.asarray((E / S - Y) * (float(dL) / m))

    return np.asarray(-(Y * (shifted - np.log(S))).sum() / m), backward


def cross_entropy_on_probabilities(A: Array, Y: Array) -> tuple[Array, Backward]:
    r"""Return $L = -\frac1m \sum_{ij} y_{ij} \log a_{ij}$, A the probabilities a softmax gave, and dL -> dA.

    Shapes: A, Y $(n_y, m)$: one row a class, one column an example; each column of Y is one-hot.

    Derivation. $\partial L / \partial a_{ij} = -y_{ij} / (m\,a_{ij})$, and 0 for a class that is not
    the true one. Through the softmax, $dz = a \odot (da - \sum a\,da)$, this becomes
    $(a - y) / m$: the short form that most code has. Where $a$ of the true class has underflowed to
    0, $-1/a$ is infinite and the chain gives NaN: take `cross_entropy`, on logits.

    **In PyTorch:** `-torch.log(A.T.gather(1, classes[:, None])).mean()`, which reads the entry of
    the true class alone; one example is a row. `torch.nn.functional.nll_loss(torch.log(A.T), classes)` has the
    same value, but its gradient is 0 / 0 = NaN where another class has underflowed to 0.

    Raises ValueError unless each column of Y is one-hot, and if a probability lies outside $[0, 1]$.

    >>> A = np.array([[0.25], [0.75]])
    >>> L, backward = cross_entropy_on_probabilities(A, np.array([[1.0], [0.0]]))
    >>> L.round(4), backward()
    (np.float64(1.3863), array([[-4.],
           [-0.]]))
    """
    agree(A, Y)
    one_hot(Y)
    predictions(A, "cross_entropy_on_probabilities")
    m = A.shape[1]
    true = Y > 0.0
    terms = Y * np.log(np.where(true, A, 1.0).astype(A.dtype, copy=False))

    def backward(dL: float = 1.0) -> Array:
        safe = np.where(true, A, 1.0).astype(A.dtype, copy=False)
        return np.asarray(-(Y / safe) * (float(dL) / m))

    return np.asarray(-terms.sum() / m), backward
