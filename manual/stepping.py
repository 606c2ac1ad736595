r"""One training step: a function from named arrays to named arrays, which is also the next state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual import network
from manual.operands import layered

Array = NDArray[Any]
Trace = dict[str, Array]
State = Mapping[str, Array]
Clip = Callable[[Mapping[str, Array]], tuple[dict[str, Array], dict[str, Array]]]
Rule = Callable[..., tuple[Array, dict[str, Array]]]


def step(
    state: State,
    X: Array,
    Y: Array,
    *,
    activations: Sequence[network.Activation],
    loss: Callable[[Array, Array], tuple[Array, Callable[..., Array]]],
    rule: Rule,
    clip: Clip | None = None,
    batch_norm: Mapping[str, Any] | None = None,
    dropout: float = 0.0,
    accumulate: int = 1,
    undecayed: Sequence[str] = (),
    frozen: Sequence[str] = (),
    **hyperparameters: Any,
) -> Trace:
    r"""Return the trace of one step from `state` on the batch (X, Y): every quantity, in the order it is computed.

    Shapes: X $(n_x, m)$, Y $(n_y, m)$; in `state` W1 $(n_1, n_x)$, b1 $(n_1, 1)$, ...

    The order for two layers: Z1 A1 Z2 A2 loss dA2 dZ2 dW2 db2 dA1 dZ1 dW1 db1, then the gradients
    the rule sees where they differ from these (`a.W1` accumulated, `norm` and `g.W1` clipped), the
    rule's state (`t.W1`, `m.W1`, ...), then the updated W1 b1 W2 b2. Nothing in `state` is modified.

    Args:
        state: parameters and the rule's state; the trace of the last step will do.
        X: the batch, one example a column.
        Y: the targets.
        activations: $g_1 \dots g_L$ of `manual.activations`.
        loss: one of `manual.losses`.
        rule: one of `manual.optimizers`.
        clip: `manual.clipping`, as a partial; None for no clipping.
        batch_norm: options of batch norm on the hidden layers; None for none.
        dropout: the probability of dropping a hidden unit; the masks mask1, ... are in the state.
        accumulate: the number of micro-batches whose mean gradient makes one update.
        undecayed: kinds of parameters (such as "b") that weight decay leaves alone.
        frozen: names of parameters that are not trained: their gradients are shown, but they and
            their state stay as they are.
        hyperparameters: the rule's (lr, momentum, ...).

    Raises ValueError unless there is an activation for each layer, and accumulate is 1 or more.

    **In PyTorch:** `optimizer.zero_grad(); loss.backward(); clip_grad_norm_(...); optimizer.step()`.

    >>> from functools import partial
    >>> from manual import activations, losses, optimizers
    >>> state = {"W1": np.array([[2.0]]), "b1": np.array([[0.0]])}
    >>> trace = step(state, np.array([[1.0]]), np.array([[1.0]]), activations=[activations.identity],
    ...              loss=losses.mse, rule=optimizers.sgd, lr=0.25)
    >>> list(trace)
    ['Z1', 'A1', 'loss', 'dA1', 'dZ1', 'dW1', 'db1', 'W1', 'b1']
    >>> trace["W1"]
    array([[1.5]])
    """
    layered(state, activations, accumulate)
    trace, tape = network.forward(
        state, X, activations=activations, batch_norm=batch_norm, dropout=dropout
    )
    L = len(activations)
    trace["loss"], loss_backward = loss(trace[f"A{L}"], Y)
    trace[f"dA{L}"] = loss_backward(1.0 / accumulate)
    trace.update(network.backward(tape, trace[f"dA{L}"]))
    names = network.parameter_names(state)
    gradients = {n: trace[f"d{n}"] for n in names if n not in frozen}
    ready = True
    if accumulate > 1:
        gradients, ready = accumulated(state, trace, gradients, accumulate)
    if ready and clip is not None:
        extra, gradients = clip(gradients)
        trace.update(extra | {f"g.{n}": g for n, g in gradients.items()})
    update(state, trace, gradients if ready else {}, rule, undecayed, hyperparameters)
    return trace


def accumulated(
    state: State, trace: Trace, gradients: Mapping[str, Array], k: int
) -> tuple[dict[str, Array], bool]:
    """Add the gradients to those of the micro-batches before; return them and whether all k are in."""
    before = int(state.get("micro", 0)) % k
    total = {n: state[f"a.{n}"] + g if before else g.copy() for n, g in gradients.items()}
    trace["micro"] = np.asarray(before + 1)
    trace.update({f"a.{n}": g for n, g in total.items()})
    return total, before + 1 == k


def update(
    state: State,
    trace: Trace,
    gradients: Mapping[str, Array],
    rule: Rule,
    undecayed: Sequence[str],
    hyperparameters: Mapping[str, Any],
) -> None:
    """Put the rule's new state, then the new parameters, on the trace; without a gradient both stay."""
    names, held = network.parameter_names(state), slots_by_parameter(state)
    after: Trace = {}
    for n in names:
        slots = held.get(n, {})
        after[n] = state[n]
        if n in gradients:
            options = dict(hyperparameters)
            if kind(n) in undecayed:
                options["weight_decay"] = 0.0
            after[n], slots = rule(state[n], gradients[n], slots, **options)
        trace.update({f"{slot}.{n}": np.array(value) for slot, value in slots.items()})
    trace.update({n: np.array(value) for n, value in after.items()})


def kind(name: str) -> str:
    """Return the name without its layer.

    >>> kind("W12")
    'W'
    """
    return name.rstrip("0123456789")


def slots_by_parameter(state: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """Return the rule's state of each parameter: m.W1 is slot m of W1; gradients a.W1, g.W1 are not state.

    >>> slots_by_parameter({"m.W1": 1, "W1": 2, "g.W1": 3, "v.W1": 4})
    {'W1': {'m': 1, 'v': 4}}
    """
    held: dict[str, dict[str, Array]] = {}
    for key, value in state.items():
        slot, dot, name = key.partition(".")
        if dot and slot not in ("a", "g"):
            held.setdefault(name, {})[slot] = value
    return held
