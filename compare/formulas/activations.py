r"""The activations as stated: each $a = g(z)$ with its gradient $dz = g'(z)\,da$, in tracked arithmetic.

Where $g'$ can be written in $a$ (sigmoid, tanh), it is, or may be (elu); but a program may as well form it from $z$,
so $a$ is taken as known to a few roundings only. Kinks take the side that PyTorch takes.
"""

from __future__ import annotations

import math

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, erf, exp, expm1, floored, log1p, tanh, where

CACHED = 4.0  # roundings in a cached activation: sigmoid is 2-4 ulp off in NumPy and torch


def identity(z: Tracked) -> Tracked:
    return z


def identity_gradient(z: Tracked, a: Tracked, da: Tracked) -> Tracked:
    return da


def relu(z: Tracked) -> Tracked:
    return where(z > 0.0, z, 0.0)


def relu_gradient(z: Tracked, a: Tracked, da: Tracked) -> Tracked:
    return where(z > 0.0, da, 0.0)


def leaky_relu(z: Tracked, *, negative_slope: float = 0.01) -> Tracked:
    return where(z > 0.0, z, z * negative_slope)


def leaky_relu_gradient(
    z: Tracked, a: Tracked, da: Tracked, *, negative_slope: float = 0.01
) -> Tracked:
    return where(z > 0.0, da, da * negative_slope)


def elu(z: Tracked, *, alpha: float = 1.0) -> Tracked:
    return where(z > 0.0, z, alpha * expm1(where(z > 0.0, 0.0, z)))


def elu_gradient(z: Tracked, a: Tracked, da: Tracked, *, alpha: float = 1.0) -> Tracked:
    r"""Return $\alpha e^z da$ where $z \le 0$; a program may as well form $a + \alpha$, whose rounding is that of $a$."""
    slope = (alpha * exp(where(z > 0.0, 0.0, z))).loosened(CACHED * a.size)
    return where(z > 0.0, da, da * slope)


def sigmoid(z: Tracked) -> Tracked:
    r"""Return $1 / (1 + e^{-z})$; where $z < 0$ as $e^z / (1 + e^z)$, which cannot overflow.

    A program may use the first form throughout: 0 where $e^{-z}$ overflows.
    """
    e = exp(-absolute(z))
    return floored(where(z >= 0.0, 1.0 / (1.0 + e), e / (1.0 + e)))


def sigmoid_gradient(z: Tracked, a: Tracked, da: Tracked) -> Tracked:
    a = a.rounded(CACHED)
    return da * (a * (1.0 - a))


def tanh_gradient(z: Tracked, a: Tracked, da: Tracked) -> Tracked:
    a = a.rounded(CACHED)
    return da * (1.0 - a * a)


def normal_cdf(z: Tracked) -> Tracked:
    return 0.5 * (1.0 + erf(z * math.sqrt(0.5)))


def gelu(z: Tracked) -> Tracked:
    return z * normal_cdf(z)


def gelu_gradient(z: Tracked, a: Tracked, da: Tracked) -> Tracked:
    density = exp(-0.5 * (z * z)) * (1.0 / math.sqrt(2.0 * math.pi))
    return da * (normal_cdf(z) + z * density)


def gelu_tanh(z: Tracked) -> Tracked:
    return 0.5 * z * (1.0 + tanh(gelu_argument(z)))


def gelu_argument(z: Tracked) -> Tracked:
    return math.sqrt(2.0 / math.pi) * (z + 0.044715 * (z * z * z))


def gelu_tanh_gradient(z: Tracked, a: Tracked, da: Tracked) -> Tracked:
    t = tanh(gelu_argument(z)).rounded(CACHED)
    slope = math.sqrt(2.0 / math.pi) * (1.0 + 0.134145 * (z * z))
    return da * (0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * slope)


def silu(z: Tracked) -> Tracked:
    return z * sigmoid(z)


def silu_gradient(z: Tracked, a: Tracked, da: Tracked) -> Tracked:
    s = sigmoid(z)
    return da * (s * (1.0 + z * (1.0 - s)))


def softplus(z: Tracked, *, beta: float = 1.0, threshold: float = 20.0) -> Tracked:
    r"""Return $\log(1 + e^{\beta z}) / \beta$, and $z$ itself where $\beta z$ exceeds the threshold."""
    x = z if beta == 1.0 else beta * z
    safe = where(x > threshold, 0.0, x)
    return where(x > threshold, z, log1p(exp(safe)) / beta)


def softplus_gradient(
    z: Tracked, a: Tracked, da: Tracked, *, beta: float = 1.0, threshold: float = 20.0
) -> Tracked:
    x = z if beta == 1.0 else beta * z
    return where(x > threshold, da, da * sigmoid(x))


def softmax(z: Tracked) -> Tracked:
    r"""Return $e^{z - \max z} / \sum e^{z - \max z}$ over the classes, the rows of a column."""
    top = Tracked(z.value.max(axis=-2, keepdims=True), None, z.u)
    e = exp(z - top)
    return e / e.sum(axis=0)


def softmax_gradient(z: Tracked, a: Tracked, da: Tracked) -> Tracked:
    a = a.rounded(CACHED)
    return a * (da - (da * a).sum(axis=0))
