r"""Softmax by torch.nn.functional and autograd; one example a row."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor

from reference.autograd import differentiate

Backward = Callable[[Tensor], Tensor]


def softmax(Z: Tensor) -> tuple[Tensor, Backward]:
    """Return F.softmax(Z, dim=1) and the function dA -> dZ; Z (m, n), one example a row.

    >>> import torch
    >>> A, backward = softmax(torch.tensor([[1.0, 1.0]]))
    >>> A, backward(torch.tensor([[4.0, 0.0]]))
    (tensor([[0.5000, 0.5000]]), tensor([[ 1., -1.]]))
    """
    return differentiate(partial(F.softmax, dim=1), Z)
