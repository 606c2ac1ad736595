r"""Uniform, Bernoulli and integer numbers by PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from reference.conversion import array
from reference.random.generator import empty

Array = NDArray[Any]
Shape = tuple[int, ...]


def rand(shape: Shape, generator: torch.Generator, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return `torch.rand(shape)`: numbers uniform on $[0, 1)$.

    >>> rand((2,), torch.Generator().manual_seed(0))
    array([0.970053  , 0.70781986])
    """
    return array(torch.rand(shape, generator=generator, dtype=empty((), dtype).dtype))


def uniform(
    shape: Shape,
    generator: torch.Generator,
    *,
    low: float = 0.0,
    high: float = 1.0,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return `tensor.uniform_(low, high)`: numbers uniform on $[low, high)$.

    >>> uniform((2,), torch.Generator().manual_seed(0), low=-1.0, high=1.0)
    array([0.940106  , 0.41563973])
    """
    return array(empty(shape, dtype).uniform_(low, high, generator=generator))


def bernoulli(
    shape: Shape, generator: torch.Generator, *, p: float, dtype: DTypeLike = np.float64
) -> Array:
    r"""Return `tensor.bernoulli_(p)`: 1 with probability p, else 0.

    >>> bernoulli((4,), torch.Generator().manual_seed(0), p=0.5)
    array([0., 0., 1., 0.])
    """
    return array(empty(shape, dtype).bernoulli_(p, generator=generator))


def randint(shape: Shape, generator: torch.Generator, *, low: int = 0, high: int) -> Array:
    r"""Return `torch.randint(low, high, shape)`: int64 integers in $[low, high)$.

    >>> randint((4,), torch.Generator().manual_seed(0), high=10)
    array([4, 9, 3, 0])
    """
    return array(torch.randint(low, high, shape, generator=generator))
