r"""Losses that grow like the absolute error, so that outliers weigh less: L1, Huber, smooth L1.

All three are one formula. With $r = a - y$ and $c = \min(|r|, \delta)$,

$$h_\delta(r) = c\,(|r| - \tfrac12 c) = \begin{cases} \tfrac12 r^2 & |r| \le \delta \\
  \delta (|r| - \tfrac12 \delta) & |r| > \delta \end{cases}, \qquad
  h_\delta'(r) = \mathrm{clip}(r, -\delta, \delta).$$
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual.losses.operands import agree

Array = NDArray[Any]
Backward = Callable[..., Array]


def l1(A: Array, Y: Array) -> tuple[Array, Backward]:
    r"""Return $L = \frac1N \sum_{ij} |a_{ij} - y_{ij}|$, the mean absolute error, and dL -> dA.

    Derivation. One element: $|r|$ has slope $\mathrm{sign}(r)$, and none at $r = 0$, where 0 is
    taken. All: $dA = \frac1N \mathrm{sign}(A - Y)$, the same size whether the error is large or
    small.

    **In PyTorch:** `torch.nn.functional.l1_loss`, with 0 at $r = 0$. Where $r$ is NaN torch's
    gradient is 0 (measured on PyTorch 2.13); here it is NaN.

    >>> L, backward = l1(np.array([[1.0, 4.0]]), np.array([[1.0, 7.0]]))
    >>> L, backward()
    (array(1.5), array([[ 0. , -0.5]]))
    """
    agree(A, Y)
    R = A - Y

    def backward(dL: float = 1.0) -> Array:
        return np.asarray(np.sign(R) * (float(dL) / R.size))

    return np.asarray(np.abs(R).sum() / R.size), backward


def huber(A: Array, Y: Array, *, delta: float = 1.0) -> tuple[Array, Backward]:
    r"""Return $L = \frac1N \sum_{ij} h_\delta(a_{ij} - y_{ij})$ and the function dL -> dA.

    Derivation. For $|r| < \delta$ the slope of $\tfrac12 r^2$ is $r$; beyond, that of
    $\delta (|r| - \tfrac12 \delta)$ is $\delta\,\mathrm{sign}(r)$. Value and slope meet at
    $|r| = \delta$: no kink. Both cases at once are $\mathrm{clip}(r, -\delta, \delta)$, so
    $dA = \frac1N \mathrm{clip}(A - Y, -\delta, \delta)$: the gradient of half the squared error,
    clipped by value.

    **In PyTorch:** `torch.nn.functional.huber_loss`.

    Raises ValueError unless delta is positive.

    Source: Huber, *Robust estimation of a location parameter*, Annals of Mathematical Statistics
    35 (1964).

    >>> L, backward = huber(np.array([[1.0, 9.0]]), np.array([[0.0, 0.0]]), delta=2.0)
    >>> L, backward()
    (array(8.25), array([[0.5, 1. ]]))
    """
    if not delta > 0.0:
        raise ValueError(f"huber got delta = {delta}; it must be above 0")
    agree(A, Y)
    return clipped_error(A, Y, float(delta), 1.0)


def smooth_l1(A: Array, Y: Array, *, beta: float = 1.0) -> tuple[Array, Backward]:
    r"""Return $L = \frac1N \sum_{ij} h_\beta(a_{ij} - y_{ij}) / \beta$ and the function dL -> dA.

    Derivation. It is `huber` with $\delta = \beta$, divided by $\beta$: slope 1 far out, whatever
    $\beta$ is. $dA = \frac1N \mathrm{clip}((A - Y) / \beta, -1, 1)$. As $\beta \to 0$ it becomes
    `l1`, which it is at $\beta = 0$.

    **In PyTorch:** `torch.nn.functional.smooth_l1_loss`; beta = 1 is huber with delta = 1.

    Raises ValueError if beta is negative.

    Source: Girshick, *Fast R-CNN*, ICCV 2015, equation 3.

    >>> L, backward = smooth_l1(np.array([[1.0, 9.0]]), np.array([[0.0, 0.0]]), beta=2.0)
    >>> L, backward()
    (array(4.125), array([[0.25, 0.5 ]]))
    """
    if not beta >= 0.0:
        raise ValueError(f"smooth_l1 got beta = {beta}; it must be 0 or above")
    if beta == 0.0:
        return l1(A, Y)
    agree(A, Y)
    return clipped_error(A, Y, float(beta), float(beta))


def clipped_error(A: Array, Y: Array, delta: float, divisor: float) -> tuple[Array, Backward]:
    r"""Return the mean of $h_\delta(A - Y) / divisor$, and its backward.

    >>> clipped_error(np.array([[6.0]]), np.array([[0.0]]), 2.0, 5.0)[0]
    array(2.)
    """
    R = A - Y
    size = np.abs(R)
    c = np.minimum(size, delta)

    def backward(dL: float = 1.0) -> Array:
        return np.asarray(np.clip(R, -delta, delta) / divisor * (float(dL) / R.size))

    return np.asarray((c * (size - 0.5 * c) / divisor).sum() / R.size), backward
