r"""The L-layer net as a graph of torch operations; autograd walks it back. One example a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from reference import layers, normalization

Trace = dict[str, Tensor]
State = Mapping[str, Tensor]
Activation = Callable[[Tensor], tuple[Tensor, Callable[[Tensor], Tensor]]]
Operation = tuple[str, Tensor]  # the name of a gradient, what it is the gradient of
RUNNING = ("running_mean", "running_var", "batches")


def parameter_names(state: Mapping[str, object]) -> list[str]:
    """Return the names of the parameters in a state, layer by layer: W1, b1, gamma1, beta1, W2, ..."""
    layers = range(1, 1 + sum(name[0] == "W" for name in state))
    kinds = ("W", "b", "gamma", "beta")
    return [f"{kind}{l}" for l in layers for kind in kinds if f"{kind}{l}" in state]


def forward(
    state: State,
    X: Tensor,
    *,
    activations: Sequence[Activation],
    batch_norm: Mapping[str, Any] | None = None,
    dropout: float = 0.0,
) -> tuple[Trace, list[Operation]]:
    """Return every intermediate by name, and what autograd is to be asked for; X (m, n_x).

    >>> from reference.activations import identity
    >>> state = {"W1": torch.tensor([[2.0]]), "b1": torch.tensor([[1.0]])}
    >>> forward(state, torch.tensor([[3.0]]), activations=[identity])[0]["Z1"]
    tensor([[7.]])
    """
    trace: Trace = {}
    tape: list[Operation] = []
    A, L = X, len(activations)
    for l, g in enumerate(activations, 1):
        if l > 1:
            tape.append((f"d{'D' if dropout else 'A'}{l - 1}", A))
        tape.extend((f"d{p}", state[p]) for p in (f"b{l}", f"W{l}") if p in state)
        Z, _ = layers.linear(state[f"W{l}"], A, state.get(f"b{l}"))
        trace[f"Z{l}"] = Z
        tape.append((f"dZ{l}", Z))
        if batch_norm is not None and l < L:
            Z = normalize(state, trace, tape, Z, l, **batch_norm)
            tape.append((f"dN{l}", Z))
        A, _ = g(Z)
        trace[f"A{l}"] = A
        if dropout and l < L:
            tape.append((f"dA{l}", A))
            A, _ = layers.dropout(A, state[f"mask{l}"], p=dropout)
            trace[f"D{l}"] = A
    tape.append((f"dA{L}", A))
    return trace, tape


def normalize(
    state: State,
    trace: Trace,
    tape: list[Operation],
    Z: Tensor,
    l: int,
    *,
    eps: float = 1e-5,
    momentum: float | None = 0.1,
) -> Tensor:
    """Put batch norm of layer `l` on the trace and the tape, and return its output."""
    out, _ = normalization.batch_norm(Z, state.get(f"gamma{l}"), state.get(f"beta{l}"), eps=eps)
    before = {name: state[f"{name}{l}"] for name in RUNNING}
    after = normalization.running_statistics(before, Z.detach(), momentum=momentum)
    trace.update({f"{name}{l}": value for name, value in (out | after).items()})
    tape.extend((f"d{p}", state[p]) for p in (f"beta{l}", f"gamma{l}") if p in state)
    return out["N"]


def backward(tape: Sequence[Operation], d: Tensor) -> Trace:
    """Return every gradient by name, last operation first, for the gradient `d` of the tape's last entry, the output.

    >>> x = torch.ones(2, requires_grad=True)
    >>> backward([("dx", x), ("dy", 3 * x)], torch.ones(2))
    {'dx': tensor([3., 3.])}
    """
    (_, output), *operations = reversed(tape)
    names, wanted = zip(*operations, strict=True)
    return dict(zip(names, torch.autograd.grad(output, wanted, d), strict=True))


def evaluate(
    state: State,
    X: Tensor,
    *,
    activations: Sequence[Activation],
    batch_norm: Mapping[str, Any] | None = None,
) -> Tensor:
    """Return the net's output in evaluation: running statistics, no dropout; X (m, n_x).

    >>> from reference.activations import identity
    >>> evaluate({"W1": torch.tensor([[2.0]])}, torch.tensor([[3.0]]), activations=[identity])
    tensor([[6.]])
    """
    A, L = X, len(activations)
    for l, g in enumerate(activations, 1):
        Z, _ = layers.linear(state[f"W{l}"], A, state.get(f"b{l}"))
        if batch_norm is not None and l < L:
            affine = state.get(f"gamma{l}"), state.get(f"beta{l}")
            running = state[f"running_mean{l}"], state[f"running_var{l}"]
            eps = batch_norm.get("eps", 1e-5)
            Z = normalization.batch_norm_evaluation(Z, *affine, *running, eps=eps)
        A, _ = g(Z)
    return A
