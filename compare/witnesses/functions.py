r"""The activations and losses once more, in whatever arithmetic is asked for: complex NumPy, mpmath.

Only forward: a gradient is what a witness finds by itself. `f` gives the elementary functions.
Branches look at the real part, so that a complex step passes through the side it stands on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from scipy.special import erf

Array = Any  # of float64, complex or mpmath numbers


@dataclass(frozen=True)
class Arithmetic:
    """The elementary functions of one kind of number, elementwise."""

    exp: Callable[[Array], Array]
    log: Callable[[Array], Array]
    tanh: Callable[[Array], Array]
    erf: Callable[[Array], Array]
    sqrt: Callable[[Array], Array]
    real: Callable[[Array], Array]
    number: Callable[[float], Any]
    pi: Any
    i: Any


NUMPY = Arithmetic(np.exp, np.log, np.tanh, erf, np.sqrt, np.real, float, np.pi, 1j)


def multiple(digits: int) -> Arithmetic:
    """Return the arithmetic of mpmath at that many digits."""
    context = mpmath.mp.clone()
    context.dps = digits

    def each(function: Callable[[Any], Any]) -> Callable[[Array], Array]:
        return lambda x: np.asarray(np.frompyfunc(function, 1, 1)(x), dtype=object)

    exp, log, tanh, erf, sqrt, re = (
        each(getattr(context, name)) for name in ("exp", "log", "tanh", "erf", "sqrt", "re")
    )
    return Arithmetic(exp, log, tanh, erf, sqrt, re, context.mpf, +context.pi, context.mpc(0, 1))


def branch(yes: Array, a: Array, b: Array) -> Array:
    return np.where(np.asarray(yes, dtype=bool), a, b)


def magnitude(z: Array, f: Arithmetic) -> Array:
    """Return |z|, as a function that a complex step can go through."""
    return branch(f.real(z) >= 0, z, -z)


def identity(z: Array, f: Arithmetic) -> Array:
    return z


def relu(z: Array, f: Arithmetic) -> Array:
    return branch(f.real(z) > 0, z, 0 * z)


def leaky_relu(z: Array, f: Arithmetic, *, negative_slope: float = 0.01) -> Array:
    return branch(f.real(z) > 0, z, negative_slope * z)


def elu(z: Array, f: Arithmetic, *, alpha: float = 1.0) -> Array:
    below = branch(f.real(z) > 0, 0 * z, z)
    return branch(f.real(z) > 0, z, alpha * (f.exp(below) - 1))


def sigmoid(z: Array, f: Arithmetic) -> Array:
    e = f.exp(-magnitude(z, f))
    return branch(f.real(z) >= 0, 1 + 0 * z, e) / (1 + e)


def tanh(z: Array, f: Arithmetic) -> Array:
    return f.tanh(z)


def gelu(z: Array, f: Arithmetic) -> Array:
    return z * (1 + f.erf(z / f.number(2) ** f.number(0.5))) / 2


def gelu_tanh(z: Array, f: Arithmetic) -> Array:
    root = (2 / f.pi) ** f.number(0.5)
    return z * (1 + f.tanh(root * (z + 0.044715 * (z * z * z)))) / 2


def silu(z: Array, f: Arithmetic) -> Array:
    return z * sigmoid(z, f)


def softplus(z: Array, f: Arithmetic, *, beta: float = 1.0, threshold: float = 20.0) -> Array:
    high = f.real(beta * z) > threshold
    return branch(high, z, f.log(1 + f.exp(branch(high, 0 * z, beta * z))) / beta)


def softmax(z: Array, f: Arithmetic) -> Array:
    e = f.exp(z - f.real(z).max(axis=0))
    return e / e.sum(axis=0)


def mse(A: Array, Y: Array, f: Arithmetic) -> Any:
    return ((A - Y) * (A - Y)).sum() / A.size


def mse_per_example(A: Array, Y: Array, f: Arithmetic) -> Any:
    return ((A - Y) * (A - Y)).sum() / A.shape[1]


def l1(A: Array, Y: Array, f: Arithmetic) -> Any:
    return magnitude(A - Y, f).sum() / A.size


def huber(A: Array, Y: Array, f: Arithmetic, *, delta: float = 1.0) -> Any:
    r = magnitude(A - Y, f)
    return branch(f.real(r) < delta, r * r / 2, delta * (r - delta / 2)).sum() / A.size


def smooth_l1(A: Array, Y: Array, f: Arithmetic, *, beta: float = 1.0) -> Any:
    r = magnitude(A - Y, f)
    small = r * r / (2 * beta) if beta else r
    return branch(f.real(r) < beta, small, r - beta / 2).sum() / A.size


def bce(A: Array, Y: Array, f: Arithmetic) -> Any:
    return -(Y * f.log(A) + (1 - Y) * f.log(1 - A)).sum() / A.size


def bce_with_logits(A: Array, Y: Array, f: Arithmetic) -> Any:
    softened = f.log(1 + f.exp(-magnitude(A, f)))
    return (relu(A, f) - A * Y + softened).sum() / A.size


def cross_entropy(A: Array, Y: Array, f: Arithmetic) -> Any:
    shifted = A - f.real(A).max(axis=0)
    return -(Y * (shifted - f.log(f.exp(shifted).sum(axis=0)))).sum() / A.shape[1]


def cross_entropy_on_probabilities(A: Array, Y: Array, f: Arithmetic) -> Any:
    true = Y > 0
    return -(Y * f.log(branch(true, A, 1 + 0 * A))).sum() / A.shape[1]
