r"""The L-layer net: forward and backward, each quantity recorded under its name in the order it is computed.

$$Z_l = W_l A_{l-1} + b_l, \qquad A_l = g_l(Z_l), \qquad A_0 = X$$

The two-layer net of the source document is L = 2: Z1, A1, Z2, A2. With batch norm a hidden layer
reads $Z_l \to N_l \to A_l$, with dropout $A_l \to D_l$. Backward walks the same operations in
reverse: each one takes the gradient of its output to the gradients of its operands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual import layers, normalization
from manual.operands import held

Array = NDArray[Any]
Trace = dict[str, Array]
State = Mapping[str, Array]
Activation = Callable[[Array], tuple[Array, Callable[[Array], Array]]]
Operation = tuple[tuple[str, ...], Callable[[Array], Any]]  # names of the gradients, backward
RUNNING = ("running_mean", "running_var", "batches")


def parameter_names(state: State) -> list[str]:
    """Return the names of the parameters in a state, layer by layer: W1, b1, gamma1, beta1, W2, ...

    >>> parameter_names({"b1": 0, "W1": 0, "Z1": 0, "m.W1": 0})
    ['W1', 'b1']
    """
    layers = range(1, 1 + sum(name[0] == "W" for name in state))
    kinds = ("W", "b", "gamma", "beta")
    return [f"{kind}{l}" for l in layers for kind in kinds if f"{kind}{l}" in state]


def forward(
    state: State,
    X: Array,
    *,
    activations: Sequence[Activation],
    batch_norm: Mapping[str, Any] | None = None,
    dropout: float = 0.0,
) -> tuple[Trace, list[Operation]]:
    r"""Return every intermediate of the forward pass by name, and the tape of operations for `backward`.

    Shapes: X $(n_x, m)$; for layer l: Zl, Al $(n_l, m)$.

    Args:
        state: W1, b1, ...; gamma1, beta1, running_mean1, ... with batch norm; mask1, ... with dropout.
        X: the batch, one example a column.
        activations: $g_1 \dots g_L$.
        batch_norm: options (eps, momentum) of batch norm on every hidden layer, or None.
        dropout: the probability of dropping a hidden unit; the masks are in the state.

    Raises ValueError for an array that the state lacks.

    **In PyTorch:** `torch.nn.Sequential(Linear, BatchNorm1d, ReLU, Dropout, ...)` on X.T.

    >>> from manual.activations import identity
    >>> state = {"W1": np.array([[2.0]]), "b1": np.array([[1.0]])}
    >>> forward(state, np.array([[3.0]]), activations=[identity])[0]
    {'Z1': array([[7.]]), 'A1': array([[7.]])}
    """
    trace: Trace = {}
    tape: list[Operation] = []
    A, L = X, len(activations)
    for l, g in enumerate(activations, 1):
        source = f"d{'D' if dropout else 'A'}{l - 1}"
        Z, linear_back = layers.linear(
            held(state, f"W{l}"), A, state.get(f"b{l}"), input_gradient=l > 1
        )
        trace[f"Z{l}"] = Z
        tape.append(((f"dW{l}", f"db{l}", source), linear_back))
        if batch_norm is not None and l < L:
            Z = normalize(state, trace, tape, Z, l, **batch_norm)
        A, back = g(Z)
        trace[f"A{l}"] = A
        tape.append(((f"d{'N' if batch_norm is not None and l < L else 'Z'}{l}",), back))
        if dropout and l < L:
            A, back = layers.dropout(A, held(state, f"mask{l}"), p=dropout)
            trace[f"D{l}"] = A
            tape.append(((f"dA{l}",), back))
    return trace, tape


def normalize(
    state: State,
    trace: Trace,
    tape: list[Operation],
    Z: Array,
    l: int,
    *,
    eps: float = 1e-5,
    momentum: float | None = 0.1,
) -> Array:
    """Put batch norm of layer `l` on the trace and the tape, and return its output."""
    out, back = normalization.batch_norm(Z, state.get(f"gamma{l}"), state.get(f"beta{l}"), eps=eps)
    before = {name: held(state, f"{name}{l}") for name in RUNNING}
    after = normalization.running_statistics(before, Z, momentum=momentum)
    trace.update({f"{name}{l}": value for name, value in (out | after).items()})
    tape.append(((f"dgamma{l}", f"dbeta{l}", f"dZ{l}"), back))
    return out["N"]


def backward(tape: Sequence[Operation], d: Array) -> Trace:
    r"""Return every gradient by name, from the last operation to the first.

    `d` is $\partial L / \partial A_L$. The last of the gradients that an operation returns is that of
    its input, and goes on to the operation before it.

    **In PyTorch:** `loss.backward()`.

    >>> from manual.activations import identity
    >>> state = {"W1": np.array([[2.0]]), "b1": np.array([[1.0]])}
    >>> _, tape = forward(state, np.array([[3.0]]), activations=[identity])
    >>> backward(tape, np.array([[1.0]]))
    {'dZ1': array([[1.]]), 'dW1': array([[3.]]), 'db1': array([[1.]])}
    """
    trace: Trace = {}
    for names, back in reversed(tape):
        gradients = back(d)
        if not isinstance(gradients, tuple):
            gradients = (gradients,)
        trace.update({n: g for n, g in zip(names, gradients, strict=True) if g is not None})
        d = gradients[-1]
    return trace


def evaluate(
    state: State,
    X: Array,
    *,
    activations: Sequence[Activation],
    batch_norm: Mapping[str, Any] | None = None,
) -> Array:
    r"""Return $A_L$ in evaluation: batch norm by its running statistics, no dropout.

    **In PyTorch:** `model.eval(); model(X.T).T`.

    >>> from manual.activations import identity
    >>> evaluate({"W1": np.array([[2.0]])}, np.array([[3.0]]), activations=[identity])
    array([[6.]])
    """
    A, L = X, len(activations)
    for l, g in enumerate(activations, 1):
        Z, _ = layers.linear(held(state, f"W{l}"), A, state.get(f"b{l}"))
        if batch_norm is not None and l < L:
            affine = state.get(f"gamma{l}"), state.get(f"beta{l}")
            running = state[f"running_mean{l}"], state[f"running_var{l}"]
            eps = batch_norm.get("eps", 1e-5)
            Z = normalization.batch_norm_evaluation(Z, *affine, *running, eps=eps)
        A, _ = g(Z)
    return np.asarray(A)
