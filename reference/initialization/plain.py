r"""Constants, plain distributions, sparse and orthogonal weights by torch.nn.init."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch.nn import init

from reference.conversion import array
from reference.random.generator import as_global, empty

Array = NDArray[Any]
Shape = tuple[int, ...]


def zeros(shape: Shape, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return `torch.nn.init.zeros_(tensor)`.

    >>> zeros((2,))
    array([0., 0.])
    """
    return array(init.zeros_(empty(shape, dtype)))


def ones(shape: Shape, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return `torch.nn.init.ones_(tensor)`.

    >>> ones((2,))
    array([1., 1.])
    """
    return array(init.ones_(empty(shape, dtype)))


def constant(shape: Shape, value: float, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return `torch.nn.init.constant_(tensor, value)`.

    >>> constant((2,), 0.1)
    array([0.1, 0.1])
    """
    return array(init.constant_(empty(shape, dtype), value))


def eye(shape: Shape, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return `torch.nn.init.eye_(tensor)`.

    >>> eye((1, 2))
    array([[1., 0.]])
    """
    return array(init.eye_(empty(shape, dtype)))


def uniform(
    shape: Shape,
    generator: torch.Generator,
    *,
    a: float = 0.0,
    b: float = 1.0,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return `torch.nn.init.uniform_(tensor, a, b)`.

    >>> uniform((1,), torch.Generator(), a=2.0, b=2.0)
    array([2.])
    """
    return array(init.uniform_(empty(shape, dtype), a, b, generator=generator))


def orthogonal(
    shape: Shape, generator: torch.Generator, *, gain: float = 1.0, dtype: DTypeLike = np.float64
) -> Array:
    r"""Return `torch.nn.init.orthogonal_(tensor, gain)`.

    >>> W = orthogonal((1, 3), torch.Generator(), gain=2.0)
    >>> np.round(W @ W.T, 12)
    array([[4.]])
    """
    return array(init.orthogonal_(empty(shape, dtype), gain, generator=generator))


def sparse(
    shape: Shape,
    generator: torch.Generator,
    *,
    sparsity: float,
    std: float = 0.01,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return `torch.nn.init.sparse_(tensor, sparsity, std)` with `generator` as the global one.

    >>> sparse((2, 3), torch.Generator(), sparsity=0.5).astype(bool).sum(axis=0)
    array([1, 1, 1])
    """
    with as_global(generator):
        return array(init.sparse_(empty(shape, dtype), sparsity, std))
