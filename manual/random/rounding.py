r"""The fused multiply-add $\mathrm{fma}(a, b, c) = \mathrm{RN}(a b + c)$: one rounding, not two.

A processor's fma rounds once; NumPy has none. It is rebuilt from the error-free transformations
of a sum and a product, and from *rounding to odd*: of the two neighbours of an inexact value take
the one with an odd last bit. It cannot be mistaken for a tie, so rounding it again is harmless.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
WIDEST = 2.0**996  # beyond, splitting a float64 overflows


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    r"""Return $s = \mathrm{RN}(a + b)$ and the error $e$, so that $s + e = a + b$ exactly.

    Source: Knuth, *The Art of Computer Programming*, vol. 2, section 4.2.2, theorem B.

    >>> [float(v) for v in two_sum(np.float64(1.0), np.float64(1e-20))]
    [1.0, 1e-20]
    """
    s = a + b
    v = s - a
    return s, (a - (s - v)) + (b - v)


def split(x: Array) -> tuple[Array, Array]:
    r"""Return $h + l = x$ (float64) with 26 bits each, by Veltkamp's splitting; $|x| < 2^{996}$."""
    c = 134217729.0 * x  # 2**27 + 1
    h = c - (c - x)
    return h, x - h


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    r"""Return $p = \mathrm{RN}(a b)$ and the error $e$: $p + e = a b$ unless $e$ underflows.

    Source: Dekker, *A floating-point technique for extending the available precision* (1971).

    >>> [float(v) for v in two_product(np.float64(1 + 2**-30), np.float64(1 + 2**-30))]
    [1.0000000018626451, 8.673617379884035e-19]
    """
    p = a * b
    (ah, al), (bh, bl) = split(a), split(b)
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


def odd_sum(a: Array, b: Array) -> Array:
    r"""Return $a + b$ in float64, rounded to odd."""
    s, e = two_sum(a, b)
    bits = s.view(np.int64)
    outwards = np.where((e > 0) == (s > 0), 1, -1)
    return np.where((e != 0) & (bits & 1 == 0), bits + outwards, bits).view(np.float64)


def fma(a: Array, b: ArrayLike, c: ArrayLike) -> Array:
    r"""Return $\mathrm{RN}(a b + c)$ in the dtype of `a`, to which `b` and `c` are rounded first.

    Float32: the product has 48 bits, exact in float64; the sum is rounded to odd there, then to
    float32. Float64: with $(u_h, u_l) = a b$, $(t_h, t_l) = c + u_l$ and $(v_h, v_l) = u_h + t_h$
    exact pairs, $\mathrm{fma} = \mathrm{RN}(v_h + \mathrm{RO}(t_l + v_l))$, RO rounding to odd.
    Correct unless an operand reaches $2^{996}$ or the error of $a b$ underflows.

    Source: Boldo and Melquiond, *Emulation of FMA and correctly rounded sums* (2008), algorithm 5.

    **In PyTorch:** what AVX2 and AVX-512 kernels make of `a * b + c`.

    >>> x = np.array([1 + 2.0**-30])
    >>> float((x * x - 1)[0] - 2.0**-29), float(fma(x, x, -1.0)[0] - 2.0**-29) == 2.0**-60
    (0.0, True)
    """
    b, c = np.asarray(b, dtype=a.dtype), np.asarray(c, dtype=a.dtype)
    if a.dtype == np.float32:
        product = np.multiply(a, b, dtype=np.float64)
        return odd_sum(product, c.astype(np.float64)).astype(np.float32)
    uh, ul = two_product(a, b)
    th, tl = two_sum(c, ul)
    vh, vl = two_sum(uh, th)
    return np.asarray(vh + odd_sum(tl, vl))


def multiply_add(a: Array, b: ArrayLike, c: ArrayLike, *, fused: bool = True) -> Array:
    r"""Return $a b + c$ in the dtype of `a`, rounded once where `fused`, else after each operation.

    >>> x = np.array([1 + 2.0**-30])
    >>> multiply_add(x, x, -1.0) == multiply_add(x, x, -1.0, fused=False)
    array([False])
    """
    if fused:
        return fma(a, b, c)
    return np.asarray(a * np.asarray(b, dtype=a.dtype) + np.asarray(c, dtype=a.dtype))
