r"""Activation functions by hand: each returns $A = g(Z)$ and the function that takes $dA$ to $dZ$.

    relu(Z) -> (A, backward),    backward(dA) -> dZ

Shapes: Z, A, dA, dZ $(n, m)$, one example a column. Float32 stays float32. Nothing passed in is
modified or shared, and `backward` may be called any number of times.

Write $dZ$ for $\partial L / \partial Z$. All but softmax act on each element by itself:
$a_i = g(z_i)$.

- One example: $\partial a_i / \partial z_k$ is $g'(z_i)$ where $i = k$ and 0 elsewhere, so the
  Jacobian is $\mathrm{diag}(g'(z))$ and $dz = \mathrm{diag}(g'(z))\,da = g'(z) \odot da$.
- All examples: the columns do not mix, $dZ = g'(Z) \odot dA$.

Each function derives its own $g'$; softmax, whose Jacobian is full, derives that.
"""

from manual.activations.gelus import gelu, gelu_tanh
from manual.activations.rectifiers import elu, identity, leaky_relu, relu
from manual.activations.sigmoids import sigmoid, silu, softplus, tanh
from manual.activations.softmax import softmax

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
