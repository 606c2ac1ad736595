r"""Binary cross entropy by torch.nn.functional and autograd; any layout."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from reference.autograd import differentiate_loss

Backward = Callable[..., Tensor]


def bce(A: Tensor, Y: Tensor) -> tuple[Tensor, Backward]:
    """Return F.binary_cross_entropy(A, Y) and the function dL -> dA.

    NaN in A, which torch refuses, gives NaN: it is for the caller to see where a run blew up.

    >>> import torch
    >>> L, backward = bce(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))
    >>> L, backward()
    (tensor(0.6931), tensor([-1.,  1.]))
    """
    known = ~A.detach().isnan()
    if known.all():
        return differentiate_loss(lambda a: F.binary_cross_entropy(a, Y), A)

    def poisoned(a: Tensor) -> Tensor:
        loss = F.binary_cross_entropy(a.where(known, 0.5), Y, reduction="none")
        return loss.where(known, a * a).mean()

    return differentiate_loss(poisoned, A)


def bce_with_logits(A: Tensor, Y: Tensor) -> tuple[Tensor, Backward]:
    """Return F.binary_cross_entropy_with_logits(A, Y) and the function dL -> dA.

    >>> import torch
    >>> L, backward = bce_with_logits(torch.tensor([0.0, 37.0]), torch.tensor([1.0, 0.0]))
    >>> L, backward()
    (tensor(18.8466), tensor([-0.2500,  0.5000]))
    """
    return differentiate_loss(lambda a: F.binary_cross_entropy_with_logits(a, Y), A)
