r"""Training without a record: the steps of `manual.stepping`, in buffers that are made once.

A trace keeps every quantity, so a step that returns one has to find memory for each, and the larger
ones are read back from outside the cache. Where only the parameters are wanted, four things save that:

- the bias is a weight like the others, from an input that is always 1:
  $Z_l = [W_l \; b_l] [A_{l-1}; 1]$ and $[dW_l \; db_l] = dZ_l [A_{l-1}; 1]^T$, one product each;
- all parameters are one flat vector, which the rule steps at once;
- products and activations overwrite buffers;
- a wide batch goes through in tiles, columns few enough for the cache; loss and gradients of the
  batch are the sums of the tiles'.

The formulas are explained in `layers`, `activations` and `losses`. Sums are taken in another order
than there: the results are those of `manual.stepping.step` to rounding, which a test holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual import network
from manual.losses.operands import agree
from manual.stepping import Rule, slots_by_parameter

Array = NDArray[Any]
State = Mapping[str, Array]
Batch = tuple[Array, Array]
Operator = tuple[Callable[[Array], None], Callable[[Array, Array, Array], None]]
CACHE = 2**20  # bytes for the intermediates of a tile: a common second-level cache
NARROWEST = 128  # columns: below this a product costs more than the cache saves


def train(
    state: State,
    batches: Iterable[Batch],
    *,
    hidden: Sequence[str],
    rule: Rule,
    columns: int | None = None,
    **hyperparameters: Any,
) -> tuple[dict[str, Array], list[float]]:
    r"""Return the state after one step on each batch (X, Y), and the losses: MSE of an identity output.

    Shapes: X $(n_x, m)$, Y $(n_y, m)$; in `state` W1 $(n_1, n_x)$, b1 $(n_1, 1)$, ... to WL, bL.

    Args:
        state: parameters, every layer with its bias, and the rule's state; it is not modified.
        batches: the batches, one a step; a width met before needs no new buffers.
        hidden: "relu", "tanh" or "identity" of each hidden layer.
        rule: one of `manual.optimizers`.
        columns: the examples of a tile; as many as the cache holds unless told.
        hyperparameters: the rule's (lr, momentum, ...).

    **In PyTorch:** `for X, Y in batches: optimizer.zero_grad(); loss.backward(); optimizer.step()`.

    >>> from manual import optimizers
    >>> state = {"W1": np.array([[2.0]]), "b1": np.array([[0.0]])}
    >>> batch = np.array([[1.0]]), np.array([[1.0]])
    >>> state, losses = train(state, [batch, batch], hidden=[], rule=optimizers.sgd, lr=0.25)
    >>> state["W1"], losses
    (array([[1.5]]), [1.0, 0.0])
    """
    names = network.parameter_names(state)
    check(names, hidden)
    layers = [joined(state[w], state[b]) for w, b in pairs(names)]
    weights = np.concatenate([layer.ravel() for layer in layers])
    gradient, share = np.empty_like(weights), np.empty_like(weights)
    W, dW, part = (parts(x, layers) for x in (weights, gradient, share))
    operators = [IN_PLACE[g] for g in hidden]
    slots, losses = flat_slots(state, names), []
    columns = columns or widest(layers)
    room: dict[int, Buffers] = {}  # by width: the last tile may be narrower
    for X, Y in batches:
        loss = 0.0
        if not X.ndim == Y.ndim == 2 or X.shape[1] != Y.shape[1]:
            raise ValueError(
                f"X is {X.shape} but Y is {Y.shape}: give both one example a column, as many in each"
            )
        for first, x, y in tiles(X, Y, columns):
            width = x.shape[1]
            if width not in room:
                room[width] = made(layers, width)
            loss += gradients(W, x, y, operators, room[width], dW if first else part, Y.size)
            if not first:
                gradient += share
        losses.append(loss)
        weights[:], slots = rule(weights, gradient, slots, **hyperparameters)
    return named(names, layers, weights, slots), losses


def check(names: Sequence[str], hidden: Sequence[str]) -> None:
    """Raise ValueError unless the parameters are those of the net, and its activations known.

    >>> check(["W1", "b1", "gamma1", "beta1", "W2", "b2"], ["relu"])
    Traceback (most recent call last):
    ...
    ValueError: the state holds W1, b1, gamma1, beta1, W2, b2 where W1, b1, W2, b2 should stand: train has one hidden activation a layer but the last, biases and no batch norm
    """
    needed = [f"{k}{l}" for l in range(1, len(hidden) + 2) for k in ("W", "b")]
    if list(names) != needed:
        raise ValueError(
            f"the state holds {', '.join(names)} where {', '.join(needed)} should stand: "
            "train has one hidden activation a layer but the last, biases and no batch norm"
        )
    if unknown := [g for g in hidden if g not in IN_PLACE]:
        raise ValueError(f"no activation {unknown[0]!r} in place; there are {', '.join(IN_PLACE)}")


def tiles(X: Array, Y: Array, columns: int) -> Iterator[tuple[bool, Array, Array]]:
    """Yield whether it is the first, and the examples of each tile, all of one width but the last."""
    if X.shape[1] <= columns:
        yield True, X, Y
        return
    for start in range(0, X.shape[1], columns):
        yield start == 0, X[:, start : start + columns], Y[:, start : start + columns]


@dataclass(frozen=True)
class Buffers:
    """Room for a tile: each layer's A, the same over a row of ones, the output, hidden dA and masks."""

    A: Sequence[Array]
    inputs: Sequence[Array]
    output: Array
    cotangents: Sequence[Array]
    masks: Sequence[Array]


