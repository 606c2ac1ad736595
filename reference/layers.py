r"""The linear layer and dropout by torch.nn.functional and autograd; one example a row."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def linear(
    W: Tensor, A: Tensor, b: Tensor | None, *, input_gradient: bool = True
) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor | None, ...]]]:
    """Return Z = A W^T + b and the function that takes dZ to (dW, db, dA); W (n, k), A (m, k), b (n, 1).

    >>> Z, _ = linear(torch.ones(1, 2), torch.ones(3, 2), torch.ones(1, 1))
    >>> Z.T
    tensor([[3., 3., 3.]])
    """
    Z = F.linear(A, W, None if b is None else b[:, 0])

    def backward(dZ: Tensor) -> tuple[Tensor | None, ...]:
        operands = [x.detach().clone().requires_grad_() for x in (W, A, b) if x is not None]
        out, _ = linear(operands[0], operands[1], operands[2] if b is not None else None)
        dW, dA, *db = torch.autograd.grad(out, operands, dZ)
        return dW, db[0] if db else None, dA if input_gradient else None

    return Z, backward


def dropout(A: Tensor, mask: Tensor, *, p: float) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return D = A mask / (1 - p) and the function that takes dD to dA, for a mask that torch has drawn.

    >>> dropout(torch.ones(1, 2), torch.tensor([[0.0, 1.0]]), p=0.5)[0]
    tensor([[0., 2.]])
    """
    scale = mask / (1.0 - p) if p < 1.0 else torch.zeros_like(mask)
    return A * scale, lambda dD: dD * scale
