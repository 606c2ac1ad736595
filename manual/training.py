r"""Training without a record: the steps of `manual.stepping`, in buffers that are made once.

A trace keeps every quantity, so a step that returns one has to find memory for each, and the larger
ones are read back from outside the cache. Where only the parameters are wanted, three things save
that: the parameters are one flat vector, which the rule steps at once; products and activations
overwrite buffers; and a wide batch goes through in tiles, columns few enough for the cache. Loss
and gradients of the batch are the sums of the tiles'. With one tile, every bit is that of
`manual.stepping.step`; the formulas are explained there, in `layers`, `activations` and `losses`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual import network
from manual.losses.operands import agree
from manual.stepping import Rule, slots_by_parameter

Array = NDArray[Any]
State = Mapping[str, Array]
Batch = tuple[Array, Array]
Buffers = tuple[list[Array], list[Array], list[Array]]  # see `made`
CACHE = 2**19  # bytes for the intermediates of a tile: half of a common second-level cache
NARROWEST = 64  # columns: below this a product costs more than the cache saves


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
        batches: the batches, one a step; those of the first one's width cost the least.
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
    like = [state[n] for n in names]
    weights = np.concatenate([x.ravel() for x in like])
    gradient, share = np.empty_like(weights), np.empty_like(weights)
    W, dW, part = (parts(x, like) for x in (weights, gradient, share))
    operators = [IN_PLACE[g] for g in hidden]
    slots, losses = flat_slots(state, names), []
    room: dict[int, Buffers] = {}  # by width: the last tile may be narrower
    for X, Y in batches:
        loss = 0.0
        for first, x, y in tiles(X, Y, columns or widest(like)):
            width = x.shape[1]
            if width not in room:
                room[width] = made(like, width)
            loss += gradients(W, x, y, operators, room[width], dW if first else part, Y.size)
            if not first:
                gradient += share
        losses.append(loss)
        weights[:], slots = rule(weights, gradient, slots, **hyperparameters)
    return named(names, like, weights, slots), losses


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
    m = X.shape[1]
    if m <= columns:
        yield True, X, Y
        return
    for start in range(0, m, columns):
        yield start == 0, X[:, start : start + columns], Y[:, start : start + columns]


def gradients(
    W: Sequence[Array],
    X: Array,
    Y: Array,
    operators: Sequence[tuple[Callable[..., Any], Callable[..., Any]]],
    buffers: Buffers,
    out: Sequence[Array],
    count: int,
) -> float:
    r"""Write the gradients dW1, db1, ... of the MSE over `count` elements to `out`; return the loss.

    One buffer holds $Z_l$, then $A_l$; another $dA_l$, then $dZ_l$: each is read for the last time
    before it is overwritten.
    """
    outputs, cotangents, masks = buffers
    L, A = len(outputs), [X, *outputs]
    for l in range(L):
        np.matmul(W[2 * l], A[l], out=A[l + 1])
        np.add(A[l + 1], W[2 * l + 1], out=A[l + 1])
        if l < L - 1:
            operators[l][0](A[l + 1])
    agree(A[L], Y)
    d = np.subtract(A[L], Y, out=A[L])
    loss = float((d * d).sum() / count)
    np.multiply(d, 2.0 / count, out=d)
    for l in reversed(range(L)):
        np.matmul(d, A[l].T, out=out[2 * l])
        np.add.reduce(d, axis=1, keepdims=True, out=out[2 * l + 1])
        if l:
            d = np.matmul(W[2 * l].T, d, out=cotangents[l - 1])
            operators[l - 1][1](d, A[l], masks[l - 1])
    return loss


def made(like: Sequence[Array], columns: int) -> Buffers:
    """Return room for a tile: outputs, their gradients and the rectifiers' masks, layer by layer."""
    shapes, dtype = [(w.shape[0], columns) for w in like[::2]], like[0].dtype
    outputs, cotangents = ([np.empty(shape, dtype) for shape in shapes] for _ in range(2))
    return outputs, cotangents, [np.empty(shape, bool) for shape in shapes]


def relu(Z: Array) -> None:
    np.maximum(Z, 0.0, out=Z)


def relu_backward(dA: Array, A: Array, mask: Array) -> None:
    """Zero dA where A <= 0, its bits times 0 or 1: as floats, 0 times NaN would be NaN."""
    np.logical_not(np.less_equal(A, 0.0, out=mask), out=mask)
    bits = dA.view(f"i{dA.itemsize}")
    np.multiply(bits, mask, out=bits)


def tanh(Z: Array) -> None:
    np.tanh(Z, out=Z)


def tanh_backward(dA: Array, A: Array, mask: Array) -> None:
    np.multiply(A, A, out=A)
    np.subtract(1.0, A, out=A)
    np.multiply(dA, A, out=dA)


IN_PLACE: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "identity": (lambda Z: None, lambda dA, A, mask: None),
    "relu": (relu, relu_backward),
    "tanh": (tanh, tanh_backward),
}


def widest(like: Sequence[Array]) -> int:
    """Return the number of columns whose intermediates, and their gradients, the cache holds."""
    column = 2 * sum(w.shape[0] * w.itemsize for w in like[::2])
    return max(NARROWEST, int(CACHE // column))


def parts(x: Array, like: Sequence[Array]) -> list[Array]:
    """Return views of the parts of a flat vector, each in the shape of its parameter.

    >>> parts(np.array([1, 2, 3]), [np.zeros((2, 1)), np.zeros((1, 1))])
    [array([[1],
           [2]]), array([[3]])]
    """
    ends = np.cumsum([w.size for w in like])
    return [x[e - w.size : e].reshape(w.shape) for w, e in zip(like, ends, strict=True)]


def flat_slots(state: State, names: Sequence[str]) -> dict[str, Array]:
    """Return the rule's state of all parameters end to end; scalars, which are equal, as they are."""
    held = slots_by_parameter(state)
    first = held.get(names[0], {})
    return {
        slot: np.concatenate([held[n][slot].ravel() for n in names]) if x.ndim else x
        for slot, x in first.items()
    }


def named(
    names: Sequence[str], like: Sequence[Array], weights: Array, slots: Mapping[str, Array]
) -> dict[str, Array]:
    """Return the rule's state and the parameters under their names, as a trace ends."""
    split = {s: parts(x, like) if x.ndim else [x] * len(names) for s, x in slots.items()}
    out = {f"{s}.{n}": x[i].copy() for i, n in enumerate(names) for s, x in split.items()}
    return out | {n: w.copy() for n, w in zip(names, parts(weights, like), strict=True)}
