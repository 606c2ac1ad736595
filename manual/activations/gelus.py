r"""Activations that weigh a unit by the normal distribution: GELU, exact and by tanh."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual.activations.erf import erf

Array = NDArray[Any]
Backward = Callable[[Array], Array]


def gelu(Z: Array) -> tuple[Array, Backward]:
    r"""Return $A = Z \odot \Phi(Z)$, $\Phi$ the standard normal distribution function, and dA -> dZ.

    $$\Phi(z) = \tfrac12 \Big(1 + \mathrm{erf}\frac{z}{\sqrt2}\Big), \qquad
      \varphi(z) = \Phi'(z) = \frac{1}{\sqrt{2\pi}} e^{-z^2/2}$$

    Derivation. By the product rule $\frac{da}{dz} = \Phi(z) + z \varphi(z)$. In the negative tail
    $1 + \mathrm{erf}$ cancels: the error of $a$ is small beside $z$, not beside $a$.

    **In PyTorch:** `torch.nn.functional.gelu(Z)`, its default; JAX and GPT-2 mean `gelu_tanh`, and
    the two differ by up to 5e-4.

    Source: Hendrycks and Gimpel, *Gaussian error linear units*, 2016.

    >>> A, backward = gelu(np.array([[-1.0, 0.0, 100.0]]))
    >>> A.round(4), backward(np.array([[2.0, 2.0, 2.0]])).round(4)
    (array([[ -0.1587,   0.    , 100.    ]]), array([[-0.1666,  1.    ,  2.    ]]))
    """
    Phi = 0.5 * (1.0 + erf(Z * sqrt(0.5)))

    def backward(dA: Array) -> Array:
        phi = np.exp(-0.5 * (Z * Z)) * (1.0 / sqrt(2.0 * pi))
        return dA * (Phi + Z * phi)

    return Z * Phi, backward


def gelu_tanh(Z: Array) -> tuple[Array, Backward]:
    r"""Return $A = \tfrac12 Z (1 + \tanh u(Z))$, GELU with $\Phi$ approximated, and dA -> dZ.

    $$u(z) = \sqrt{2/\pi}\,(z + 0.044715\,z^3), \qquad
      u'(z) = \sqrt{2/\pi}\,(1 + 3 \cdot 0.044715\,z^2)$$

    Derivation. Product and chain rule, with $t = \tanh u(z)$: $\frac{da}{dz} = \tfrac12 (1 + t) +
    \tfrac12 z (1 - t^2)\,u'(z)$. The constant makes $\tfrac12 (1 + t)$ agree with $\Phi$ to 2e-4.

    Where $z^2$ overflows, from $|z| = 1.3 \cdot 10^{154}$ on (float32: $1.8 \cdot 10^{19}$), the
    gradient is $0 \cdot \infty$, NaN; torch's is, too.

    **In PyTorch:** `torch.nn.functional.gelu(Z, approximate="tanh")`.

    Source: Hendrycks and Gimpel, *Gaussian error linear units*, 2016, section 2.

    >>> A, backward = gelu_tanh(np.array([[-1.0, 0.0, 100.0]]))
    >>> A.round(4), backward(np.array([[2.0, 2.0, 2.0]])).round(4)
    (array([[ -0.1588,   0.    , 100.    ]]), array([[-0.1659,  1.    ,  2.    ]]))
    """
    t = np.tanh(sqrt(2.0 / pi) * (Z + 0.044715 * (Z * Z * Z)))

    def backward(dA: Array) -> Array:
        slope = sqrt(2.0 / pi) * (1.0 + 3.0 * 0.044715 * (Z * Z))
        return dA * (0.5 * (1.0 + t) + 0.5 * Z * (1.0 - t * t) * slope)

    return 0.5 * Z * (1.0 + t), backward
