r"""Activations that pass what is positive as it is: identity, ReLU, leaky ReLU, ELU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Backward = Callable[[Array], Array]


def identity(Z: Array) -> tuple[Array, Backward]:
    r"""Return a copy of Z and the function that takes $dA$ to $dZ = dA$: for regression outputs.

    Derivation. $a = z$, so $g'(z) = 1$.

    **In PyTorch:** `torch.nn.Identity`, which returns the same tensor; this is a copy.

    >>> A, backward = identity(np.array([[-1.0, 2.0]]))
    >>> A, backward(np.array([[3.0, 4.0]]))
    (array([[-1.,  2.]]), array([[3., 4.]]))
    """
    return Z.copy(), lambda dA: dA.copy()


def relu(Z: Array) -> tuple[Array, Backward]:
    r"""Return $A = \max(Z, 0)$ and the function that takes $dA$ to $dZ$.

    Derivation. $g(z) = z$ for $z > 0$ and $0$ for $z < 0$, with slopes 1 and 0. At $z = 0$ the
    one-sided slopes differ and there is no derivative; 0 is taken, one of the subgradients
    $[0, 1]$. Hence $dZ = dA$ where $Z > 0$, else 0. A unit that is negative on every example
    gets no gradient at all: it is dead.

    **In PyTorch:** `torch.nn.functional.relu`, whose slope at 0 is 0. `Z.clamp(min=0)` has 1 there
    and `torch.maximum(Z, torch.zeros_like(Z))` has 0.5 (measured on PyTorch 2.13).

    Source: Nair and Hinton, *Rectified linear units improve restricted Boltzmann machines*, ICML
    2010.

    >>> A, backward = relu(np.array([[-1.0, 0.0, 2.0]]))
    >>> A, backward(np.array([[5.0, 5.0, 5.0]]))
    (array([[0., 0., 2.]]), array([[0., 0., 5.]]))
    """

    def backward(dA: Array) -> Array:
        return np.where(Z <= 0.0, 0.0, dA)

    return np.maximum(Z, 0.0), backward


def leaky_relu(Z: Array, *, negative_slope: float = 0.01) -> tuple[Array, Backward]:
    r"""Return $A = Z$ where $Z > 0$, negative_slope times Z elsewhere, and the function dA -> dZ.

    Derivation. The slopes are 1 and negative_slope, so that no unit dies: $dZ = dA$ where
    $Z > 0$ and $negative\_slope \cdot dA$ elsewhere, at the kink $z = 0$ too.

    **In PyTorch:** `torch.nn.functional.leaky_relu`; at 0 its slope is negative_slope. Keras has
    0.3 by default, TensorFlow 0.2.

    Source: Maas, Hannun and Ng, *Rectifier nonlinearities improve neural network acoustic
    models*, 2013.

    >>> A, backward = leaky_relu(np.array([[-1.0, 0.0, 2.0]]), negative_slope=0.25)
    >>> A, backward(np.array([[4.0, 4.0, 4.0]]))
    (array([[-0.25,  0.  ,  2.  ]]), array([[1., 1., 4.]]))
    """
    slope = float(negative_slope)

    def backward(dA: Array) -> Array:
        return np.where(Z > 0.0, dA, dA * slope)

    return np.where(Z > 0.0, Z, Z * slope), backward


def elu(Z: Array, *, alpha: float = 1.0) -> tuple[Array, Backward]:
    r"""Return $A = Z$ where $Z > 0$, $\alpha (e^Z - 1)$ elsewhere, and the function dA -> dZ.

    Derivation. Above 0 the slope is 1. Below, $\frac{d}{dz} \alpha (e^z - 1) = \alpha e^z$, which
    is also $a + \alpha$ ($a + 1$ only if $\alpha = 1$); written with $z$ it does not cancel as
    $a \to -\alpha$. With $\alpha = 1$ the two slopes meet at 0; otherwise the kink takes the
    lower side's, $\alpha$. $e^z - 1$ is one function, expm1: the difference would lose all
    digits near 0.

    **In PyTorch:** `torch.nn.functional.elu`; at 0 its slope is alpha.

    Source: Clevert, Unterthiner and Hochreiter, *Fast and accurate deep network learning by
    exponential linear units*, ICLR 2016.

    >>> A, backward = elu(np.array([[-1.0, 0.0, 2.0]]), alpha=2.0)
    >>> A.round(4), backward(np.array([[1.0, 1.0, 1.0]])).round(4)
    (array([[-1.2642,  0.    ,  2.    ]]), array([[0.7358, 2.    , 1.    ]]))
    """
    scale = float(alpha)
    below = np.minimum(Z, 0.0)  # exp is never asked for what is discarded: it could overflow

    def backward(dA: Array) -> Array:
        return np.where(Z > 0.0, dA, dA * scale * np.exp(below))

    return np.where(Z > 0.0, Z, scale * np.expm1(below)), backward
