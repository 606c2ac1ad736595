r"""One training step as stated: forward, loss, backward, clipping, the rule's state, the parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.formulas import network
from compare.formulas.arithmetic import Tracked, errors
from compare.formulas.evaluation import evaluation, mean_loss
from compare.traces import PARAMETERS, Array, kind

Slots = Callable[[str], Tracked | None]
Expected = Iterator[tuple[str, Tracked]]


@dataclass(frozen=True)
class Formulas:
    """The stated formulas of one configuration; activations and loss each with their gradient."""

    activations: Sequence[network.Activation]
    loss: tuple[Callable[[Tracked, Tracked], Tracked], Callable[[Tracked, Tracked], Tracked]]
    rule: Callable[..., Expected]
    hyperparameters: Mapping[str, Any]
    clip: Callable[[Mapping[str, Tracked], Callable[[str], Tracked]], Expected] | None = None
    batch_norm: Mapping[str, Any] | None = None
    dropout: float = 0.0
    accumulate: int = 1
    undecayed: Sequence[str] = ()
    frozen: Sequence[str] = ()
    summed: float = 1.0  # what the gradients before those of parameters are not yet divided by
    ahead: int = 0  # micro-batches that count as taken before the first
    late: bool = False  # whether the mean over micro-batches is taken of gradients, not of the loss
    apart: bool = False  # whether the rule mixes the entries of a parameter, so that each is stepped by itself
    evaluates: Callable[..., Expected] = evaluation
    averages: Callable[..., Expected] = mean_loss  # the losses of an epoch
    only: str = "step"  # or "update", "activation", "loss": that part alone


def step(
    formulas: Formulas,
    names: Sequence[str],
    read: Callable[[str], Tracked],
    before: Callable[[str], Tracked],
    has: Callable[[str], bool],
) -> Expected:
    """Yield every entry of the step's trace by name; `names` are the parameters, `has` tells what the state holds."""
    if formulas.only == "update":
        yield from update(formulas, names, read, before, has)
        return
    if formulas.only != "step":
        yield from single(formulas, read)
        return
    shape = formulas.activations, formulas.batch_norm, formulas.dropout
    output = f"A{len(formulas.activations)}"
    loss, loss_gradient = formulas.loss
    yield from network.forward(read, before, has, *shape)
    yield "loss", loss(read(output), read("Y"))
    d = loss_gradient(read(output), read("Y"))
    share = formulas.summed / (1.0 if formulas.late else formulas.accumulate)
    yield f"d{output}", d if share == 1.0 else d * share
    yield from divided(formulas.summed, network.backward(read, before, has, *shape))
    yield from update(formulas, names, read, before, has)
    if has("evalX"):
        yield from formulas.evaluates(read, before, has, formulas.activations, formulas.batch_norm)
    if has("evalX") and has("evalY"):
        yield "evalloss", loss(read(f"eval{output}"), before("evalY"))
    if has("epochs"):
        yield from formulas.averages(read, before, has)


def divided(N: float, gradients: Expected) -> Expected:
    """Yield the gradients, those of parameters divided by N."""
    for name, x in gradients:
        last = N != 1.0 and kind(name).removeprefix("d") in PARAMETERS
        yield name, x / N if last else x


def single(formulas: Formulas, read: Callable[[str], Tracked]) -> Expected:
    """Yield one activation, A1 of Z1 and dZ1 of dA1, or one loss, of A1 and Y, and its gradient dA1."""
    if formulas.only == "activation":
        g, gradient = formulas.activations[0]
        yield "A1", g(read("Z1"))
        yield "dZ1", gradient(read("Z1"), read("A1"), read("dA1"))
        return
    loss, loss_gradient = formulas.loss
    yield "loss", loss(read("A1"), read("Y"))
    yield "dA1", loss_gradient(read("A1"), read("Y"))


def update(
    formulas: Formulas,
    names: Sequence[str],
    read: Callable[[str], Tracked],
    before: Callable[[str], Tracked],
    has: Callable[[str], bool],
) -> Expected:
    """Yield the gradients the rule sees, its state for every parameter, then the parameters."""
    moving = [n for n in names if n not in formulas.frozen]
    prefix, ready = "d", True
    if formulas.accumulate > 1:
        yield from accumulated(formulas, moving, read, before, has)
        ready = int(network.one(read("micro"))) == formulas.accumulate
        prefix = "a."
    if ready and formulas.clip is not None:
        yield from formulas.clip({n: read(prefix + n) for n in moving}, read)
        prefix = "g."
    after = {n: before(n) for n in names}
    still = [n for n in names if not (ready and n in moving)]
    for n in still:
        yield from resting(n, before, has)
    for group in alike(formulas, [n for n in names if n not in still], before, has):
        gradients = {n: read(prefix + n) for n in group}
        for slot, expected in ruled(formulas, gradients, read, before, has):
            for n, share in zip(group, parted(expected, list(map(before, group))), strict=True):
                if slot:
                    yield f"{slot}.{n}", share
                else:
                    after[n] = share
    yield from after.items()


