r"""GELU, exact and by tanh, by torch.nn.functional and autograd; any layout."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor

from reference.autograd import differentiate

Backward = Callable[[Tensor], Tensor]


def gelu(Z: Tensor) -> tuple[Tensor, Backward]:
    """Return F.gelu(Z), by erf, and the function dA -> dZ.

    >>> import torch
    >>> gelu(torch.tensor([-1.0]))[0]
    tensor([-0.1587])
    """
    return differentiate(F.gelu, Z)


def gelu_tanh(Z: Tensor) -> tuple[Tensor, Backward]:
    """Return F.gelu(Z, approximate="tanh") and the function dA -> dZ.

    >>> import torch
    >>> gelu_tanh(torch.tensor([-1.0]))[0]
    tensor([-0.1588])
    """
    return differentiate(partial(F.gelu, approximate="tanh"), Z)
