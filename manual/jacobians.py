r"""The gradient product: $\partial L / \partial W_1$ as the chain rule writes it, a product of layer Jacobians.

One example, a column, moves through the layers as $a_l = g_l(W_l a_{l-1} + b_l)$, $a_0 = x$. The
chain rule gives each layer's Jacobian and, with the loss's gradient $da_L$, the weights' gradients:

$$J_l = \frac{\partial a_l}{\partial a_{l-1}} = G_l W_l, \quad
  G_l = \frac{\partial a_l}{\partial z_l} = \mathrm{diag}(g_l'(z_l)), \quad
  P_l = \frac{\partial a_L}{\partial a_l} = J_L J_{L-1} \cdots J_{l+1}$$

$$da_l = P_l^T da_L, \qquad dz_l = G_l^T da_l, \qquad dW_l = dz_l\,a_{l-1}^T$$

Softmax mixes the units: its $G_l$ is full, $\mathrm{diag}(a) - a a^T$, and below $\sigma_{max}(G_k)$
takes the place of $\max_i |g_k'(z_{k,i})|$; nothing else changes.
Backpropagation is this product with the brackets set from the loss's end,
$J_1^T (\cdots (J_L^T da_L))$: vectors instead of matrices, $n^2$ instead of $n^3$ a layer.

**What decides whether a gradient vanishes or explodes** is the singular values of $P_l$, not the
size of the entries: for one example

$$\sigma_{min}(P_l)\,\lVert da_L \rVert \le \lVert da_l \rVert \le \sigma_{max}(P_l)\,\lVert da_L \rVert,
  \qquad \sigma_{max}(P_l) \le \prod_{k > l} \max_i |g_k'(z_{k,i})|\;\sigma_{max}(W_k),$$

the left side for $n_L \le n_l$. "Factors below one shrink the gradient" is true of singular values only: a
$50 \times 50$ matrix of entries 0.1 has $\sigma_{max} = 5$, and ten such layers make a vector
$5^{10} = 9.8 \cdot 10^6$ times longer.

- Sigmoid: $g' \le 1/4$. Unless $\sigma_{max}(W) > 4$, every layer shrinks the gradient.
- Tanh: $g' \le 1$, near 1 for small $z$. It vanishes by saturation: $g' = 1 - a^2 \to 0$ for large $z$.
- ReLU: $g'$ is 0 or 1. Half of the units on halve the mean square, which He's $2/n$ makes up for.

Batch norm ties the examples of a batch together: with it there is no Jacobian of one example, and
these functions are for nets without it, and without dropout.

Source: Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*, 2013;
Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*, 2010.

>>> W = np.full((50, 50), 0.1)
>>> grown = np.linalg.matrix_power(W, 10) @ np.ones((50, 1))
>>> f"{singular_values(W[None])[0, 0]:.3f}, {grown[0, 0]:.1f}"
'5.000, 9765625.0'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual import network

Array = NDArray[Any]
State = Mapping[str, Array]
Activation = Callable[[Array], tuple[Array, Callable[[Array], Array]]]


def activation_jacobians(Z: Array, *, activation: Activation) -> Array:
    r"""Return $G = \partial a / \partial z$ of every example: $\mathrm{diag}(g'(z))$, full for softmax.

    Shapes: Z $(n, m)$, one example a column; G $(m, n, n)$, one example a matrix.

    Derivation. `backward` takes $da$ to $dz = G^T da$; for $da = e_i$ that is row i of G. With every
    column of Z n times, and the n unit vectors below each, one call gives all rows. Elementwise
    activations leave zeros beside the diagonal.

    **In PyTorch:** `torch.func.vmap(torch.func.jacrev(g))(Z.T)`.

    >>> from manual.activations import relu, softmax
    >>> activation_jacobians(np.array([[3.0], [-1.0]]), activation=relu)
    array([[[1., 0.],
            [0., 0.]]])
    >>> activation_jacobians(np.zeros((2, 1)), activation=softmax)
    array([[[ 0.25, -0.25],
            [-0.25,  0.25]]])
    """
    n, m = Z.shape
    _, backward = activation(np.repeat(Z, n, axis=1))
    rows = backward(np.tile(np.eye(n, dtype=Z.dtype), m))
    return np.ascontiguousarray(rows.reshape(n, m, n).transpose(1, 2, 0))


def layer_jacobians(state: State, X: Array, *, activations: Sequence[Activation]) -> list[Array]:
    r"""Return $J_1, \dots, J_L$, $J_l = G_l W_l$, of every example: how a layer's output follows its input.

    Shapes: X $(n_x, m)$; $J_l$ $(m, n_l, n_{l-1})$, one example a matrix.

    Derivation. $\partial a_{l,i} / \partial a_{l-1,k} = \sum_j (G_l)_{ij}\,\partial z_{l,j} /
    \partial a_{l-1,k}$ and $\partial z_{l,j} / \partial a_{l-1,k} = (W_l)_{jk}$.

    **In PyTorch:** `torch.func.jacrev` of one layer, `vmap` over the examples.

    >>> from manual.activations import tanh
    >>> layer_jacobians({"W1": np.array([[2.0]])}, np.array([[0.0, 100.0]]), activations=[tanh])
    [array([[[2.]],
    <BLANKLINE>
           [[0.]]])]
    """
    trace, _ = network.forward(state, X, activations=activations)
    return [
        activation_jacobians(trace[f"Z{l}"], activation=g) @ state[f"W{l}"]
        for l, g in enumerate(activations, 1)
    ]


def output_jacobians(state: State, X: Array, *, activations: Sequence[Activation]) -> list[Array]:
    r"""Return $P_0, \dots, P_L$, $P_l = \partial a_L / \partial a_l = J_L \cdots J_{l+1}$, of every example.

    Shapes: X $(n_x, m)$; $P_l$ $(m, n_L, n_l)$; $P_L$ is the identity, $P_0 = \partial a_L / \partial x$.

    Give fewer activations than there are layers to stop at a hidden layer.

    **In PyTorch:** `torch.func.jacrev` of all layers after the l-th, `vmap` over the examples.

    >>> from manual.activations import identity
    >>> state = {"W1": np.array([[2.0]]), "W2": np.array([[3.0]])}
    >>> [P.item() for P in output_jacobians(state, np.array([[1.0]]), activations=[identity] * 2)]
    [6.0, 3.0, 1.0]
    """
    jacobians = layer_jacobians(state, X, activations=activations)
    m, n_L, _ = jacobians[-1].shape
    products = [np.array(np.broadcast_to(np.eye(n_L, dtype=X.dtype), (m, n_L, n_L)))]
    for J in reversed(jacobians):
        products.append(products[-1] @ J)
    return products[::-1]


def weight_gradient(
    state: State, X: Array, dA: Array, *, activations: Sequence[Activation], layer: int = 1
) -> Array:
    r"""Return $dW_l = \sum_j G_l^T P_l^T da_L\,a_{l-1}^T$, the sum over the examples j, by the product of Jacobians.

    Shapes: X $(n_x, m)$, dA $(n_L, m)$, the gradient of the loss with respect to $A_L$; $dW_l$
    $(n_l, n_{l-1})$.

    For one example (m = 1) this is the outer product of $dz_l$ and $a_{l-1}$; for $l = 1$, with
    $a_0 = x$, it is the source document's $\partial L / \partial W^{(1)}$. A factor $1/m$ of the loss is in dA.

    **In PyTorch:** `torch.autograd.grad(A_L, W_l, dA)`.

    Raises ValueError if the net has no such layer.

    >>> from manual.activations import identity
    >>> state = {"W1": np.array([[2.0]]), "W2": np.array([[3.0]])}
    >>> X, dA = np.array([[1.0, 10.0]]), np.array([[1.0, 1.0]])
    >>> weight_gradient(state, X, dA, activations=[identity] * 2)
    array([[33.]])
    """
    if not 1 <= layer <= len(activations):
        raise ValueError(f"there is no layer {layer}; the net has layers 1 to {len(activations)}")
    trace, _ = network.forward(state, X, activations=activations)
    P = output_jacobians(state, X, activations=activations)[layer]
    G = activation_jacobians(trace[f"Z{layer}"], activation=activations[layer - 1])
    da = transposed(P) @ dA.T[:, :, None]
    dz = transposed(G) @ da
    return np.asarray(dz[:, :, 0].T @ (X if layer == 1 else trace[f"A{layer - 1}"]).T)


def transposed(J: Array) -> Array:
    """Return every matrix of a stack transposed."""
    return J.swapaxes(1, 2)


def singular_values(J: Array) -> Array:
    r"""Return the singular values of every matrix of a stack, largest first.

    Shapes: J $(m, n, k)$; the result $(m, \min(n, k))$.

    $\sigma_{max}$ is the largest factor by which the matrix, or its transpose, lengthens a vector.
    The small ones are known to about $u\,\sigma_{max}$ only.

    **In PyTorch:** `torch.linalg.svdvals(J)`.

    >>> singular_values(np.array([[[0.0, 2.0], [0.5, 0.0]]]))
    array([[2. , 0.5]])
    """
    return np.linalg.svd(J, compute_uv=False)
