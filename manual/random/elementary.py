r"""Logarithm, sine and cosine with the very bits PyTorch's normal distribution gets.

Float64: the C library's functions, which PyTorch calls there and Python's `math` exposes. NumPy's
own differ from them in the last bit (one normal in 600). Float32 under AVX2 and AVX-512: the
polynomials of the Cephes library, every multiply-add fused (S. Moshier, *Cephes Math Library*,
`logf.c`, `sinf.c`; arranged as in `avx_mathfun.h` of G. Garberoglio and J. Pommier).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual.random.rounding import fma

Array = NDArray[Any]

SQRT_HALF = np.float32(0.707106781186547524)
LOG_2 = (np.float32(-2.12194440e-4), np.float32(0.693359375))  # their sum; the second is short
LOG = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
QUARTER_PI = (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)  # their sum
COSINE = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
SINE = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)


def each(function: Callable[[float], float], x: Array) -> Array:
    r"""Return the C library's float64 `function` of every element, rounded to the dtype of `x`.

    >>> each(math.log, np.array([1.0, math.e]))
    array([0., 1.])
    """
    values = np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size)
    return values.reshape(x.shape).astype(x.dtype)


def polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    r"""Return the polynomial in x by Horner's rule $y \leftarrow y x + c$, highest power first."""
    y = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        y = fma(y, x, c)
    return y


def log_float32(x: Array) -> Array:
    r"""Return $\ln x$ for normal positive float32 as Cephes does it.

    Derivation. Write $x = 2^e (1 + f)$ with $\sqrt{1/2} \le 1 + f < \sqrt 2$. Then
    $\ln x = e \ln 2 + f - f^2 / 2 + f^3 P(f)$, where $P$ is a minimax polynomial of degree 8 and
    $\ln 2$ is split in two so that $e$ times the larger part is exact.

    >>> float(log_float32(np.array([0.5], dtype="float32"))[0])
    -0.6931471824645996
    """
    m, exponent = np.frexp(x)
    low = m < SQRT_HALF
    e = (exponent - low).astype(np.float32)
    f = (m - np.float32(1)) + np.where(low, m, np.float32(0))
    z = f * f
    y = fma(polynomial(LOG, f) * f, z, e * LOG_2[0])
    return fma(e, LOG_2[1], f + (y - z * np.float32(0.5)))


def sine_cosine_float32(x: Array) -> tuple[Array, Array]:
    r"""Return $\sin x$ and $\cos x$ for float32 $0 \le x < 8192$ as Cephes does it.

    Derivation. Take the even $j$ with $|r| \le \pi/4$ for $r = x - j \pi / 4$, the subtraction in
    three parts. Then $\sin r \approx r + r^3 S(r^2)$ and $\cos r \approx 1 - r^2/2 + r^4 C(r^2)$;
    $j \bmod 8$ says which of them, with which sign, is the sine of $x$ and which the cosine.

    >>> [v.tolist() for v in sine_cosine_float32(np.array([0.0, np.pi], dtype="float32"))]
    [[0.0, -8.742277657347586e-08], [1.0, -1.0]]
    """
    j = ((x * np.float32(4 / np.pi)).astype(np.int32) + 1) & ~1
    r = x
    for part in QUARTER_PI:
        r = fma(j.astype(np.float32), -part, r)
    z = r * r
    cosine = fma(polynomial(COSINE, z) * z, z, z * np.float32(-0.5)) + np.float32(1)
    sine = fma(polynomial(SINE, z) * z, r, r)
    swap = (j & 2) != 0
    sign = np.where(j & 4, np.float32(-1), np.float32(1))
    return (
        np.where(swap, cosine, sine) * sign,
        np.where(swap, -sine, cosine) * sign,
    )


def log(x: Array, *, fused: bool = True) -> Array:
    r"""Return $\ln x$ as PyTorch's `normal_` computes it on 16 or more elements.

    >>> log(np.array([1.0]))
    array([0.])
    """
    return log_float32(x) if fused and x.dtype == np.float32 else each(math.log, x)


def sine_cosine(x: Array, *, fused: bool = True) -> tuple[Array, Array]:
    r"""Return $\sin x$ and $\cos x$ as PyTorch's `normal_` computes them on 16 or more elements.

    >>> sine_cosine(np.array([0.0]))
    (array([0.]), array([1.]))
    """
    if fused and x.dtype == np.float32:
        return sine_cosine_float32(x)
    return each(math.sin, x), each(math.cos, x)
