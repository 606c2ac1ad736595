r"""The activations of torch.nn.functional, each with the gradient autograd gives it.

Elementwise ones take any layout; softmax has one example a row, (m, n).
"""

from reference.activations.gelus import gelu, gelu_tanh
from reference.activations.rectifiers import elu, identity, leaky_relu, relu
from reference.activations.sigmoids import sigmoid, silu, softplus, tanh
from reference.activations.softmax import softmax

__all__ = [
    "elu",
    "gelu",
    "gelu_tanh",
    "identity",
    "leaky_relu",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]
