r"""Uniform, Bernoulli and integer numbers, drawn as PyTorch draws them.

In every function `shape` is that of the result, filled in row-major order, `generator` is
advanced exactly as far as PyTorch's is, and `dtype` is float64 unless given (PyTorch: float32).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from manual.random.generator import Generator, floating
from manual.random.rounding import WIDEST, multiply_add

Array = NDArray[Any]
Shape = tuple[int, ...]


def rand(shape: Shape, generator: Generator, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return numbers uniform on $[0, 1)$: multiples of $2^{-24}$ in float32, $2^{-53}$ in float64.

    **In PyTorch:** `torch.rand(shape, generator=generator)`.

    >>> rand((2,), Generator(0))
    array([0.970053  , 0.70781986])
    """
    return generator.uniforms(math.prod(shape), dtype).reshape(shape)


def uniform(
    shape: Shape,
    generator: Generator,
    *,
    low: float = 0.0,
    high: float = 1.0,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return numbers uniform on $[low, high)$: $u (high - low) + low$, fused if the kernels fuse.

    Where rounding reaches `high`, `low` stands instead, so that the interval stays half open.

    Raises:
        ValueError: high < low, or high - low is not finite in the dtype, or not below $2^{996}$.

    **In PyTorch:** `tensor.uniform_(low, high, generator=generator)`.

    >>> uniform((2,), Generator(0), low=-1.0, high=1.0)
    array([0.940106  , 0.41563973])
    """
    kind = floating(dtype).type
    with np.errstate(over="ignore", invalid="ignore"):
        a, b = kind(low), kind(high)
        width = b - a
    if not 0 <= float(width) < WIDEST:
        raise ValueError(
            f"uniform on [{low}, {high}): give low <= high, both finite in {kind.__name__}"
        )
    x = multiply_add(rand(shape, generator, dtype=dtype), width, a, fused=generator.fused)
    return np.where(x == b, a, x)


def bernoulli(
    shape: Shape, generator: Generator, *, p: float, dtype: DTypeLike = np.float64
) -> Array:
    r"""Return 1 with probability p, else 0: 1 where $u < p$, with 53 bits of $u$ in either dtype.

    Raises:
        ValueError: p is not in [0, 1].

    **In PyTorch:** `tensor.bernoulli_(p, generator=generator)`.

    >>> bernoulli((4,), Generator(0), p=0.5)
    array([0., 0., 1., 0.])
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"a Bernoulli distribution has p = {p}; give a probability in [0, 1]")
    kind = floating(dtype)
    draws = generator.uniforms(math.prod(shape), np.float64) < p
    return draws.reshape(shape).astype(kind)


def randint(shape: Shape, generator: Generator, *, low: int = 0, high: int) -> Array:
    r"""Return int64 integers in $[low, high)$: $w \bmod (high - low) + low$ for a word w.

    The word has 32 bits below a range of $2^{28}$ and 64 from there on, which keeps the excess
    probability of the low remainders under one part in 16.

    Raises:
        ValueError: low >= high, or either is outside of int64.

    **In PyTorch:** `torch.randint(low, high, shape, generator=generator)`.

    >>> randint((4,), Generator(0), high=10)
    array([4, 9, 3, 0])
    """
    if not -(2**63) <= low < high < 2**63:
        raise ValueError(f"integers in [{low}, {high}): give low < high, both in int64")
    n, width = math.prod(shape), high - low
    words = generator.words(n) if width < 2**28 else generator.words64(n)
    return ((words % np.uint64(width)).astype(np.int64) + np.int64(low)).reshape(shape)
