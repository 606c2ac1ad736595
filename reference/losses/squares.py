r"""Squared error by torch.nn.functional and autograd."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from reference.autograd import differentiate_loss

Backward = Callable[..., Tensor]


def mse(A: Tensor, Y: Tensor) -> tuple[Tensor, Backward]:
    """Return F.mse_loss(A, Y), the mean over all elements, and the function dL -> dA; any layout.

    >>> import torch
    >>> L, backward = mse(torch.tensor([[1.0, 4.0]]), torch.tensor([[0.0, 1.0]]))
    >>> L, backward()
    (tensor(5.), tensor([[1., 3.]]))
    """
    return differentiate_loss(lambda a: F.mse_loss(a, Y), A)


def mse_per_example(A: Tensor, Y: Tensor) -> tuple[Tensor, Backward]:
    """Return F.mse_loss(A, Y, reduction="sum") / m and the function dL -> dA; A, Y (m, n_y).

    >>> import torch
    >>> mse_per_example(torch.tensor([[1.0, 4.0]]), torch.tensor([[0.0, 1.0]]))[0]
    tensor(10.)
    """
    return differentiate_loss(lambda a: F.mse_loss(a, Y, reduction="sum") / len(a), A)
