r"""The stream: the Mersenne Twister as PyTorch's CPU generator seeds and reads it."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
MASK_24, MASK_53 = np.uint64(2**24 - 1), np.uint64(2**53 - 1)


class Generator:
    r"""PyTorch's CPU generator: the 32-bit words of MT19937, and a normal drawn but not yet given.

    Only the low 32 bits of the seed count: $s_0 = seed \bmod 2^{32}$ and
    $s_i = 1812433253\,(s_{i-1} \oplus (s_{i-1} \gg 30)) + i \bmod 2^{32}$ fill its 624 words.

    Args:
        seed: an integer in $[-2^{63}, 2^{64})$; a negative one counts as seed + $2^{64}$.
        fused: whether the kernels to reproduce round $a b + c$ once, as PyTorch's AVX2 and AVX-512
            kernels do, or twice, as with ATEN_CPU_CAPABILITY=default.

    Raises:
        ValueError: the seed is no integer, or is out of range.

    Source: Matsumoto and Nishimura, *Mersenne Twister* (1998), with `init_genrand` of 2002.

    **In PyTorch:** `torch.Generator().manual_seed(seed)`, or `torch.manual_seed(seed)`.

    >>> Generator(5489).words(2)
    array([3499211612,  581869302], dtype=uint64)
    """

    def __init__(self, seed: int, *, fused: bool = True) -> None:
        self.bits = np.random.MT19937(0)
        np.random.RandomState(self.bits).seed(checked(seed) & 0xFFFF_FFFF)
        self.spare: float | None = None  # the second normal of a Box-Muller pair
        self.fused = fused

    def words(self, n: int) -> Array:
        r"""Return the next n words, 32 bits each, as uint64."""
        return np.asarray(self.bits.random_raw(n))

    def words64(self, n: int) -> Array:
        r"""Return the next n words of 64 bits: two words of the stream each, the first one high."""
        high, low = self.words(2 * n).reshape(n, 2).T
        return np.asarray((high << np.uint64(32)) | low)

    def uniforms(self, n: int, dtype: DTypeLike) -> Array:
        r"""Return n numbers in $[0, 1)$: $(w \bmod 2^d) / 2^d$, $d$ = 24 in float32, 53 in float64.

        >>> Generator(0).uniforms(1, "float64") * 2**53 % 1
        array([0.])
        """
        if floating(dtype) == np.float32:
            return (self.words(n) & MASK_24).astype(np.float32) * np.float32(2.0**-24)
        return (self.words64(n) & MASK_53).astype(np.float64) * 2.0**-53


def checked(seed: int) -> int:
    r"""Return the seed as a Python integer; a ValueError says why it is none of PyTorch's seeds."""
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ValueError(f"the seed is {seed!r}; give an integer")
    value = operator.index(seed)
    if not -(2**63) <= value < 2**64:
        raise ValueError(f"the seed is {value}; give an integer from -2**63 to 2**64 - 1")
    return value


def floating(dtype: DTypeLike) -> np.dtype[Any]:
    r"""Return the dtype, float32 or float64; a ValueError names any other."""
    found = np.dtype(dtype)
    if found not in (np.float32, np.float64):
        raise ValueError(f"random numbers were asked for in {found}; give float32 or float64")
    return found
