r"""The door between NumPy's columns and torch's rows: every crossing is a copy, so that no memory is shared.

Behind it torch computes where `placed` says, on a device and in a type; at home that is the CPU, in
the type of the arrays. Scalars (counts, step numbers) stay at home, where torch.optim keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]
Place = tuple[torch.device, torch.dtype]
WIDE = 128  # units from which torch turns a matrix faster than NumPy
PLACE: ContextVar[Place | None] = ContextVar("PLACE", default=None)


@contextmanager
def placed(device: str, dtype: torch.dtype) -> Iterator[None]:
    """Let torch compute on `device` in `dtype` for the time being.

    >>> with placed("cpu", torch.bfloat16):
    ...     tensor(np.ones((1, 1))).dtype
    torch.bfloat16
    """
    token = PLACE.set((torch.device(device), dtype))
    try:
        yield
    finally:
        PLACE.reset(token)


def moved(t: Tensor) -> Tensor:
    place = PLACE.get()
    if place is None or not t.ndim:
        return t
    device, dtype = place
    return t.to(device, dtype if t.is_floating_point() else None)


def tensor(x: Array) -> Tensor:
    """Return a copy of `x` as a tensor of the same shape and dtype.

    >>> w = np.zeros(1); t = tensor(w); t += 1; w
    array([0.])
    """
    return moved(torch.from_numpy(np.array(x)))


def rows(X: Array) -> Tensor:
    """Return a copy of `X` (n, m), one example a column, as a contiguous tensor (m, n), one example a row.

    So are stacks of them along a leading axis, here and in `columns`.
    """
    return moved(torch.from_numpy(np.array(X.mT, order="C")))


def home(t: Tensor) -> Tensor:
    """Return a tensor where NumPy can read it: on the CPU, bfloat16 as float32."""
    t = t.detach()
    if PLACE.get() is not None:
        t = t.cpu()
    return t.float() if t.dtype is torch.bfloat16 else t


def array(t: Tensor) -> Array:
    """Return a copy of a tensor as an array of the same shape and dtype."""
    return np.array(home(t).numpy())


def columns(t: Tensor) -> Array:
    """Return a copy of a tensor (m, n), one example a row, as a C-ordered array (n, m)."""
    if t.shape[-1] < WIDE:
        return np.array(home(t).numpy().mT, order="C")
    return home(t).mT.clone(memory_format=torch.contiguous_format).numpy()  # in blocks


def tensors(arrays: Mapping[str, Array]) -> dict[str, Tensor]:
    return {name: tensor(x) for name, x in arrays.items()}


def arrays(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: array(t) for name, t in tensors.items()}
