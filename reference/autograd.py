r"""A torch function as value and backward, as `torch.func.vjp` has it, by torch.autograd.grad."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def differentiate(
    f: Callable[[Tensor], Tensor], x: Tensor
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return y = f(x), on the graph of `x`, and the function that takes dy to dx.

    Each call of that function runs f again: it may be called any number of times.

    >>> y, backward = differentiate(torch.square, torch.tensor([3.0]))
    >>> y, backward(torch.tensor([2.0]))
    (tensor([9.]), tensor([12.]))
    """

    def backward(dy: Tensor) -> Tensor:
        leaf = x.detach().requires_grad_()
        with torch.enable_grad():
            (dx,) = torch.autograd.grad(f(leaf), leaf, dy)
        return dx

    return f(x), backward


def differentiate_loss(
    f: Callable[[Tensor], Tensor], A: Tensor
) -> tuple[Tensor, Callable[..., Tensor]]:
    """Return the loss f(A), 0-d, and the function that takes dL, 1 by default, to dA.

    >>> L, backward = differentiate_loss(torch.sum, torch.tensor([3.0, 4.0]))
    >>> L, backward(), backward(0.5)
    (tensor(7.), tensor([1., 1.]), tensor([0.5000, 0.5000]))
    """
    L, pull = differentiate(f, A)

    def backward(dL: float = 1.0) -> Tensor:
        return pull(torch.full_like(L, float(dL)))

    return L, backward
