r"""What a layer's weights must be scaled by: its fans, and the gain of the activation."""

from __future__ import annotations

import math

GAINS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), 1.0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1.0),
    "sigmoid": 1.0,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}


def calculate_gain(nonlinearity: str, *, param: float | None = None) -> float:
    r"""Return the gain $g$ that makes up for what the activation does to the scale of its input.

    Derivation. For $z$ symmetric about 0, ReLU keeps half of the mean square,
    $E[a^2] = E[z^2] / 2$, so that $g^2 = 2$; a leak of slope $s$ keeps $(1 + s^2) / 2$, so that
    $g^2 = 2 / (1 + s^2)$. The identity keeps all: $g = 1$. Those of tanh, 5/3, and SELU, 3/4, are
    empirical; that of sigmoid, 1, ignores its slope of 1/4.

    Args:
        nonlinearity: linear, sigmoid, tanh, relu, leaky_relu or selu (or a convolution: linear).
        param: the slope $s$ of leaky_relu, 0.01 if not given; the others ignore it.

    Raises:
        ValueError: the nonlinearity has no gain, or the slope is not a number.

    Source: He et al., *Delving deep into rectifiers* (2015), section 2.2.

    **In PyTorch:** `torch.nn.init.calculate_gain(nonlinearity, param)`.

    >>> calculate_gain("leaky_relu", param=1.0), round(calculate_gain("relu") ** 2, 12)
    (1.0, 2.0)
    """
    if nonlinearity == "leaky_relu":
        s = 0.01 if param is None else param
        if isinstance(s, bool) or not isinstance(s, int | float):
            raise ValueError(f"the slope of leaky_relu is {s!r}; give a number")
        return math.sqrt(2.0 / (1 + s**2))
    if nonlinearity not in GAINS:
        known = ", ".join(["leaky_relu", *GAINS])
        raise ValueError(f"{nonlinearity!r} has no gain; give one of {known}")
    return GAINS[nonlinearity]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    r"""Return $n_{in}$ and $n_{out}$ of a weight matrix of shape $(n_{out}, n_{in})$.

    Raises:
        ValueError: the shape is not that of a matrix with at least one row and one column.

    >>> fans((2, 3))
    (3, 2)
    """
    if len(shape) != 2 or min(shape) < 1:
        raise ValueError(f"weights of shape {shape}; give (n_out, n_in), each at least 1")
    n_out, n_in = shape
    return n_in, n_out


def fan(shape: tuple[int, ...], mode: str) -> int:
    r"""Return the fan that `mode` names.

    >>> fan((2, 3), "fan_out")
    2
    """
    found = dict(zip(("fan_in", "fan_out"), fans(shape), strict=True))
    if mode not in found:
        raise ValueError(f"the mode is {mode!r}; give 'fan_in' or 'fan_out'")
    return found[mode]
