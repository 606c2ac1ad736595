r"""PyTorch's CPU random numbers from the integer seed, in NumPy: the same stream, the same bits.

`generator` is the stream, `uniforms` and `normals` turn it into numbers, `sampling` into orders and
masks; `rounding` and `elementary` redo in NumPy the two things a compiled kernel does differently:
the fused multiply-add, and the logarithm, sine and cosine.

Shown bit-identical to PyTorch 2.13.0 on Linux x86-64 with its AVX2, AVX-512 and default kernels,
in float32 and float64. One exception: 16 or more float32 normals under the *default* kernels are
at most 4 ulp off. One reservation: `trunc_normal` in a tail (see `from_uniforms`).

>>> rand((2,), Generator(0), dtype="float32")
array([0.4962566, 0.7682218], dtype=float32)
"""

from manual.random.generator import Generator
from manual.random.normals import normal, randn, trunc_normal
from manual.random.sampling import dropout_mask, epoch_order, randperm
from manual.random.uniforms import bernoulli, rand, randint, uniform

__all__ = [
    "Generator",
    "bernoulli",
    "dropout_mask",
    "epoch_order",
    "normal",
    "rand",
    "randint",
    "randn",
    "randperm",
    "trunc_normal",
    "uniform",
]
