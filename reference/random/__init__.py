r"""PyTorch's random numbers as NumPy arrays, under the names and signatures of `manual.random`.

>>> import torch
>>> rand((2,), torch.Generator().manual_seed(0), dtype="float32")
array([0.4962566, 0.7682218], dtype=float32)
"""

from reference.random.generator import Generator
from reference.random.normals import normal, randn, trunc_normal
from reference.random.sampling import dropout_mask, epoch_order, randperm
from reference.random.uniforms import bernoulli, rand, randint, uniform

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
