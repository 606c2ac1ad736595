r"""Identity, ReLU, leaky ReLU and ELU by torch.nn.functional and autograd; any layout."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor

from reference.autograd import differentiate

Backward = Callable[[Tensor], Tensor]


def identity(Z: Tensor) -> tuple[Tensor, Backward]:
    """Return a copy of Z, and the function dA -> dZ.

    >>> import torch
    >>> identity(torch.tensor([-1.0, 2.0]))[0]
    tensor([-1.,  2.])
    """
    return differentiate(lambda z: 1.0 * z, Z)  # clone would hand dA itself back


def relu(Z: Tensor) -> tuple[Tensor, Backward]:
    """Return F.relu(Z) and the function dA -> dZ.

    >>> import torch
    >>> A, backward = relu(torch.tensor([-1.0, 0.0, 2.0]))
    >>> A, backward(torch.tensor([5.0, 5.0, 5.0]))
    (tensor([0., 0., 2.]), tensor([0., 0., 5.]))
    """
    return differentiate(F.relu, Z)


def leaky_relu(Z: Tensor, *, negative_slope: float = 0.01) -> tuple[Tensor, Backward]:
    """Return F.leaky_relu(Z) and the function dA -> dZ.

    >>> import torch
    >>> leaky_relu(torch.tensor([-1.0, 0.0]), negative_slope=0.25)[1](torch.tensor([4.0, 4.0]))
    tensor([1., 1.])
    """
    return differentiate(partial(F.leaky_relu, negative_slope=negative_slope), Z)


def elu(Z: Tensor, *, alpha: float = 1.0) -> tuple[Tensor, Backward]:
    """Return F.elu(Z) and the function dA -> dZ.

    >>> import torch
    >>> elu(torch.tensor([0.0, 2.0]), alpha=3.0)[1](torch.tensor([1.0, 1.0]))
    tensor([3., 1.])
    """
    return differentiate(partial(F.elu, alpha=alpha), Z)
