r"""The door between NumPy's columns and torch's rows: every crossing is a copy, so that no memory is shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]


def tensor(x: Array) -> Tensor:
    """Return a copy of `x` as a tensor of the same shape and dtype.

    >>> w = np.zeros(1); t = tensor(w); t += 1; w
    array([0.])
    """
    return torch.from_numpy(np.array(x))


def rows(X: Array) -> Tensor:
    """Return a copy of `X` (n, m), one example a column, as a contiguous tensor (m, n), one example a row."""
    return torch.from_numpy(np.array(X.T, order="C"))


def array(t: Tensor) -> Array:
    """Return a copy of a tensor as an array of the same shape and dtype."""
    return np.array(t.detach().numpy())


def columns(t: Tensor) -> Array:
    """Return a copy of a tensor (m, n), one example a row, as a C-ordered array (n, m)."""
    return np.array(t.detach().numpy().T, order="C")


def tensors(arrays: Mapping[str, Array]) -> dict[str, Tensor]:
    return {name: tensor(x) for name, x in arrays.items()}


def arrays(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: array(t) for name, t in tensors.items()}
