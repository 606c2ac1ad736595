r"""Gradient clipping by torch.nn.utils."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import utils

Gradients = Mapping[str, Tensor]


def holders(gradients: Gradients) -> dict[str, Tensor]:
    """Return parameters whose .grad are copies of the gradients: torch clips in place."""
    held = {name: torch.zeros_like(g) for name, g in gradients.items()}
    for name, g in gradients.items():
        held[name].grad = g.detach().clone()
    return held


def clipped(held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: p.grad for name, p in held.items() if p.grad is not None}


def clip_by_norm(
    gradients: Gradients, *, max_norm: float, error_if_nonfinite: bool = False
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return {norm} and the gradients after torch.nn.utils.clip_grad_norm_.

    >>> clip_by_norm({"W1": torch.tensor([3.0, 4.0])}, max_norm=1.0)[0]["norm"]
    tensor(5.)
    """
    held = holders(gradients)
    norm = utils.clip_grad_norm_(
        held.values(), max_norm, error_if_nonfinite=error_if_nonfinite, foreach=False
    )
    return {"norm": norm}, clipped(held)


def clip_by_value(
    gradients: Gradients, *, clip_value: float
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return {} and the gradients after torch.nn.utils.clip_grad_value_.

    >>> clip_by_value({"W1": torch.tensor([-3.0, 0.5])}, clip_value=1.0)[1]["W1"]
    tensor([-1.0000,  0.5000])
    """
    held = holders(gradients)
    utils.clip_grad_value_(list(held.values()), clip_value, foreach=False)
    return {}, clipped(held)
