r"""The agreement of a formula, measured while the book is built: by hand and torch against the stated formula."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.configuration import Configuration, pair, resolve
from compare.formulas import activations as stated_activations
from compare.formulas import losses as stated_losses
from compare.formulas import optimizers
from compare.judgement import Distance, judge
from compare.tolerances import formula_limit
from compare.verification import Batch

Array = NDArray[Any]
DTYPES = ("float64", "float32")
STEPS = 4
SIZES = (4, 5, 3)


@dataclass(frozen=True)
class Measured:
    """One quantity in one precision: the worst errors of both sides, in units of u times the sum of magnitudes."""

    name: str
    dtype: str
    compared: int = 0
    manual: float = 0.0
    torch: float = 0.0
    unequal: int = 0  # of the numbers compared, how many differ between the sides at all
    margin: float = 0.0  # the worst error of the hand-written side over what is allowed

    @property
    def agrees(self) -> bool:
        return self.compared > 0 and self.margin <= 1.0

    def joined(self, other: Measured) -> Measured:
        return replace(
            self,
            compared=self.compared + other.compared,
            manual=max(self.manual, other.manual),
            torch=max(self.torch, other.torch),
            unequal=self.unequal + other.unequal,
            margin=max(self.margin, other.margin),
        )


def gathered(rows: Iterable[Measured]) -> list[Measured]:
    """Return the rows with those of one quantity and precision joined."""
    out: dict[tuple[str, str], Measured] = {}
    for row in rows:
        key = row.name, row.dtype
        out[key] = out[key].joined(row) if key in out else row
    return list(out.values())


def unequal(a: Array, b: Array) -> int:
    return int(np.sum((a != b) & ~(np.isnan(a) & np.isnan(b))))


def between(
    mine: Mapping[str, Distance],
    theirs: Mapping[str, Distance],
    sides: tuple[Mapping[str, Array], Mapping[str, Array]],
    dtype: str,
) -> Iterator[Measured]:
    for name, d in mine.items():
        a, b = (np.asarray(side[name]) for side in sides)
        margin = d.ratio / formula_limit(theirs[name].ratio, d.terms)
        other = theirs[name].ratio
        yield Measured(name, dtype, d.elements, d.ratio, other, unequal(a, b), margin)


def activation(name: str) -> list[Measured]:
    """Measure an activation and its backward on ordinary, zero, tiny and large arguments."""
    return gathered(row for dtype in DTYPES for row in activation_in(name, dtype))


def activation_in(name: str, dtype: str) -> Iterator[Measured]:
    import manual.activations
    from compare.checking.operations import arguments, bare, torch_activation

    formulas = bare(activations=[pair(stated_activations, name)], only="activation")
    torch = torch_activation(Configuration(activations=(name,)))
    g = resolve(manual.activations, name)
    for _, z in arguments(dtype, 0):
        dz = np.random.default_rng(1).normal(size=z.shape).astype(dtype)
        state = {"Z1": z, "dA1": dz}
        with np.errstate(all="ignore"):
            A, backward = g(z)
            mine, theirs = {"A1": A, "dZ1": backward(dz)}, torch(state, z, z)
            distances = [judge(formulas, {**state, **t}, state, z, z) for t in (mine, theirs)]
        yield from between(distances[0], distances[1], (mine, theirs), dtype)


def loss(name: str) -> list[Measured]:
    """Measure a loss and its gradient."""
    return gathered(row for dtype in DTYPES for row in loss_in(name, dtype))


def loss_in(name: str, dtype: str) -> Iterator[Measured]:
    import manual.losses
    from compare.checking.operations import bare, outputs, torch_loss

    formulas = bare(loss=pair(stated_losses, name), only="loss")
    torch = torch_loss(Configuration(loss=name))
    for _, A, Y in outputs(name, dtype, 0):
        state = {"A1": A}
        with np.errstate(all="ignore"):
            L, backward = resolve(manual.losses, name)(A, Y)
            mine, theirs = {"loss": L, "dA1": backward()}, torch(state, A, Y)
            distances = [judge(formulas, {**state, **t}, state, A, Y) for t in (mine, theirs)]
        yield from between(distances[0], distances[1], (mine, theirs), dtype)


def steps(configuration: Configuration, kinds: tuple[str, ...]) -> list[Measured]:
    """Measure the entries of these kinds (W, dW, m, ...) in whole training steps of a small net."""
    rows = (row for dtype in DTYPES for row in stepped(configuration, dtype))
    return [row for row in gathered(rows) if not kinds or row.name in kinds]


def stepped(c: Configuration, dtype: str) -> Iterator[Measured]:
    """Yield every entry of a few steps, both sides from the same state."""
    state, batches = start(c, dtype)
    for given in batches:
        before, X, Y = {**state, **given.state}, given.X, given.Y
        sides = c.by_hand()(before, X, Y), c.by_torch()(before, X, Y)
        distances = [judge(c.formulas(), side, before, X, Y) for side in sides]
        rows = between(distances[0], distances[1], sides, dtype)
        yield from (replace(row, name=kind(row.name)) for row in rows)
        state = sides[0]


def kind(name: str) -> str:
    """Return what an entry is, without its layer.

    >>> kind("dW2"), kind("m.W1"), kind("running_mean1")
    ('dW', 'm', 'running_mean')
    """
    return name.partition(".")[0].rstrip("0123456789")


def start(c: Configuration, dtype: str) -> tuple[dict[str, Array], list[Batch]]:
    """Return a small random net and batches for it."""
    random = np.random.default_rng(0)
    state: dict[str, Array] = {}
    for l, (k, n) in enumerate(itertools.pairwise(SIZES), 1):
        state[f"W{l}"] = random.normal(size=(n, k)).astype(dtype)
        state[f"b{l}"] = random.normal(size=(n, 1)).astype(dtype)
    if c.batch_norm is not None:
        n = SIZES[1]
        zero, one = np.zeros((n, 1), dtype), np.ones((n, 1), dtype)
        state |= {"gamma1": one, "beta1": zero, "running_mean1": zero.copy()}
        state |= {"running_var1": one.copy(), "batches1": np.asarray(0)}
    return state, [batch(c, random, dtype) for _ in range(STEPS)]


def batch(c: Configuration, random: np.random.Generator, dtype: str) -> Batch:
    m = 16
    X = random.normal(size=(SIZES[0], m)).astype(dtype)
    Y = random.normal(size=(SIZES[-1], m)).astype(dtype)
    masks = (random.random((SIZES[1], m)) > c.dropout).astype(dtype)
    return Batch(X, Y, {}, {"mask1": masks} if c.dropout else {})


def rule(name: str) -> list[Measured]:
    """Measure an update rule: its state and the parameter, both sides given the same gradients."""
    return gathered(row for dtype in DTYPES for row in rule_in(name, dtype))


def rule_in(name: str, dtype: str) -> Iterator[Measured]:
    from compare.checking.operations import bare

    options = {"lr": 0.01}
    formulas = bare(rule=getattr(optimizers, name), only="update", hyperparameters=options)
    random = np.random.default_rng(0)
    state = {"W1": random.normal(size=(6, 8)).astype(dtype)}
    for k in range(3 * STEPS):
        g = (random.normal(size=(6, 8)) * 10.0 ** (k % 3 - 1)).astype(dtype)
        sides = tuple(
            ruled(package, name, state, g, options) for package in ("manual", "reference")
        )
        distances = [judge(formulas, {"dW1": g, **side}, state, g, g) for side in sides]
        rows = between(distances[0], distances[1], (sides[0], sides[1]), dtype)
        yield from (replace(row, name=kind(row.name)) for row in rows)
        state = sides[0]


def ruled(
    package: str, name: str, state: Mapping[str, Array], g: Array, options: Mapping[str, Any]
) -> dict[str, Array]:
    """Return the state after one update by one of the packages."""
    import torch

    rules = importlib.import_module(f"{package}.optimizers")
    take: Any = np.array if package == "manual" else torch.tensor
    slots = {key.partition(".")[0]: take(x) for key, x in state.items() if "." in key}
    W, after = getattr(rules, name)(take(state["W1"]), take(g), slots, **options)
    return {f"{key}.W1": np.asarray(x) for key, x in after.items()} | {"W1": np.asarray(W)}


def same(pairs: Iterable[tuple[str, Array, Array]]) -> list[Measured]:
    """Measure what is to be equal bit for bit, such as random draws; errors in units of the last place."""
    rows = []
    for name, a, b in pairs:
        u = np.finfo(a.dtype).eps / 2 if a.dtype.kind == "f" else 1.0
        wide = a.astype(np.float64), b.astype(np.float64)
        apart = np.abs(wide[0] - wide[1]) / (u * np.maximum(np.abs(wide[1]), 1e-300))
        worst = float(apart.max(initial=0.0))
        rows.append(Measured(name, str(a.dtype), a.size, worst, 0.0, unequal(a, b), worst / 4.0))
    return gathered(rows)


DRAWS = (
    "kaiming_normal", "kaiming_uniform", "linear_default", "normal", "trunc_normal", "uniform",
    "xavier_normal", "xavier_uniform",
)  # fmt: skip
SCHEDULES: Mapping[str, Mapping[str, Any]] = {
    "exponential": {"gamma": 0.9},
    "step_decay": {"step_size": 7},
    "cosine": {"T_max": 40},
    "linear_warmup": {"total_iters": 10},
    "one_cycle": {"total_steps": 40},
}


def drawn(group: str, name: str) -> list[Measured]:
    """Measure what both packages make from a seed or a step number: initial weights, schedules."""
    if group == "initialization" and name in DRAWS:
        return same(pair for dtype in DTYPES for pair in weights(name, dtype))
    if group == "schedules" and name in SCHEDULES:
        mine, theirs = (importlib.import_module(f"{p}.schedules") for p in ("manual", "reference"))
        rates = [
            np.array([getattr(side, name)(k, lr=0.1, **SCHEDULES[name]) for k in range(40)])
            for side in (mine, theirs)
        ]
        return same([("rate", rates[0], rates[1])])
    return []


def weights(name: str, dtype: str) -> Iterator[tuple[str, Array, Array]]:
    """Yield the initial parameters of a net by both packages, from one seed."""
    import manual
    import manual.initialization
    import manual.random
    import reference
    import reference.initialization
    import reference.random
    from compare.seeding import generator

    mine, theirs = (
        package.initialization.initialize(
            (20, 30, 5), scheme=name, seed=generator(package, 0), dtype=np.dtype(dtype)
        )
        for package in (manual, reference)
    )
    yield from ((kind(key), x, theirs[key]) for key, x in mine.items())
