r"""Batch normalisation by torch.nn.BatchNorm1d and torch.nn.functional; one example a row."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def vector(x: Tensor | None) -> Tensor | None:
    """Return (n, 1) as torch's (n,)."""
    return None if x is None else x[:, 0]


def batch_norm(
    Z: Tensor, gamma: Tensor | None, beta: Tensor | None, *, eps: float = 1e-5
) -> tuple[dict[str, Tensor], Callable[[Tensor], tuple[Tensor | None, ...]]]:
    """Return mu, var (n, 1), xhat, N (m, n) and the function dN -> (dgamma, dbeta, dZ), by autograd.

    >>> out, _ = batch_norm(torch.tensor([[1.0], [3.0]]), None, None)
    >>> out["N"].round(decimals=3)
    tensor([[-1.],
            [ 1.]])
    """
    N = F.batch_norm(Z, None, None, vector(gamma), vector(beta), training=True, eps=eps)
    mu, var = statistics(Z)
    with torch.no_grad():
        xhat = F.batch_norm(Z, None, None, training=True, eps=eps)

    def backward(dN: Tensor) -> tuple[Tensor | None, ...]:
        operands = [x.detach().clone().requires_grad_() for x in (Z, gamma, beta) if x is not None]
        affine = operands[1:] if gamma is not None else [None, None]
        out, _ = batch_norm(operands[0], affine[0], affine[1], eps=eps)
        dZ, *rest = torch.autograd.grad(out["N"], operands, dN)
        dgamma, dbeta = rest or (None, None)
        return dgamma, dbeta, dZ

    return {"mu": mu, "var": var, "xhat": xhat, "N": N}, backward


def statistics(Z: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance of each unit over the batch Z (m, n), both (n, 1).

    >>> statistics(torch.tensor([[1.0], [3.0]]))
    (tensor([[2.]]), tensor([[1.]]))
    """
    with torch.no_grad():
        var, mu = torch.var_mean(Z, dim=0, correction=0)
    return mu[:, None], var[:, None]


def batch_norm_evaluation(
    Z: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    eps: float = 1e-5,
) -> Tensor:
    """Return the batch norm of Z (m, n) by the running statistics (n, 1).

    >>> one = torch.ones(1, 1)
    >>> batch_norm_evaluation(torch.tensor([[3.0]]), one, one, one, 4 * one, eps=0.0)
    tensor([[2.]])
    """
    statistics = running_mean[:, 0], running_var[:, 0]
    return F.batch_norm(Z, *statistics, vector(gamma), vector(beta), training=False, eps=eps)


def running_statistics(
    before: dict[str, Tensor], Z: Tensor, *, momentum: float | None = 0.1
) -> dict[str, Tensor]:
    """Return the buffers that torch.nn.BatchNorm1d arrives at after the batch Z (m, n).

    >>> before = {"running_mean": torch.zeros(1, 1), "running_var": torch.ones(1, 1),
    ...           "batches": torch.tensor(0)}
    >>> running_statistics(before, torch.tensor([[0.0], [2.0]]))["running_var"]
    tensor([[1.1000]])
    """
    module = nn.BatchNorm1d(Z.shape[1], momentum=momentum, affine=False, dtype=Z.dtype)
    module.running_mean = before["running_mean"][:, 0].clone()
    module.running_var = before["running_var"][:, 0].clone()
    module.num_batches_tracked = before["batches"].clone()
    with torch.no_grad():
        module(Z)
    return {
        "running_mean": module.running_mean[:, None],
        "running_var": module.running_var[:, None],
        "batches": module.num_batches_tracked,
    }
