r"""Initial weights by torch.nn, under the names and signatures of `manual.initialization`.

Every function returns NumPy arrays, copies of what PyTorch drew; a bias is (n_out, 1).
"""

from reference.initialization.gains import calculate_gain
from reference.initialization.networks import initialize
from reference.initialization.plain import constant, eye, ones, orthogonal, sparse, uniform, zeros
from reference.initialization.scaled import (
    kaiming_normal,
    kaiming_uniform,
    linear_default,
    xavier_normal,
    xavier_uniform,
)
from reference.random import normal, trunc_normal

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
