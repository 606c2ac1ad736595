r"""Permutations, the order of a shuffled epoch, and dropout masks by PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch.utils.data import DataLoader, TensorDataset

from reference.conversion import array
from reference.random.generator import as_global, empty

Array = NDArray[Any]
Shape = tuple[int, ...]


def randperm(n: int, generator: torch.Generator) -> Array:
    r"""Return `torch.randperm(n)`: a permutation of 0 ... n-1 (int64).

    >>> randperm(5, torch.Generator().manual_seed(0))
    array([4, 0, 1, 3, 2])
    """
    return array(torch.randperm(n, generator=generator))


def epoch_order(n: int, generator: torch.Generator, *, from_global: bool = False) -> Array:
    r"""Return the order in which a shuffling `DataLoader` visits n examples in its next epoch.

    >>> g = torch.Generator().manual_seed(0)
    >>> epoch_order(5, g), epoch_order(5, g)
    (array([3, 1, 0, 4, 2]), array([1, 4, 3, 2, 0]))
    """
    examples = TensorDataset(torch.arange(n))
    if from_global:
        with as_global(generator):
            ((order,),) = DataLoader(examples, batch_size=n, shuffle=True)
    else:
        ((order,),) = DataLoader(examples, batch_size=n, shuffle=True, generator=generator)
    return array(order)


def dropout_mask(
    shape: Shape, generator: torch.Generator, *, p: float, dtype: DTypeLike = np.float64
) -> Array:
    r"""Return which elements of an (m, n) tensor `torch.nn.functional.dropout` keeps: 1, else 0.

    >>> dropout_mask((4,), torch.Generator().manual_seed(0), p=0.5)
    array([0., 0., 1., 0.])
    """
    with as_global(generator):
        kept = torch.nn.functional.dropout(torch.ones_like(empty(shape, dtype)), p)
    return array((kept != 0.0).to(kept.dtype))
