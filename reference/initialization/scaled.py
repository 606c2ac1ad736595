r"""Xavier's and He's weights by torch.nn.init, and the default of torch.nn.Linear."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch.nn import init

from reference.conversion import array
from reference.random.generator import as_global, empty

Array = NDArray[Any]
Shape = tuple[int, ...]


def xavier_uniform(
    shape: Shape, generator: torch.Generator, *, gain: float = 1.0, dtype: DTypeLike = np.float64
) -> Array:
    r"""Return `torch.nn.init.xavier_uniform_(tensor, gain)`.

    >>> xavier_uniform((2, 4), torch.Generator()).shape
    (2, 4)
    """
    return array(init.xavier_uniform_(empty(shape, dtype), gain, generator=generator))


def xavier_normal(
    shape: Shape, generator: torch.Generator, *, gain: float = 1.0, dtype: DTypeLike = np.float64
) -> Array:
    r"""Return `torch.nn.init.xavier_normal_(tensor, gain)`.

    >>> xavier_normal((2, 4), torch.Generator()).shape
    (2, 4)
    """
    return array(init.xavier_normal_(empty(shape, dtype), gain, generator=generator))


def kaiming_uniform(
    shape: Shape,
    generator: torch.Generator,
    *,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return `torch.nn.init.kaiming_uniform_(tensor, a, mode, nonlinearity)`.

    >>> kaiming_uniform((2, 4), torch.Generator()).shape
    (2, 4)
    """
    draw = cast(Any, init.kaiming_uniform_)
    return array(draw(empty(shape, dtype), a, mode, nonlinearity, generator))


def kaiming_normal(
    shape: Shape,
    generator: torch.Generator,
    *,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return `torch.nn.init.kaiming_normal_(tensor, a, mode, nonlinearity)`.

    >>> kaiming_normal((2, 4), torch.Generator()).shape
    (2, 4)
    """
    draw = cast(Any, init.kaiming_normal_)
    return array(draw(empty(shape, dtype), a, mode, nonlinearity, generator))


def linear_default(
    n_out: int, n_in: int, generator: torch.Generator, *, dtype: DTypeLike = np.float64
) -> tuple[Array, Array]:
    r"""Return weight and bias of a new `torch.nn.Linear(n_in, n_out)`; the bias as (n_out, 1).

    >>> linear_default(1, 2, torch.Generator().manual_seed(0))
    (array([[0.66475533, 0.29390167]]), array([[-0.05744119]]))
    """
    with as_global(generator):
        layer = torch.nn.Linear(n_in, n_out, dtype=empty((), dtype).dtype)
    return array(layer.weight), array(layer.bias)[:, None]
