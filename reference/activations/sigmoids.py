r"""Sigmoid, tanh, SiLU and softplus by torch and autograd; any layout."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from reference.autograd import differentiate

Backward = Callable[[Tensor], Tensor]


def sigmoid(Z: Tensor) -> tuple[Tensor, Backward]:
    """Return torch.sigmoid(Z) and the function dA -> dZ.

    >>> A, backward = sigmoid(torch.tensor([0.0]))
    >>> A, backward(torch.tensor([8.0]))
    (tensor([0.5000]), tensor([2.]))
    """
    return differentiate(torch.sigmoid, Z)


def tanh(Z: Tensor) -> tuple[Tensor, Backward]:
    """Return torch.tanh(Z) and the function dA -> dZ.

    >>> tanh(torch.tensor([0.0, 1000.0]))[1](torch.tensor([3.0, 3.0]))
    tensor([3., 0.])
    """
    return differentiate(torch.tanh, Z)


def silu(Z: Tensor) -> tuple[Tensor, Backward]:
    """Return F.silu(Z) and the function dA -> dZ.

    >>> silu(torch.tensor([0.0]))[1](torch.tensor([2.0]))
    tensor([1.])
    """
    return differentiate(F.silu, Z)


def softplus(Z: Tensor, *, beta: float = 1.0, threshold: float = 20.0) -> tuple[Tensor, Backward]:
    """Return F.softplus(Z) and the function dA -> dZ.

    >>> softplus(torch.tensor([0.0, 1000.0]))[1](torch.tensor([2.0, 2.0]))
    tensor([1., 2.])
    """
    return differentiate(partial(F.softplus, beta=beta, threshold=threshold), Z)
