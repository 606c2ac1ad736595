r"""Cross entropy by torch.nn.functional and autograd; one example a row."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from reference.autograd import differentiate_loss

Backward = Callable[..., Tensor]


def cross_entropy(A: Tensor, Y: Tensor) -> tuple[Tensor, Backward]:
    """Return F.cross_entropy(A, Y) and the function dL -> dA; logits A, probabilities Y (m, n_y).

    >>> L, backward = cross_entropy(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
    >>> L, backward()
    (tensor(0.6931), tensor([[-0.5000,  0.5000]]))
    """
    return differentiate_loss(lambda a: F.cross_entropy(a, Y), A)


def cross_entropy_on_probabilities(A: Tensor, Y: Tensor) -> tuple[Tensor, Backward]:
    """Return the mean of -log a of the true classes and the function dL -> dA; one-hot Y (m, n_y).

    F.nll_loss(log A, classes) has the same value, but 0 / 0 in the gradient of another class at 0.

    >>> A, Y = torch.tensor([[0.25, 0.75]]), torch.tensor([[1.0, 0.0]])
    >>> L, backward = cross_entropy_on_probabilities(A, Y)
    >>> L, backward()
    (tensor(1.3863), tensor([[-4.,  0.]]))
    """
    classes = Y.argmax(dim=1, keepdim=True)
    return differentiate_loss(lambda a: -torch.log(a.gather(1, classes)).mean(), A)
