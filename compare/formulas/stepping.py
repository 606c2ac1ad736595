r"""One training step as stated: forward, loss, backward, clipping, the rule's state, the parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compare.formulas import network
from compare.formulas.arithmetic import Tracked

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


def step(
    formulas: Formulas,
    names: Sequence[str],
    read: Callable[[str], Tracked],
    before: Callable[[str], Tracked],
    has: Callable[[str], bool],
) -> Expected:
    """Yield every entry of the step's trace by name; `names` are the parameters, `has` tells what the state holds."""
    shape = {
        "activations": formulas.activations,
        "batch_norm": formulas.batch_norm,
        "dropout": formulas.dropout,
    }
    output = f"A{len(formulas.activations)}"
    loss, loss_gradient = formulas.loss
    yield from network.forward(read, before, has, **shape)
    yield "loss", loss(read(output), read("Y"))
    d = loss_gradient(read(output), read("Y"))
    yield f"d{output}", d if formulas.accumulate == 1 else d * (1.0 / formulas.accumulate)
    yield from network.backward(read, before, has, **shape)
    yield from update(formulas, names, read, before, has)


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
        ready = int(read("micro").value) == formulas.accumulate
        prefix = "a."
    if ready and formulas.clip is not None:
        yield from formulas.clip({n: read(prefix + n) for n in moving}, read)
        prefix = "g."
    after = {}
    for n in names:
        if not (ready and n in moving):
            yield from resting(n, before, has, formulas)
            after[n] = before(n)
            continue
        for slot, expected in ruled(formulas, n, read(prefix + n), read, before, has):
            if slot:
                yield f"{slot}.{n}", expected
            else:
                after[n] = expected
    yield from after.items()


def accumulated(
    formulas: Formulas,
    moving: Sequence[str],
    read: Callable[[str], Tracked],
    before: Callable[[str], Tracked],
    has: Callable[[str], bool],
) -> Expected:
    like = read("loss")
    count = int(before("micro").value) % formulas.accumulate if has("micro") else 0
    yield "micro", Tracked(like.number(count + 1.0), None, like.u)
    for n in moving:
        yield f"a.{n}", before(f"a.{n}") + read(f"d{n}") if count else read(f"d{n}")


def ruled(
    formulas: Formulas,
    n: str,
    g: Tracked,
    read: Callable[[str], Tracked],
    before: Callable[[str], Tracked],
    has: Callable[[str], bool],
) -> Expected:
    """Yield the rule's state and parameter for parameter `n`."""

    def old(slot: str) -> Tracked | None:
        return before(f"{slot}.{n}") if has(f"{slot}.{n}") else None

    def new(slot: str) -> Tracked:
        return read(f"{slot}.{n}")

    options = dict(formulas.hyperparameters)
    if n.rstrip("0123456789") in formulas.undecayed:
        options["weight_decay"] = 0.0
    return formulas.rule(before(n), g, old, new, **options)


def resting(
    n: str, before: Callable[[str], Tracked], has: Callable[[str], bool], formulas: Formulas
) -> Expected:
    """Yield the state of a parameter that this step does not move: as it was."""
    for slot in SLOTS:
        if has(f"{slot}.{n}"):
            yield f"{slot}.{n}", before(f"{slot}.{n}")


SLOTS = ("t", "m", "v", "vmax", "s", "ga", "u", "mu", "d", "prev", "eta")
