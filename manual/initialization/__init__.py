r"""Initial weights: the schemes of `torch.nn.init`, and whole nets from the integer seed alone.

`gains` holds fans and gains; `plain` what does not depend on them; `scaled` what Xavier and He
derived from them, and the default of a linear layer; `networks` puts layers together.
"""

from manual.initialization.gains import calculate_gain
from manual.initialization.networks import initialize
from manual.initialization.plain import constant, eye, ones, orthogonal, sparse, uniform, zeros
from manual.initialization.scaled import (
    kaiming_normal,
    kaiming_uniform,
    linear_default,
    xavier_normal,
    xavier_uniform,
)
from manual.random import normal, trunc_normal

__all__ = [
    "calculate_gain",
    "constant",
    "eye",
    "initialize",
    "kaiming_normal",
    "kaiming_uniform",
    "linear_default",
    "normal",
    "ones",
    "orthogonal",
    "sparse",
    "trunc_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
