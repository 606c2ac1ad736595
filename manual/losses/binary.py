r"""Binary cross entropy, the negative log-likelihood of 0-1 labels, on probabilities or logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual.activations import sigmoid
from manual.losses.operands import agree, predictions, probabilities

Array = NDArray[Any]
Backward = Callable[..., Array]
FLOOR = float(np.float32(1e-12))  # torch's constant is a float32, in float64 too: 4e-9 off 1e-12


def bce(A: Array, Y: Array) -> tuple[Array, Backward]:
    r"""Return $L = -\frac1N \sum_{ij} \big( y \log a + (1 - y) \log(1 - a) \big)$ and the function dL -> dA.

    A holds probabilities. A label that is 1 with probability $a$ has the likelihood
    $a^y (1 - a)^{1-y}$, and $L$ is the mean negative logarithm.

    Derivation. One element:

    $$\frac{d\ell}{da} = -\frac ya + \frac{1 - y}{1 - a} = \frac{a - y}{a (1 - a)}.$$

    All: $dA = \frac1N (A - Y) / (A (1 - A))$. Behind a sigmoid the denominator cancels against
    $\sigma' = a (1 - a)$, and $dZ = \frac1N (A - Y)$: see `bce_with_logits`.

    Both logarithms are at least -100 and the denominator is at least 1e-12 (as a float32), so
    that a saturated $a$ gives no infinity. It gives a wrong answer instead: at $z = 37$, $y = 0$,
    the loss is 100 and the gradient at $z$ is 0, while the truth is 37 and 1. Use logits.

    **In PyTorch:** `torch.nn.functional.binary_cross_entropy`, with the same bounds (Keras clips
    $a$ to $[10^{-7}, 1 - 10^{-7}]$). It refuses NaN in A, which passes through here.

    Raises ValueError if a probability or a target lies outside $[0, 1]$.

    >>> L, backward = bce(np.array([[0.5, 1.0]]), np.array([[1.0, 0.0]]))
    >>> L.round(4), backward()[0, 0]
    (np.float64(50.3466), np.float64(-1.0))
    """
    agree(A, Y)
    predictions(A, "bce")
    probabilities(Y, "bce")
    with np.errstate(divide="ignore"):  # log 0 is -inf, and then -100
        log_a, log_not_a = np.maximum(np.log(A), -100.0), np.maximum(np.log1p(-A), -100.0)

    def backward(dL: float = 1.0) -> Array:
        return float(dL) * (A - Y) / np.maximum((1.0 - A) * A, FLOOR) / A.size

    return np.asarray(((Y - 1.0) * log_not_a - Y * log_a).sum() / A.size), backward


def bce_with_logits(A: Array, Y: Array) -> tuple[Array, Backward]:
    r"""Return the `bce` of $\sigma(A)$, computed from the logits A themselves, and dL -> dA.

    The output layer has no activation: A is $z$. With $s = \sigma(z)$, $1 - s = e^{-z} s$, so
    $\log(1 - s) = \log s - z$, and one element's loss is $\ell = -y \log s - (1 - y)(\log s - z) =
    (1 - y) z - \log s$. Since $-\log s = \max(-z, 0) + \log(1 + e^{-|z|})$ and $z + \max(-z, 0) =
    \max(z, 0)$,

    $$\ell = \max(z, 0) - y z + \log(1 + e^{-|z|}):$$

    no exponent is positive, nothing overflows and no bound is needed.

    Derivation. $\frac{d}{dz} \log s = s (1 - s) / s = 1 - s$, hence $\frac{d\ell}{dz} = (1 - y) -
    (1 - s) = s - y$. All: $dA = \frac1N (\sigma(A) - Y)$. Where the sigmoid saturates on the wrong
    side this is still $\pm\frac1N$; in two steps it would be $\infty \cdot 0$.

    **In PyTorch:** `torch.nn.functional.binary_cross_entropy_with_logits`. It computes $(1 - y) z -
    \log s$, which for $y = 0$ and $z < 0$ cancels: a loss of 1e-10 keeps 5 digits of float64 there,
    all of them here (measured on PyTorch 2.13).

    Raises ValueError if a target lies outside $[0, 1]$; torch does not look.

    >>> L, backward = bce_with_logits(np.array([[0.0, 37.0]]), np.array([[1.0, 0.0]]))
    >>> L.round(4), backward()
    (np.float64(18.8466), array([[-0.25,  0.5 ]]))
    """
    agree(A, Y)
    probabilities(Y, "bce_with_logits")
    losses = np.maximum(A, 0.0) - A * Y + np.log1p(np.exp(-np.abs(A)))

    def backward(dL: float = 1.0) -> Array:
        S, _ = sigmoid(A)
        return (S - Y) * float(dL) / A.size

    return np.asarray(losses.sum() / A.size), backward
