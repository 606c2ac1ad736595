r"""Weights that do not depend on the fans: constant, uniform, orthogonal and sparse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from manual import random
from manual.initialization.gains import fans
from manual.random import Generator, normal, randperm

Array = NDArray[Any]
Shape = tuple[int, ...]


def zeros(shape: Shape, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return zeros: right for biases, wrong for weights.

    With all weights zero (or equal), in every layer, the units of a layer compute the same and
    receive the same gradient, so that they stay equal for ever; with $W_2 = 0$, $dA_1 = W_2^T dZ_2 = 0$ as well.

    **In PyTorch:** `torch.nn.init.zeros_(tensor)`.

    >>> zeros((2,))
    array([0., 0.])
    """
    return np.zeros(shape, dtype)


def ones(shape: Shape, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return ones.

    **In PyTorch:** `torch.nn.init.ones_(tensor)`.

    >>> ones((2,))
    array([1., 1.])
    """
    return np.ones(shape, dtype)


def constant(shape: Shape, value: float, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return an array filled with `value`.

    **In PyTorch:** `torch.nn.init.constant_(tensor, value)`.

    >>> constant((2,), 0.1, dtype="float32")
    array([0.1, 0.1], dtype=float32)
    """
    return np.full(shape, value, dtype)


def eye(shape: Shape, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return ones on the diagonal of a matrix, zeros elsewhere: what inputs fit pass unchanged.

    Raises:
        ValueError: the shape is not that of a matrix.

    **In PyTorch:** `torch.nn.init.eye_(tensor)`.

    >>> eye((1, 2))
    array([[1., 0.]])
    """
    n_in, n_out = fans(shape)
    return np.eye(n_out, n_in, dtype=dtype)


def uniform(
    shape: Shape,
    generator: Generator,
    *,
    a: float = 0.0,
    b: float = 1.0,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return numbers uniform on $[a, b)$; their variance is $(b - a)^2 / 12$.

    **In PyTorch:** `torch.nn.init.uniform_(tensor, a, b, generator)`.

    >>> uniform((1,), Generator(0), a=2.0, b=2.0)
    array([2.])
    """
    return random.uniform(shape, generator, low=a, high=b, dtype=dtype)


def orthogonal(
    shape: Shape, generator: Generator, *, gain: float = 1.0, dtype: DTypeLike = np.float64
) -> Array:
    r"""Return gain times Q with orthonormal rows ($n_{out} \le n_{in}$) or columns ($\ge$).

    Q of $N = Q R$, N standard normal, with the signs of R's diagonal moved into Q, is uniform
    among such matrices. Its singular values are all 1: a product of any number of square ones is
    orthogonal again and changes the length of no vector, so that in a deep linear net nothing
    vanishes and nothing explodes.

    Raises:
        ValueError: the shape is not that of a matrix.

    Source: Saxe et al., *Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks* (2013); Mezzadri, *How to generate random matrices from the classical compact
    groups* (2007).

    **In PyTorch:** `torch.nn.init.orthogonal_(tensor, gain, generator)`: of the same N, to the bit,
    but the two factorisations round differently, so that the results are close, not identical.

    >>> W = orthogonal((2, 3), Generator(0), gain=2.0)
    >>> np.round(W @ W.T, 12) + 0.0
    array([[4., 0.],
           [0., 4.]])
    """
    n_in, n_out = fans(shape)
    N = normal(shape, generator, dtype=dtype)
    Q, R = np.linalg.qr(N.T if n_out < n_in else N)
    Q = Q * np.sign(np.diag(R))
    Q = np.ascontiguousarray(Q.T if n_out < n_in else Q)
    return np.asarray(Q * N.dtype.type(gain))


def sparse(
    shape: Shape,
    generator: Generator,
    *,
    sparsity: float,
    std: float = 0.01,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return normal numbers, $\lceil sparsity \cdot n_{out} \rceil$ of each column set to 0.

    Raises:
        ValueError: the shape is not that of a matrix, or the sparsity is not in [0, 1].

    Source: Martens, *Deep learning via Hessian-free optimization* (2010).

    **In PyTorch:** `torch.nn.init.sparse_(tensor, sparsity, std)` on the global generator. A
    generator passed to it draws the normals only; the zeros stay with the global one.

    >>> sparse((2, 3), Generator(0), sparsity=0.5).astype(bool).sum(axis=0)
    array([1, 1, 1])
    """
    if not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"the sparsity is {sparsity}; give a fraction in [0, 1]")
    n_in, n_out = fans(shape)
    W = normal(shape, generator, std=std, dtype=dtype)
    for column in range(n_in):
        W[randperm(n_out, generator)[: math.ceil(sparsity * n_out)], column] = 0
    return W