def accumulated(
    formulas: Formulas,
    moving: Sequence[str],
    read: Callable[[str], Tracked],
    before: Callable[[str], Tracked],
    has: Callable[[str], bool],
) -> Expected:
    like = read("loss")
    taken = int(network.one(before("micro"))) if has("micro") else formulas.ahead
    count = taken % formulas.accumulate
    yield "micro", Tracked(like.number(count + 1.0), None, like.u)
    for n in moving:
        g = read(f"d{n}") * (1.0 / formulas.accumulate) if formulas.late else read(f"d{n}")
        yield f"a.{n}", before(f"a.{n}") + g if count and has(f"a.{n}") else g


def ruled(
    formulas: Formulas,
    gradients: Mapping[str, Tracked],
    read: Callable[[str], Tracked],
    before: Callable[[str], Tracked],
    has: Callable[[str], bool],
) -> Expected:
    """Yield the rule's state and parameters, end to end, for a group of parameters."""
    names = list(gradients)

    def old(slot: str) -> Tracked | None:
        if not has(f"{slot}.{names[0]}"):
            return None
        return together(slot, [before(f"{slot}.{n}") for n in names])

    def new(slot: str) -> Tracked:
        return together(slot, [read(f"{slot}.{n}") for n in names])

    options = dict(formulas.hyperparameters)
    if kind(names[0]) in formulas.undecayed:
        options["weight_decay"] = 0.0
    p, g = joined([before(n) for n in names]), joined(list(gradients.values()))
    return formulas.rule(p, g, old, new, **options)


def alike(
    formulas: Formulas,
    names: Sequence[str],
    before: Callable[[str], Tracked],
    has: Callable[[str], bool],
) -> list[list[str]]:
    """Return the names in groups whose rule is one and the same: rules work entry by entry.

    Parameters go together where weight decay treats them alike and their slots, and counts, are equal.
    """
    if formulas.apart:
        return [[n] for n in names]
    groups: dict[tuple[Any, ...], list[str]] = {}
    for n in names:
        slots = tuple(slot for slot in SLOTS if has(f"{slot}.{n}"))
        scalars = [before(f"{slot}.{n}") for slot in slots if slot in SCALARS]
        counts = tuple(tuple(map(float, x.value.flat)) for x in scalars)
        groups.setdefault((kind(n) in formulas.undecayed, slots, counts), []).append(n)
    return list(groups.values())


def together(slot: str, parts: Sequence[Tracked]) -> Tracked:
    """Return a slot of several parameters as one; scalars are equal."""
    return parts[0] if slot in SCALARS or parts[0].value.ndim == 0 else joined(parts)


def joined(parts: Sequence[Tracked]) -> Tracked:
    """Return arrays end to end as one; in a stack, those of each step."""
    first = parts[0]
    if len(parts) == 1:
        return first

    def rule(*each: Array | None) -> Array | None:
        if all(e is None for e in each):
            return None
        spreads = (spread(e, x) for e, x in zip(each, parts, strict=True))
        return np.concatenate([row(e) for e in spreads], axis=-1)

    value = np.concatenate([row(x.value) for x in parts], axis=-1)
    error, fresh = errors(rule, *parts)
    return Tracked(value, error, first.u, max(x.terms for x in parts), fresh)


def row(x: Array) -> Array:
    return x.reshape(len(x), 1, -1) if x.ndim > 2 else x.ravel()


def spread(error: Array | None, x: Tracked) -> Array:
    """Return an error of `x` in its shape; zeros where there is none."""
    return np.broadcast_to(ZERO if error is None else error, x.shape)


def parted(x: Tracked, like: Sequence[Tracked]) -> Iterator[Tracked]:
    """Yield the parts of `joined` again, each in the shape of its parameter."""
    start, sizes = 0, [math.prod(p.shape[-2:]) for p in like]
    for p, size in zip(like, sizes, strict=True):
        if len(like) == 1 or x.shape[-1:] != (sum(sizes),):
            yield x
            continue
        part = slice(start, start + size)

        def cut(e: Array | None, p: Tracked = p, part: slice = part) -> Array | None:
            return None if e is None else spread(e, x)[..., part].reshape(p.shape)

        error, fresh = errors(cut, x)
        yield Tracked(x.value[..., part].reshape(p.shape), error, x.u, x.terms, fresh)
        start += size


def resting(n: str, before: Callable[[str], Tracked], has: Callable[[str], bool]) -> Expected:
    """Yield the state of a parameter that this step does not move: as it was."""
    for slot in SLOTS:
        if has(f"{slot}.{n}"):
            yield f"{slot}.{n}", before(f"{slot}.{n}")


ZERO = np.zeros(())
SCALARS = ("t", "mu")
SLOTS = ("t", "m", "v", "vmax", "s", "ga", "u", "mu", "d", "prev", "eta")
