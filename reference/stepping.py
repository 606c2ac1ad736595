r"""One training step by torch: named arrays in, named arrays out, transposed here and only here.

Or many at once, each from a state of its own, where all arrays are stacked along a leading axis:
torch.vmap then maps the same net over them, and torch.optim steps as many parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
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
Loss = Callable[[Tensor, Tensor], tuple[Tensor, Callable[..., Tensor]]]
Net = Callable[..., tuple[dict[str, Tensor], dict[str, Tensor]]]
READ = (*"Wb", "gamma", "beta", *network.RUNNING, "mask")  # of the state, by the net
ROWS = ("Z", "A", "D", "N", "xhat", "mask")  # one example a row in torch


def step(
    state: State,
    X: Array,
    Y: Array,
    *,
    activations: Sequence[network.Activation],
    loss: Loss,
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

    Of a stack of states and batches, the stack of their traces; counts are vectors then, and those of
    micro-batches all the same.

    >>> import numpy as np
    >>> from reference import activations, losses, optimizers
    >>> state = {"W1": np.array([[2.0]]), "b1": np.array([[0.0]])}
    >>> trace = step(state, np.array([[1.0]]), np.array([[1.0]]), activations=[activations.identity],
    ...              loss=losses.mse, rule=optimizers.sgd, lr=0.25)
    >>> trace["W1"]
    array([[1.5]])
    """
    names, lead = network.parameter_names(state), X.shape[:-2]
    inside = {n: entering(n, state[n]) for n in inputs(tuple(state))}
    for n in names:
        inside[n].requires_grad_()
    net: Net = partial(predicted, activations=activations, batch_norm=batch_norm, dropout=dropout)
    trace, tape = (torch.vmap(net) if lead else net)(inside, conversion.rows(X))
    output, targets = trace[f"A{len(activations)}"], conversion.rows(Y)
    trace["loss"] = each(loss, output, targets) if lead else loss(output, targets)[0]
    share = torch.full_like(trace["loss"], 1.0 / accumulate)
    trace.update(network.backward([*tape.items(), ("", trace["loss"])], share))
    gradients = {n: trace[f"d{n}"] for n in names if n not in frozen}
    ready = True
    if accumulate > 1:
        gradients, ready = accumulated(state, trace, gradients, accumulate)
    if ready and clip is not None:
        extra, gradients = one_by_one(clip, gradients) if lead else clip(gradients)
        trace.update(extra | {f"g.{n}": g for n, g in gradients.items()})
    shown = {n: leaving(n, t) for n, t in trace.items()}
    update(state, shown, gradients if ready else {}, rule, undecayed, hyperparameters)
    return shown


def predicted(
    state: Mapping[str, Tensor], X: Tensor, **net: Any
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return every intermediate, and what autograd is to be asked for."""
    trace, tape = network.forward(state, X, **net)
    return trace, dict(tape)


def each(loss: Loss, A: Tensor, Y: Tensor) -> Tensor:
    """Return the loss of each step of a stack: torch.vmap has another formula for some of them."""
    return torch.stack([loss(a, y)[0] for a, y in zip(A.unbind(), Y.unbind(), strict=True)])


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
    count = np.asarray(state.get("micro", 0))
    before = int(count.flat[0]) % k
    total = {
        n: conversion.tensor(state[f"a.{n}"]) + g if before else g.clone()
        for n, g in gradients.items()
    }
    trace["micro"] = torch.full(count.shape, before + 1)
    trace.update({f"a.{n}": g for n, g in total.items()})
    return total, before + 1 == k


def one_by_one(
    clip: Clip, gradients: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Clip the gradients of each step of a stack: torch clips in place, which torch.vmap does not map."""
    parts = zip(*(g.unbind() for g in gradients.values()), strict=True)
    each = [clip(dict(zip(gradients, part, strict=True))) for part in parts]
    extra, clipped = zip(*each, strict=True)
    return stacked(extra), stacked(clipped)


def stacked(each: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {n: torch.stack([tensors[n] for tensors in each]) for n in each[0]}


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
    slots, lead = {n: held.get(n, {}) for n in names}, trace["loss"].shape
    after: Trace = {}
    for group in alike([n for n in names if n in gradients], slots, lead, undecayed):
        options = dict(hyperparameters)
        if kind(group[0]) in undecayed:
            options["weight_decay"] = 0.0
        like = [state[n] for n in group]
        old = {slot: joined([slots[n][slot] for n in group], lead) for slot in slots[group[0]]}
        g = torch.cat([gradients[n].reshape(*lead, -1) for n in group], dim=-1)
        w, new = rule(joined(like, lead), g, old, **options)
        after.update(zip(group, parted(w, like, lead), strict=True))
        parts = {slot: parted(x, like, lead) for slot, x in new.items()}
        slots.update({n: {slot: x[i] for slot, x in parts.items()} for i, n in enumerate(group)})
    for n in names:
        still = n not in after
        trace.update({f"{slot}.{n}": np.array(x) if still else x for slot, x in slots[n].items()})
    trace.update({n: after[n] if n in after else np.array(state[n]) for n in names})


def alike(
    names: Sequence[str],
    slots: Mapping[str, Mapping[str, Array]],
    lead: tuple[int, ...],
    undecayed: Sequence[str],
) -> list[list[str]]:
    """Return the names in groups whose decay and slots are alike, the scalars among these equal."""
    groups: dict[Any, list[str]] = {}
    for n in names:
        scalars = tuple(x.tobytes() for x in slots[n].values() if x.ndim == len(lead))
        groups.setdefault((kind(n) in undecayed, *slots[n], *scalars), []).append(n)
    return list(groups.values())


def joined(parts: Sequence[Array], lead: tuple[int, ...] = ()) -> Tensor:
    """Return arrays end to end as one tensor, a copy; of scalars, which are equal, the first."""
    if parts[0].ndim == len(lead):
        return conversion.tensor(parts[0])
    flat = [x.reshape(*lead, -1) for x in parts]
    return conversion.moved(torch.from_numpy(np.concatenate(flat, axis=-1)))


def parted(x: Tensor, like: Sequence[Array], lead: tuple[int, ...] = ()) -> list[Array]:
    """Return the parts of `joined` again, as arrays, each in its own shape.

    >>> parted(torch.tensor([1, 2, 3]), [np.zeros((2, 1)), np.zeros((1, 1))])
    [array([[1],
           [2]]), array([[3]])]
    """
    whole = conversion.array(x)
    if x.ndim <= len(lead):  # a first count is the same for a whole stack
        return [np.full(lead, whole) for _ in like]
    sizes = [math.prod(w.shape[len(lead) :]) for w in like]
    parts = zip(like, sizes, accumulate(sizes), strict=True)
    return [whole[..., end - size : end].reshape(w.shape).copy() for w, size, end in parts]


def slots_by_parameter(state: State) -> dict[str, dict[str, Array]]:
    """Return the rule's state of each parameter: m.W1 is slot m of W1; gradients a.W1, g.W1 are not state.

    >>> slots_by_parameter({"m.W1": 1, "W1": 2, "g.W1": 3, "v.W1": 4})
    {'W1': {'m': 1, 'v': 4}}
    """
    held: dict[str, dict[str, Array]] = {}
    for key in state:
        slot, dot, name = key.partition(".")
        if dot and slot not in ("a", "g"):
            held.setdefault(name, {})[slot] = state[key]
    return held
