r"""Weights scaled by the fans, after Xavier Glorot and Kaiming He, and a linear layer's default.

Derivation for all of them. Let $z_i = \sum_k W_{ik} a_k$ with independent weights of mean 0. Then

- forward, $Var(z) = n_{in} Var(W) E[a^2]$: a sum of $n_{in}$ terms;
- backward, $da_k = \sum_i W_{ik} dz_i$, so $Var(da) = n_{out} Var(W) Var(dz)$: a sum of $n_{out}$.

L layers multiply the variance by the product of their factors: below 1 it vanishes, above 1 it
explodes, both exponentially in L. The schemes make a factor 1. A uniform distribution on
$[-c, c)$ has the variance $\int_{-c}^{c} x^2 / 2c \, dx = c^2 / 3$: $c = \sqrt 3 \, std$.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from manual.initialization.gains import calculate_gain, fan, fans
from manual.initialization.plain import uniform
from manual.random import Generator, normal

Array = NDArray[Any]
Shape = tuple[int, ...]


def xavier_std(shape: Shape, gain: float) -> float:
    r"""Return $gain \sqrt{2 / (n_{in} + n_{out})}$."""
    return gain * math.sqrt(2.0 / float(sum(fans(shape))))


def xavier_uniform(
    shape: Shape, generator: Generator, *, gain: float = 1.0, dtype: DTypeLike = np.float64
) -> Array:
    r"""Return weights uniform on $[-c, c)$, $c = \sqrt 3 \, std$, std as in `xavier_normal`.

    Raises:
        ValueError: the shape is not that of a matrix.

    Source: Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural
    networks* (2010), equation 16: $c = \sqrt{6 / (n_{in} + n_{out})}$ for a gain of 1.

    **In PyTorch:** `torch.nn.init.xavier_uniform_(tensor, gain, generator)`.

    >>> bool(np.abs(xavier_uniform((2, 4), Generator(0))).max() <= 1.0)
    True
    """
    c = math.sqrt(3.0) * xavier_std(shape, gain)
    return uniform(shape, generator, a=-c, b=c, dtype=dtype)


def xavier_normal(
    shape: Shape, generator: Generator, *, gain: float = 1.0, dtype: DTypeLike = np.float64
) -> Array:
    r"""Return normal weights $(n_{out}, n_{in})$ with $std = gain \sqrt{2 / (n_{in} + n_{out})}$.

    Derivation. Near 0 a symmetric activation is linear, $E[a^2] = Var(z)$. The forward pass asks
    for $n_{in} Var(W) = 1$, the backward pass for $n_{out} Var(W) = 1$; unless the layer is
    square only their mean can hold: $\frac{n_{in} + n_{out}}{2} Var(W) = 1$.

    Raises:
        ValueError: the shape is not that of a matrix.

    Source: Glorot and Bengio (2010), equation 12.

    **In PyTorch:** `torch.nn.init.xavier_normal_(tensor, gain, generator)`.

    >>> round(float(xavier_normal((300, 200), Generator(0)).var() * (300 + 200) / 2), 1)
    1.0
    """
    return normal(shape, generator, std=xavier_std(shape, gain), dtype=dtype)


def kaiming_std(shape: Shape, a: float, mode: str, nonlinearity: str) -> float:
    r"""Return $gain / \sqrt{fan}$."""
    return calculate_gain(nonlinearity, param=a) / math.sqrt(fan(shape, mode))


def kaiming_uniform(
    shape: Shape,
    generator: Generator,
    *,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return weights uniform on $[-c, c)$, $c = \sqrt 3 \, std$, std as in `kaiming_normal`.

    Arguments and errors are those of `kaiming_normal`.

    **In PyTorch:** `torch.nn.init.kaiming_uniform_(tensor, a, mode, nonlinearity, generator)`.

    >>> bool(np.abs(kaiming_uniform((2, 6), Generator(0))).max() <= 1.0)
    True
    """
    c = math.sqrt(3.0) * kaiming_std(shape, a, mode, nonlinearity)
    return uniform(shape, generator, a=-c, b=c, dtype=dtype)


def kaiming_normal(
    shape: Shape,
    generator: Generator,
    *,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return normal weights $(n_{out}, n_{in})$ with He's $std = gain / \sqrt{fan}$.

    Derivation. For z symmetric about 0, ReLU halves the mean square, $E[a^2] = Var(z) / 2$, and
    its slope is 1 for half of the units: $\frac12 n_{in} Var(W) = 1$ keeps the scale of the
    forward pass, $\frac12 n_{out} Var(W) = 1$ that of the backward pass; in general
    $fan \cdot Var(W) = gain^2$. Either suffices: the factors of the other pass, $n_l / n_{l-1}$ or
    their inverses, cancel to $n_L / n_0$ or its inverse, however many layers there are.

    Args:
        a: the negative slope, with leaky_relu only.
        mode: fan_in to keep the forward pass, fan_out to keep the backward pass.
        nonlinearity: the activation that follows; leaky_relu with a = 0 is ReLU.

    Raises:
        ValueError: the shape is not that of a matrix, or mode or nonlinearity is unknown.

    Source: He et al., *Delving deep into rectifiers* (2015), equations 10, 14 and 15.

    **In PyTorch:** `torch.nn.init.kaiming_normal_(tensor, a, mode, nonlinearity, generator)`.

    >>> round(float(kaiming_normal((300, 200), Generator(0)).var() * 200 / 2), 1)
    1.0
    """
    std = kaiming_std(shape, a, mode, nonlinearity)
    return normal(shape, generator, std=std, dtype=dtype)


def linear_default(
    n_out: int, n_in: int, generator: Generator, *, dtype: DTypeLike = np.float64
) -> tuple[Array, Array]:
    r"""Return W $(n_{out}, n_{in})$ and b $(n_{out}, 1)$ uniform on $\pm 1 / \sqrt{n_{in}}$.

    Derivation. W is He's on $[-c, c)$ with a slope of $\sqrt 5$: $gain = \sqrt{2 / (1 + 5)}$ and
    $c = \sqrt 3 \, gain / \sqrt{n_{in}} = 1 / \sqrt{n_{in}}$, computed in that order. With
    $n_{in} Var(W) = 1/3$ each layer keeps a third of the variance, a sixth behind ReLU.

    Raises:
        ValueError: n_out or n_in is less than 1.

    **In PyTorch:** `torch.nn.Linear(n_in, n_out)`, its `reset_parameters`; there b is $(n_{out},)$.

    >>> W, b = linear_default(1, 2, Generator(0))
    >>> W, b
    (array([[0.66475533, 0.29390167]]), array([[-0.05744119]]))
    """
    W = kaiming_uniform((n_out, n_in), generator, a=math.sqrt(5), dtype=dtype)
    c = 1 / math.sqrt(n_in)
    return W, uniform((n_out, 1), generator, a=-c, b=c, dtype=dtype)