def made(layers: Sequence[Array], columns: int) -> Buffers:
    inputs = [np.ones((layer.shape[1], columns), layer.dtype) for layer in layers]
    hidden = [(len(x) - 1, columns) for x in inputs[1:]]
    output, dtype = np.empty((len(layers[-1]), columns), layers[-1].dtype), layers[0].dtype
    masks = [np.empty(shape, bool) for shape in hidden]
    A = [x[:-1] for x in inputs]
    return Buffers(A, inputs, output, [np.empty(shape, dtype) for shape in hidden], masks)


def gradients(
    W: Sequence[Array],
    X: Array,
    Y: Array,
    operators: Sequence[Operator],
    buffers: Buffers,
    out: Sequence[Array],
    count: int,
) -> float:
    r"""Write $[dW_1 \; db_1]$, ... of the MSE over `count` elements to `out`; return the loss.

    One buffer holds $Z_l$, then $A_l$; another $dA_l$, then $dZ_l$: each is read for the last time
    before it is overwritten.
    """
    A, inputs, masks = buffers.A, buffers.inputs, buffers.masks
    if X.shape != A[0].shape or X.dtype != A[0].dtype:
        raise ValueError(
            f"X is {X.shape} {X.dtype} where {A[0].shape} {A[0].dtype} should stand: one example a "
            "column, with as many rows and of the type that W1 takes"
        )
    A[0][:] = X
    for l, (g, _) in enumerate(operators):
        g(np.matmul(W[l], inputs[l], out=A[l + 1]))
    output = np.matmul(W[-1], inputs[-1], out=buffers.output)
    agree(output, Y)
    d = np.subtract(output, Y, out=output)
    loss = float(np.vdot(d, d)) / count
    np.multiply(d, 2.0 / count, out=d)
    for l in reversed(range(len(W))):
        np.matmul(d, inputs[l].T, out=out[l])
        if l:
            product = np.matmul if len(d) > 1 else np.multiply  # of a column and a row: the same
            d = product(W[l][:, :-1].T, d, out=buffers.cotangents[l - 1])
            operators[l - 1][1](d, A[l], masks[l - 1])
    return loss


def relu(Z: Array) -> None:
    np.maximum(Z, 0.0, out=Z)


def relu_backward(dA: Array, A: Array, mask: Array) -> None:
    """Multiply the bits of dA by 0 where A <= 0, else by 1: as floats, 0 times NaN would be NaN."""
    np.logical_not(np.less_equal(A, 0.0, out=mask), out=mask)
    bits = dA.view(f"i{dA.itemsize}")
    np.multiply(bits, mask, out=bits)


def tanh(Z: Array) -> None:
    np.tanh(Z, out=Z)


def tanh_backward(dA: Array, A: Array, mask: Array) -> None:
    np.multiply(A, A, out=A)
    np.subtract(1.0, A, out=A)
    np.multiply(dA, A, out=dA)


IN_PLACE: Mapping[str, Operator] = {
    "identity": (lambda Z: None, lambda dA, A, mask: None),
    "relu": (relu, relu_backward),
    "tanh": (tanh, tanh_backward),
}


def widest(layers: Sequence[Array]) -> int:
    """Return the number of columns whose intermediates, and their gradients, the cache holds."""
    column = 2 * sum(layer.shape[1] * layer.itemsize for layer in layers)
    return max(NARROWEST, int(CACHE // column))


def pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the names of the weights and the bias of each layer."""
    return zip(names[::2], names[1::2], strict=True)


def joined(W: Array, b: Array) -> Array:
    return np.hstack([W, b])


def parts(x: Array, layers: Sequence[Array]) -> list[Array]:
    """Return views of the layers' parts of a flat vector, each in its layer's shape.

    >>> parts(np.array([1, 2, 3]), [np.zeros((1, 2)), np.zeros((1, 1))])
    [array([[1, 2]]), array([[3]])]
    """
    ends = np.cumsum([layer.size for layer in layers])
    return [x[e - w.size : e].reshape(w.shape) for w, e in zip(layers, ends, strict=True)]


def flat_slots(state: State, names: Sequence[str]) -> dict[str, Array]:
    """Return the rule's state of all parameters end to end; scalars, which are equal, as they are."""
    held = slots_by_parameter(state)
    return {
        slot: np.concatenate(
            [joined(held[w][slot], held[b][slot]).ravel() for w, b in pairs(names)]
        )
        if x.ndim
        else x
        for slot, x in held.get(names[0], {}).items()
    }


def named(
    names: Sequence[str], layers: Sequence[Array], weights: Array, slots: Mapping[str, Array]
) -> dict[str, Array]:
    """Return the rule's state and the parameters under their names."""
    out = {}
    for prefix, x in (*((f"{slot}.", x) for slot, x in slots.items()), ("", weights)):
        held = parts(x, layers) if x.ndim else [x] * len(layers)
        for (w, b), layer in zip(pairs(names), held, strict=True):
            out[prefix + w] = layer[:, :-1].copy() if x.ndim else x.copy()
            out[prefix + b] = layer[:, -1:].copy() if x.ndim else x.copy()
    return out
