r"""L1, Huber and smooth L1 by torch.nn.functional and autograd; any layout."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from reference.autograd import differentiate_loss

Backward = Callable[..., Tensor]


def l1(A: Tensor, Y: Tensor) -> tuple[Tensor, Backward]:
    """Return F.l1_loss(A, Y) and the function dL -> dA.

    >>> import torch
    >>> l1(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 7.0]))[1]()
    tensor([ 0.0000, -0.5000])
    """
    return differentiate_loss(lambda a: F.l1_loss(a, Y), A)


def huber(A: Tensor, Y: Tensor, *, delta: float = 1.0) -> tuple[Tensor, Backward]:
    """Return F.huber_loss(A, Y) and the function dL -> dA.

    >>> import torch
    >>> huber(torch.tensor([1.0, 9.0]), torch.tensor([0.0, 0.0]), delta=2.0)[1]()
    tensor([0.5000, 1.0000])
    """
    return differentiate_loss(lambda a: F.huber_loss(a, Y, delta=delta), A)


def smooth_l1(A: Tensor, Y: Tensor, *, beta: float = 1.0) -> tuple[Tensor, Backward]:
    """Return F.smooth_l1_loss(A, Y) and the function dL -> dA.

    >>> import torch
    >>> smooth_l1(torch.tensor([1.0, 9.0]), torch.tensor([0.0, 0.0]), beta=2.0)[1]()
    tensor([0.2500, 0.5000])
    """
    return differentiate_loss(lambda a: F.smooth_l1_loss(a, Y, beta=beta), A)
