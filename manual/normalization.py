r"""Batch normalisation: the batch's own statistics in training, the running ones in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual.operands import enough, normalized

Array = NDArray[Any]


def batch_norm(
    Z: Array, gamma: Array | None, beta: Array | None, *, eps: float = 1e-5
) -> tuple[dict[str, Array], Callable[[Array], tuple[Array | None, ...]]]:
    r"""Normalise each unit over the batch; return mu, var, xhat, N and the function dN -> (dgamma, dbeta, dZ).

    Shapes: Z, xhat, N $(n, m)$; mu, var, gamma, beta $(n, 1)$. Without gamma and beta, N is xhat.

    $$\mu = \frac1m \sum_j z_j, \quad var = \frac1m \sum_j (z_j - \mu)^2, \quad
      xhat = \frac{z - \mu}{\sqrt{var + eps}}, \quad N = \gamma\,xhat + \beta$$

    Derivation. Let $s = \sqrt{var + eps}$ and $d = \gamma\,dN$, the gradient at xhat. An input
    $z_j$ reaches the loss through its own xhat, through $\mu$, and through $var$:
    $\partial \mu / \partial z_j = 1/m$ and $\partial s / \partial z_j = (z_j - \mu) / (m s) = xhat_j / m$,
    for by way of $\mu$ the variance does not change: $\partial var / \partial \mu = -\frac2m \sum_k (z_k - \mu) = 0$.
    Differentiating $xhat_k = (z_k - \mu) / s$ and summing over $k$,

    $$dZ_j = \frac1s \Big( d_j - \frac1m \sum_k d_k - xhat_j \frac1m \sum_k d_k\,xhat_k \Big).$$

    So $dZ$ sums to zero over the batch: a bias before batch norm has no gradient.
    The affine part gives $d\gamma = \sum_j dN_j\,xhat_j$ and $d\beta = \sum_j dN_j$.

    **In PyTorch:** `torch.nn.functional.batch_norm(..., training=True)`: normalises by this biased
    variance, but stores the unbiased one (see `running_statistics`).

    Raises ValueError on a batch of one example, which has no variance, and unless eps > 0, as torch
    does; for gamma or beta of another shape, or one without the other.

    Source: Ioffe and Szegedy, *Batch Normalization*, 2015.

    >>> out, backward = batch_norm(np.array([[1.0, 3.0]]), None, None)
    >>> out["N"].round(3)
    array([[-1.,  1.]])
    """
    normalized(Z, gamma, beta)
    if not eps > 0.0:
        raise ValueError(
            f"batch norm got eps = {eps}: a unit that is constant over the batch would divide by 0; give eps > 0"
        )
    mu, var = statistics(Z)
    s = np.sqrt(var + Z.dtype.type(eps))
    xhat = (Z - mu) / s
    N = xhat.copy() if gamma is None else gamma * xhat + beta

    def backward(dN: Array) -> tuple[Array | None, ...]:
        dgamma = None if gamma is None else (dN * xhat).sum(axis=1, keepdims=True)
        dbeta = None if gamma is None else dN.sum(axis=1, keepdims=True)
        d = dN if gamma is None else gamma * dN
        mean_d = d.mean(axis=1, keepdims=True)
        mean_dx = (d * xhat).mean(axis=1, keepdims=True)
        dZ = (d - mean_d - xhat * mean_dx) / s
        return dgamma, dbeta, dZ

    return {"mu": mu, "var": var, "xhat": xhat, "N": N}, backward


def statistics(Z: Array) -> tuple[Array, Array]:
    r"""Return the mean $\mu$ and the biased variance of each unit over the batch, both $(n, 1)$.

    The variance is the mean of $(z - \mu)^2$: $E[z^2] - \mu^2$ would cancel where $\mu$ is large.

    **In PyTorch:** `torch.var_mean(Z.T, dim=0, correction=0)`.

    >>> statistics(np.array([[1.0, 3.0]]))
    (array([[2.]]), array([[1.]]))
    """
    mu = Z.mean(axis=1, keepdims=True)
    centred = Z - mu
    return mu, (centred * centred).mean(axis=1, keepdims=True)


def batch_norm_evaluation(
    Z: Array,
    gamma: Array | None,
    beta: Array | None,
    running_mean: Array,
    running_var: Array,
    *,
    eps: float = 1e-5,
) -> Array:
    r"""Return $N = \gamma (z - mean) / \sqrt{var + eps} + \beta$ with the running statistics.

    Shapes: Z and N $(n, m)$, all others $(n, 1)$.

    **In PyTorch:** `torch.nn.functional.batch_norm(..., training=False)`.

    Raises ValueError for a negative eps.

    >>> one = np.ones((1, 1))
    >>> batch_norm_evaluation(np.array([[3.0]]), one, one, one, 4 * one, eps=0.0)
    array([[2.]])
    """
    if not eps >= 0.0:
        raise ValueError(f"batch norm got eps = {eps}; expected a number of 0 or more")
    xhat = (Z - running_mean) / np.sqrt(running_var + Z.dtype.type(eps))
    return np.asarray(xhat if gamma is None else gamma * xhat + beta)


def running_statistics(
    before: dict[str, Array], Z: Array, *, momentum: float | None = 0.1
) -> dict[str, Array]:
    r"""Return running_mean, running_var and batches after the batch Z.

    $$running = (1 - momentum)\,before + momentum\,new$$

    where new is $\mu$, and for the variance the unbiased $var\,m / (m - 1)$. With `momentum` None
    the average is cumulative: the factor is $1 / batches$.

    **In PyTorch:** `torch.nn.BatchNorm1d`'s buffers; its momentum is the weight of the *new* value
    (Keras' is that of the old).

    Raises ValueError on a batch of one example.

    >>> zero, one = np.zeros((1, 1)), np.ones((1, 1))
    >>> before = {"running_mean": zero, "running_var": one, "batches": np.asarray(0)}
    >>> running_statistics(before, np.array([[0.0, 2.0]]))["running_var"]
    array([[1.1]])
    """
    enough(Z)
    mu, var = statistics(Z)
    m = Z.shape[1]
    batches = before["batches"] + 1
    factor = mu.dtype.type(1.0 / float(batches) if momentum is None else momentum)
    keep = mu.dtype.type(1.0) - factor
    unbiased = var * mu.dtype.type(m / (m - 1))
    return {
        "running_mean": keep * before["running_mean"] + factor * mu,
        "running_var": keep * before["running_var"] + factor * unbiased,
        "batches": np.asarray(batches),
    }
