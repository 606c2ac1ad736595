r"""What the common mistakes look like: each wrong form of the diagnosis, computed beside the right one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.book.measurement.steps import start
from compare.configuration import Configuration, output_of
from compare.diagnosis import Scene, Shown, Variant, network, rules
from compare.diagnosis.variant import RIGHT, entries
from compare.traces import Array

OTHER = re.compile(
    r" in place of \w+$|^the derivative of |^\w+ with \w+="
)  # another function altogether
SIZE = re.compile(r"\b1e-?\d+\b")
FIRST = 1e-9  # a relative difference below this is no mistake that shows on this example


@dataclass(frozen=True)
class Seen:
    """A mistake, and how it first shows: in which entry, at which step, and how much."""

    name: str
    wrong: str
    right: str
    source: str
    same_as: str
    where: str
    looks: str


def scene(c: Configuration, origin: str, *, steps: int = 3) -> Scene:
    """Return a scene of a right run, in which `origin` is what one may get wrong."""
    state, batches = start(c, "float64")
    shown = []
    for batch in batches[:steps]:
        before: Mapping[str, Array] = {**state, **batch.state}
        Y = targets(c, batch.Y)
        trace = c.by_hand()(before, batch.X, Y)
        shown.append(Shown(trace, before, batch.X, Y, c.formulas()))
        state = trace
    return Scene(tuple(shown), origin)


def targets(c: Configuration, Y: Array) -> Array:
    """Return targets that the loss takes: labels, or one class a column."""
    if c.loss.startswith("cross_entropy"):
        return np.asarray(np.eye(len(Y))[:, Y.argmax(axis=0)])
    return np.asarray(Y > 0.0, Y.dtype) if c.loss.startswith("bce") else Y


def common(c: Configuration, origins: tuple[str, ...]) -> list[Seen]:
    """Return the mistakes that these entries can have and that show, each told once."""
    found: dict[str, Seen] = {}
    for origin in origins:
        about = scene(c, origin)
        for variant in [*rules.mistakes(about), *network.mistakes(about)]:
            seen = None if OTHER.search(variant.name) else look(variant, about)
            if seen:
                found.setdefault(SIZE.sub("", variant.name), seen)  # one size of an epsilon will do
    return list(found.values())


def look(variant: Variant, about: Scene) -> Seen | None:
    """Return how a variant first shows, or None where it does not show, or cannot be computed here."""
    for number, shown in enumerate(about.steps, 1):
        try:
            found = apart(variant, about, shown)
        except (ValueError, KeyError):
            return None
        if found:
            entry, looks = found
            where = f"`{entry}`, step {number}"
            v = variant
            return Seen(v.name, v.wrong, v.right, v.source, v.same_as, where, looks)
    return None


def apart(variant: Variant, about: Scene, shown: Shown) -> tuple[str, str] | None:
    with np.errstate(all="ignore"):
        right = dict(entries(RIGHT, shown, about, {}))
        for name, value in entries(variant, shown, about, {}):
            if name not in right:
                return name, "an entry that the right step does not have"
            if value.shape != right[name].shape:
                return name, f"shape {value.shape}"
            before = shown.state.get(name) if name in shown.parameters else None
            looks = difference(plain(value.value), plain(right[name].value), before)
            if looks:
                return name, looks
    return None


def plain(x: Array) -> Array:
    return np.asarray(x, dtype=np.float64)


def difference(wrong: Array, right: Array, before: Array | None) -> str:
    """Return in words how a wrong array differs: by one factor, or by how much at most; '' if it does not.

    Of a parameter it is the update that is compared.

    >>> difference(np.array([2.0, 4.0]), np.array([1.0, 2.0]), None)
    '2 times'
    """
    scale = float(np.abs(right).max(initial=0.0))
    if np.allclose(wrong, right, rtol=FIRST, atol=FIRST * scale, equal_nan=True):
        return ""
    if before is not None and before.shape == right.shape:
        wrong, right = wrong - before, right - before
    if not np.isfinite(wrong).all():
        return "not finite"
    sizes = np.abs(right)
    ratio = wrong[sizes > 0.0] / right[sizes > 0.0]
    extra = np.abs(ratio - 1.0).max(initial=0.0)
    one = ratio.size and np.ptp(ratio) <= 1e-6 * extra and not wrong[sizes == 0.0].any()
    if one and ratio.mean() == 0.0:
        return "zero"
    if one:
        return (
            f"{ratio.mean():.4g} times" if extra > 1e-3 else f"1 + {ratio.mean() - 1.0:.2g} times"
        )
    return f"off by up to {np.abs(wrong - right).max() / (sizes.max() or 1.0):.2g} of the largest"


def of(group: str, name: str) -> Iterator[Seen]:
    """Yield the common mistakes in a formula of the book."""
    for c, origins in SCENES.get(f"{group}.{name}") or cases(group, name):
        yield from common(c, origins)


def cases(group: str, name: str) -> list[tuple[Configuration, tuple[str, ...]]]:
    """Return the runs in which a formula's mistakes are looked for, and the entries they are made in."""
    if group == "activations":
        return [(Configuration(activations=(name, "identity")), ("A1", "dZ1"))]
    if group == "losses":
        return [(Configuration(activations=("tanh", output_of(name)), loss=name), ("loss", "dA2"))]
    if group == "optimizers":
        options = {"lr": 0.01, **OPTIONS.get(name, {})}
        c = Configuration(activations=("tanh", "identity"), optimizer=name, options=options)
        return [(c, ("W1",))]
    return []


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "adagrad": {"lr_decay": 0.1}, "rmsprop": {"momentum": 0.9, "centered": True},
    "sgd": {"weight_decay": 0.1}, "adamw": {"weight_decay": 0.1},
    "momentum": {"dampening": 0.1},
    "adam": {"weight_decay": 0.1},
}  # fmt: skip
NET = Configuration(activations=("relu", "identity"), loss="mse")
SCENES: Mapping[str, list[tuple[Configuration, tuple[str, ...]]]] = {
    "layers.linear": [(NET, ("Z1", "dW2", "db2", "dA1"))],
    "network.forward": [(NET, ("Z1", "Z2"))],
    "network.backward": [(NET, ("dW2", "db2", "dA1", "dW1", "db1"))],
    "layers.dropout": [(Configuration(dropout=0.25), ("D1", "dA1"))],
    "normalization.batch_norm": [
        (Configuration(batch_norm={}), ("mu1", "var1", "xhat1", "N1", "dgamma1", "dbeta1", "dZ1"))
    ],
    "normalization.running_statistics": [
        (Configuration(batch_norm={}), ("running_mean1", "running_var1"))
    ],
    "clipping.clip_by_norm": [(Configuration(clip={"norm": 0.5}), ("norm", "g.W1"))],
    "clipping.clip_by_value": [(Configuration(clip={"value": 0.05}), ("g.W1",))],
}
