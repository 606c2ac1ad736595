r"""One training step by torch: named arrays in, named arrays out, transposed here and only here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reference import conversion, network

Array = NDArray[Any]
Trace = dict[str, Array]
State = Mapping[str, Array]
Clip = Callable[[Mapping[str, Tensor]], tuple[dict[str, Tensor], dict[str, Tensor]]]
Rule = Callable[..., tuple[Tensor, dict[str, Tensor]]]
READ = (*"Wb", "gamma", "beta", *network.RUNNING, "mask")  # of the state, by the net
ROWS = ("Z", "A", "D", "N", "xhat", "mask")  # one example a row in torch


def step(
    state: State,
    X: Array,
    Y: Array,
    *,
    activations: Sequence[network.Activation],
    loss: Callable[[Tensor, Tensor], tuple[Tensor, Callable[..., Tensor]]],
    rule: Rule,
    clip: Clip | None = None,
    batch_norm: Mapping[str, Any] | None = None,
    dropout: float = 0.0,
    accumulate: int = 1,
    undecayed: Sequence[str] = (),
    frozen: Sequence[str] = (),
    **hyperparameters: Any,
) -> Trace:
    """Return the trace of one step from `state` on the batch (X, Y), one example a column, as `manual` does.

    >>> import numpy as np
    >>> from reference import activations, losses, optimizers
    >>> state = {"W1": np.array([[2.0]]), "b1": np.array([[0.0]])}
    >>> trace = step(state, np.array([[1.0]]), np.array([[1.0]]), activations=[activations.identity],
    ...              loss=losses.mse, rule=optimizers.sgd, lr=0.25)
    >>> trace["W1"]
    array([[1.5]])
    """
    names = network.parameter_names(state)
    inside = {n: entering(n, state[n]) for n in inputs(tuple(state))}
    for n in names:
        inside[n].requires_grad_()
    trace, tape = network.forward(
        inside, conversion.rows(X), activations=activations, batch_norm=batch_norm, dropout=dropout
    )
    L = len(activations)
    trace["loss"], _ = loss(trace[f"A{L}"], conversion.rows(Y))
    share = torch.full_like(trace["loss"], 1.0 / accumulate)
    trace.update(network.backward([*tape, ("", trace["loss"])], share))
    gradients = {n: trace[f"d{n}"] for n in names if n not in frozen}
    ready = True
    if accumulate > 1:
        gradients, ready = accumulated(state, trace, gradients, accumulate)
    if ready and clip is not None:
        extra, gradients = clip(gradients)
        trace.update(extra | {f"g.{n}": g for n, g in gradients.items()})
    shown = {n: leaving(n, t) for n, t in trace.items()}
    update(state, shown, gradients if ready else {}, rule, undecayed, hyperparameters)
    return shown


@cache
def inputs(names: Sequence[str]) -> list[str]:
    """Return the names, of a state's, that the net reads."""
    return [n for n in names if kind(n) in READ]


def entering(name: str, x: Array) -> Tensor:
    return conversion.rows(x) if turned(name) else conversion.tensor(x)


def leaving(name: str, t: Tensor) -> Array:
    return conversion.columns(t) if turned(name) else conversion.array(t)


@cache
def turned(name: str) -> bool:
    """Tell whether torch has an array, or the gradient by it, with one example a row.

    >>> turned("dZ1"), turned("dW1")
    (True, False)
    """
    return kind(name.removeprefix("d")) in ROWS


def kind(name: str) -> str:
    """Return the name without its layer.

    >>> kind("W12")
    'W'
    """
    return name.rstrip("0123456789")


def accumulated(
    state: State, trace: dict[str, Tensor], gradients: Mapping[str, Tensor], k: int
) -> tuple[dict[str, Tensor], bool]:
    """Add the gradients to those of the micro-batches before, as backward() adds to .grad."""
    before = int(state["micro"]) % k if "micro" in state else 0
    total = {
        n: conversion.tensor(state[f"a.{n}"]) + g if before else g.clone()
        for n, g in gradients.items()
    }
    trace["micro"] = torch.tensor(before + 1)
    trace.update({f"a.{n}": g for n, g in total.items()})
    return total, before + 1 == k


def update(
    state: State,
    trace: Trace,
    gradients: Mapping[str, Tensor],
    rule: Rule,
    undecayed: Sequence[str],
    hyperparameters: Mapping[str, Any],
) -> None:
    """Put the rule's new state, then the new parameters, on the trace; without a gradient both stay.

    A rule works entry by entry: parameters that it treats alike are given to it end to end, as one.
    """
    names, held = network.parameter_names(state), slots_by_parameter(state)
    slots = {n: held.get(n, {}) for n in names}
    after: Trace = {}
    for group in alike([n for n in names if n in gradients], slots, undecayed):
        options = dict(hyperparameters)
        if kind(group[0]) in undecayed:
            options["weight_decay"] = 0.0
        like = [state[n] for n in group]
        old = {slot: joined([slots[n][slot] for n in group]) for slot in slots[group[0]]}
        g = torch.cat([gradients[n].reshape(-1) for n in group])
        w, new = rule(joined(like), g, old, **options)
        after.update(zip(group, parted(w, like), strict=True))
        parts = {slot: parted(x, like) for slot, x in new.items()}
        slots.update({n: {slot: x[i] for slot, x in parts.items()} for i, n in enumerate(group)})
    for n in names:
        still = n not in after
        trace.update({f"{slot}.{n}": np.array(x) if still else x for slot, x in slots[n].items()})
    trace.update({n: after[n] if n in after else np.array(state[n]) for n in names})


def alike(
    names: Sequence[str], slots: Mapping[str, Mapping[str, Array]], undecayed: Sequence[str]
) -> list[list[str]]:
    """Return the names in groups whose decay and slots are alike, the scalars among these equal."""
    groups: dict[Any, list[str]] = {}
    for n in names:
        scalars = tuple(x.item() for x in slots[n].values() if not x.ndim)
        groups.setdefault((kind(n) in undecayed, *slots[n], *scalars), []).append(n)
    return list(groups.values())


def joined(parts: Sequence[Array]) -> Tensor:
    """Return arrays end to end as one tensor, a copy; of scalars, which are equal, the first."""
    if not parts[0].ndim:
        return conversion.tensor(parts[0])
    return conversion.moved(torch.from_numpy(np.concatenate(parts, axis=None)))


def parted(x: Tensor, like: Sequence[Array]) -> list[Array]:
    """Return the parts of `joined` again, as arrays, each in its own shape.

    >>> parted(torch.tensor([1, 2, 3]), [np.zeros((2, 1)), np.zeros((1, 1))])
    [array([[1],
           [2]]), array([[3]])]
    """
    whole = conversion.array(x)
    if not x.ndim:
        return [whole.copy() for _ in like]
    ends = accumulate(w.size for w in like)
    return [whole[e - w.size : e].reshape(w.shape).copy() for w, e in zip(like, ends, strict=True)]


def slots_by_parameter(state: State) -> dict[str, dict[str, Array]]:
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
