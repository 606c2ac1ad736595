r"""The logistic sigmoid and what is built on it: tanh, SiLU (swish), softplus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Backward = Callable[[Array], Array]


def sigmoid(Z: Array) -> tuple[Array, Backward]:
    r"""Return $A = 1 / (1 + e^{-Z})$ and the function that takes $dA$ to $dZ = dA \odot A (1 - A)$.

    Derivation. With $a = (1 + e^{-z})^{-1}$,

    $$\frac{da}{dz} = \frac{e^{-z}}{(1 + e^{-z})^2}
      = \frac{1}{1 + e^{-z}} \cdot \frac{e^{-z}}{1 + e^{-z}} = a (1 - a) \le \tfrac14.$$

    Both ends. For $z < 0$ the same value is $e^z / (1 + e^z)$; with $e^{-|z|}$ in either form no
    exponential overflows. The image is the open interval $(0, 1)$, but in floating point $a$ is
    exactly 1 from $z = 36.74$ on (float32: 16.64), and there the gradient is exactly 0. On the
    negative side $a$ keeps its relative accuracy down to the smallest numbers.

    **In PyTorch:** `torch.sigmoid`, which is 0 below $z = -709.8$ (float32: $-88.7$).

    >>> A, backward = sigmoid(np.array([[-1000.0, 0.0, 1000.0]]))
    >>> A, backward(np.array([[8.0, 8.0, 8.0]]))
    (array([[0. , 0.5, 1. ]]), array([[0., 2., 0.]]))
    """
    e = np.exp(-np.abs(Z))
    A = np.where(Z >= 0.0, 1.0, e) / (1.0 + e)

    def backward(dA: Array) -> Array:
        return dA * (1.0 - A) * A

    return A, backward


def tanh(Z: Array) -> tuple[Array, Backward]:
    r"""Return $A = \tanh Z$ and the function that takes $dA$ to $dZ = dA \odot (1 - A^2)$.

    Derivation. $\tanh = \sinh / \cosh$; by the quotient rule
    $\frac{da}{dz} = (\cosh^2 z - \sinh^2 z) / \cosh^2 z = 1 - a^2$: the square of $a$, not of
    $z$. It is a sigmoid, stretched and shifted: $\tanh z = 2 \sigma(2z) - 1$.

    **In PyTorch:** `torch.tanh`.

    >>> A, backward = tanh(np.array([[0.0, 1000.0]]))
    >>> A, backward(np.array([[3.0, 3.0]]))
    (array([[0., 1.]]), array([[3., 0.]]))
    """
    A = np.tanh(Z)

    def backward(dA: Array) -> Array:
        return dA * (1.0 - A * A)

    return A, backward


def silu(Z: Array) -> tuple[Array, Backward]:
    r"""Return $A = Z \odot \sigma(Z)$ (also named swish) and the function that takes $dA$ to $dZ$.

    Derivation. By the product rule with $s = \sigma(z)$, $s' = s (1 - s)$:
    $\frac{da}{dz} = s + z s (1 - s) = s\,(1 + z (1 - s))$.

    **In PyTorch:** `torch.nn.functional.silu`.

    Source: Elfwing, Uchibe and Doya, *Sigmoid-weighted linear units*, Neural Networks 107 (2018).

    >>> A, backward = silu(np.array([[0.0, 1000.0]]))
    >>> A, backward(np.array([[2.0, 2.0]]))
    (array([[   0., 1000.]]), array([[1., 2.]]))
    """
    S, _ = sigmoid(Z)

    def backward(dA: Array) -> Array:
        return dA * S * (1.0 + Z * (1.0 - S))

    return Z * S, backward


def softplus(Z: Array, *, beta: float = 1.0, threshold: float = 20.0) -> tuple[Array, Backward]:
    r"""Return $A = \log(1 + e^{\beta Z}) / \beta$, a smooth ReLU, and the function dA -> dZ.

    Where $\beta Z > threshold$, A is Z itself.

    Derivation. $\frac{da}{dz} = \frac1\beta \frac{\beta e^{\beta z}}{1 + e^{\beta z}} =
    \sigma(\beta z)$: softplus is the integral of the sigmoid. Above the
    threshold $a = z$ and the slope is 1; this cuts off $e^{-\beta z} / \beta$, at most
    $2 \cdot 10^{-9} / \beta$ for a threshold of 20, and no exponential overflows.

    **In PyTorch:** `torch.nn.functional.softplus`, with the same threshold: a step of
    $2 \cdot 10^{-9}$ in value and slope, visible in float64.

    Raises ValueError unless beta is positive.

    >>> A, backward = softplus(np.array([[0.0, 1000.0]]))
    >>> A.round(4), backward(np.array([[2.0, 2.0]]))
    (array([[6.931e-01, 1.000e+03]]), array([[1., 2.]]))
    """
    if not beta > 0.0:
        raise ValueError(f"softplus got beta = {beta}; it divides by beta, which must be above 0")
    x = float(beta) * Z
    linear = x > threshold
    x = np.minimum(x, float(threshold))

    def backward(dA: Array) -> Array:
        return np.where(linear, dA, dA * sigmoid(x)[0])

    return np.where(linear, Z, np.log1p(np.exp(x)) / float(beta)), backward
