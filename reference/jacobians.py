r"""The Jacobians of layers and nets by torch.func.jacrev and vmap, gradients by autograd. One example a row.

Nothing here multiplies Jacobians: each is what autograd finds for the whole map, so that the product
of layer Jacobians is held against something that is not one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from reference import layers, network

State = Mapping[str, Tensor]
Activation = Callable[[Tensor], tuple[Tensor, Callable[[Tensor], Tensor]]]
Map = Callable[[Tensor], Tensor]


def activation_jacobians(Z: Tensor, *, activation: Activation) -> Tensor:
    """Return the Jacobian of every example, (m, n, n); Z (m, n).

    >>> from reference.activations import softmax
    >>> activation_jacobians(torch.zeros(1, 2), activation=softmax)
    tensor([[[ 0.2500, -0.2500],
             [-0.2500,  0.2500]]])
    """
    return jacobians(lambda Z: activation(Z)[0], Z)


def layer_jacobians(state: State, X: Tensor, *, activations: Sequence[Activation]) -> list[Tensor]:
    """Return J_1, ..., J_L of every example, (m, n_l, n_{l-1}); X (m, n_x).

    >>> from reference.activations import relu
    >>> layer_jacobians({"W1": torch.tensor([[2.0]])}, torch.ones(1, 1), activations=[relu])
    [tensor([[[2.]]])]
    """
    A, out = X, []
    for l in range(1, 1 + len(activations)):
        layer = after(state, l - 1, activations[:l])
        out.append(jacobians(layer, A))
        A = layer(A)
    return out


def output_jacobians(state: State, X: Tensor, *, activations: Sequence[Activation]) -> list[Tensor]:
    """Return the Jacobian of the output with respect to the input and each A_l, (m, n_L, n_l); X (m, n_x).

    >>> from reference.activations import identity
    >>> state = {"W1": torch.tensor([[2.0]]), "W2": torch.tensor([[3.0]])}
    >>> [P.item() for P in output_jacobians(state, torch.ones(1, 1), activations=[identity] * 2)]
    [6.0, 3.0, 1.0]
    """
    trace, _ = network.forward(state, X, activations=activations)
    L = len(activations)
    inputs = [X, *(trace[f"A{l}"] for l in range(1, L + 1))]
    return [jacobians(after(state, l, activations), A) for l, A in enumerate(inputs)]


def weight_gradient(
    state: State, X: Tensor, dA: Tensor, *, activations: Sequence[Activation], layer: int = 1
) -> Tensor:
    """Return the gradient of W_l that autograd finds for the cotangent dA of the output; X and dA (m, n).

    >>> from reference.activations import identity
    >>> state = {"W1": torch.tensor([[2.0]]), "W2": torch.tensor([[3.0]])}
    >>> weight_gradient(state, torch.tensor([[1.0], [10.0]]), torch.ones(2, 1), activations=[identity] * 2)
    tensor([[33.]])
    """
    if not 1 <= layer <= len(activations):
        raise ValueError(f"there is no layer {layer}; the net has layers 1 to {len(activations)}")
    W = state[f"W{layer}"].detach().clone().requires_grad_()
    trace, _ = network.forward({**state, f"W{layer}": W}, X, activations=activations)
    (dW,) = torch.autograd.grad(trace[f"A{len(activations)}"], W, dA)
    return dW


def singular_values(J: Tensor) -> Tensor:
    """Return the singular values of every matrix of a stack, largest first; J (m, n, k).

    >>> singular_values(torch.tensor([[[0.0, 2.0], [0.5, 0.0]]]))
    tensor([[2.0000, 0.5000]])
    """
    sigma: Tensor = torch.linalg.svdvals(J)
    return sigma


def after(state: State, start: int, activations: Sequence[Activation]) -> Map:
    """Return the map of all layers after layer `start`, examples in rows."""

    def rest(A: Tensor) -> Tensor:
        for l, g in list(enumerate(activations, 1))[start:]:
            Z, _ = layers.linear(state[f"W{l}"], A, state.get(f"b{l}"))
            A, _ = g(Z)
        return A

    return rest


def jacobians(f: Map, A: Tensor) -> Tensor:
    """Return the Jacobian of `f` at every row of A, (m, n_out, n_in)."""

    def one(a: Tensor) -> Tensor:
        return f(a[None])[0]

    J: Tensor = torch.func.vmap(torch.func.jacrev(one))(A)
    return J
