r"""Normal and truncated normal numbers by PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from reference.conversion import array
from reference.random.generator import empty

Array = NDArray[Any]
Shape = tuple[int, ...]


def randn(shape: Shape, generator: torch.Generator, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return `torch.randn(shape)`: standard normal numbers.

    >>> randn((2,), torch.Generator().manual_seed(0))
    array([ 1.54099611, -0.29342891])
    """
    return array(torch.randn(shape, generator=generator, dtype=empty((), dtype).dtype))


def normal(
    shape: Shape,
    generator: torch.Generator,
    *,
    mean: float = 0.0,
    std: float = 1.0,
    dtype: DTypeLike = np.float64,
    contiguous: bool = True,
) -> Array:
    r"""Return `tensor.normal_(mean, std)`; unless `contiguous`, of a tensor with gaps.

    >>> normal((2,), torch.Generator().manual_seed(0), mean=10.0, std=0.0)
    array([10., 10.])
    """
    x = empty(shape, dtype) if contiguous else empty((*shape, 2), dtype)[..., 0]
    return array(x.normal_(mean, std, generator=generator))


def trunc_normal(
    shape: Shape,
    generator: torch.Generator,
    *,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return `torch.nn.init.trunc_normal_(tensor, mean, std, a, b)`: normals within $[a, b]$.

    >>> trunc_normal((2,), torch.Generator().manual_seed(0), a=-1.0, b=0.0)
    array([-0.71925758, -0.29342891])
    """
    x = empty(shape, dtype)
    return array(torch.nn.init.trunc_normal_(x, mean, std, a, b, generator=generator))
