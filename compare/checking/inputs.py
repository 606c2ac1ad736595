r"""The inputs a candidate is tried on: ordinary first, then those on which mistakes show that hide elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from compare.configuration import Configuration, parse
from compare.targets import TARGETS, real
from compare.tasks import normalization_state
from compare.traces import Array
from compare.verification import Batch


@dataclass(frozen=True)
class Trial:
    """A start and batches to step on, and what they are meant to bring out."""

    name: str
    state: dict[str, Array]
    batches: tuple[Batch, ...]


def trials(
    c: Configuration,
    sizes: tuple[int, ...],
    *,
    m: int,
    steps: int,
    dtype: str,
    seed: int,
    rated: bool = False,
    fixed: bool = False,
) -> Iterator[Trial]:
    """Yield the trials of a training step: all sizes differ in the first, so that no transpose goes unseen.

    The first is long enough for two updates from accumulated gradients. With `rated` the step takes
    another lr each time; with `fixed` its sizes are those of every trial.
    """
    steps = max(steps, 2 * c.accumulate)
    one = (*sizes[:-1], 1)
    square = tuple(m for _ in sizes)
    several = parse(c.loss)[0].startswith("cross_entropy")
    yield trial("ordinary inputs", c, sizes, (m,) * steps, dtype, seed)
    yield trial(
        "a last batch that is smaller", c, sizes, (m, m, max(2, m // 2 - 1)), dtype, seed + 1
    )
    if rated:
        falling = trial(
            "a falling learning rate", c, sizes, (m,) * 3 * c.accumulate, dtype, seed + 8
        )
        yield replace(falling, batches=tuple(slowed(falling.batches, c)))
    yield trial("exact zeros in X and b: kinks", c, sizes, (m, m), dtype, seed + 2, zeros=True)
    yield trial("saturated units", c, sizes, (m, m), dtype, seed + 3, scale=40.0)
    yield trial("overflowing units", c, sizes, (m,), dtype, seed + 4, scale=2000.0)
    yield trial("tiny gradients", c, sizes, (m, m), dtype, seed + 5, scale=1e-6)
    if c.batch_norm is not None:
        far = 1e4 if dtype == "float64" else 1e3  # where a mean of squares less a square cancels
        yield trial("features far from 0", c, sizes, (m, m), dtype, seed + 9, offset=far)
    if fixed:
        return
    if not several:
        yield trial("one output", c, one, (m, m), dtype, seed + 6)
    yield trial("all sizes equal", c, square, (m, m), dtype, seed + 7)


def slowed(batches: Iterable[Batch], c: Configuration) -> Iterator[Batch]:
    """Yield the batches, each with a smaller lr than the one before."""
    for k, batch in enumerate(batches, 1):
        yield replace(batch, options={"lr": c.options.get("lr", 0.01) / k})


def trial(
    name: str,
    c: Configuration,
    sizes: tuple[int, ...],
    batches: tuple[int, ...],
    dtype: str,
    seed: int,
    *,
    scale: float = 1.0,
    zeros: bool = False,
    offset: float = 0.0,
) -> Trial:
    random = np.random.default_rng(seed)
    state: dict[str, Array] = {}
    for l, (k, n) in enumerate(itertools.pairwise(sizes), 1):
        state[f"W{l}"] = scale * random.normal(size=(n, k)) / np.sqrt(k)
        state[f"b{l}"] = (
            0.0 * random.normal(size=(n, 1)) if zeros else 0.3 * random.normal(size=(n, 1))
        )
    if c.batch_norm is not None:
        state |= affine(random, normalization_state(sizes[1:-1], np.dtype(dtype)))
    target = TARGETS.get(parse(c.loss)[0], real)
    made = []
    for m in batches:
        X = 1.5 * random.normal(size=(sizes[0], m)) + 0.3 + offset
        if zeros:
            X[:, :2] = 0.0
        Y = target(random, sizes[-1], m)
        if zeros and target is real:
            Y[:, 1:2] = 0.0  # where the output is 0 as well: no error at all
        masks = {
            f"mask{l}": (random.random((n, m)) > c.dropout).astype(dtype)
            for l, n in enumerate(sizes[1:-1], 1)
            if c.dropout
        }
        made.append(Batch(X.astype(dtype), Y.astype(dtype), {}, masks))
    counted = {n: x if n.startswith("batches") else x.astype(dtype) for n, x in state.items()}
    return Trial(name, counted, tuple(made))


def affine(random: np.random.Generator, state: dict[str, Array]) -> dict[str, Array]:
    """Return the state of batch norm away from gamma = 1, beta = 0, where mistakes hide."""
    for name, x in state.items():
        if name.startswith(("gamma", "beta")):
            state[name] = x + 0.3 * random.normal(size=x.shape)
    return state


def gradients(
    shape: tuple[int, ...], steps: int, dtype: str, seed: int, *, long: bool = False
) -> dict[str, list[Array]]:
    """Return sequences of gradients for a rule, by what they are meant to bring out; `long` ones too."""
    random = np.random.default_rng(seed)
    plain = [random.normal(size=shape) for _ in range(steps)]
    sequences = {
        "ordinary gradients": plain,
        "small gradients, where epsilon counts": [1e-7 * g for g in plain],
        "gradients that are sometimes zero": [g * (random.random(shape) < 0.5) for g in plain],
        "zero gradients from the start": [0.0 * g for g in plain[:3]] + plain[3:],
        "gradients of 1e-20": [1e-20 * g for g in plain],
        "large gradients": [1e4 * g for g in plain],
        "constant gradients": [plain[0]] * (LONG * steps if long else steps),
    }
    if long:
        sequences["gradients of changing sign"] = [
            (-1) ** k * plain[0] for k in range(LONG * steps)
        ]
    return {name: [g.astype(dtype) for g in made] for name, made in sequences.items()}


LONG = 5  # times as many steps: rprop's go from their first size to the largest in 48, to the least in 28


def arguments(dtype: str, seed: int) -> Iterator[tuple[str, Array]]:
    """Yield arguments for an activation, ordinary ones first."""
    random = np.random.default_rng(seed)
    yield "ordinary arguments", random.normal(size=(4, 6)).astype(dtype) * 2
    yield (
        "exact zeros",
        np.where(random.random((4, 6)) < 0.5, 0.0, random.normal(size=(4, 6))).astype(dtype),
    )
    yield "large arguments", (random.normal(size=(4, 6)) * 30).astype(dtype)
    yield "arguments of a thousand", (random.normal(size=(4, 6)) * 1000).astype(dtype)
    yield "tiny arguments", (random.normal(size=(4, 6)) * 1e-9).astype(dtype)
    yield "an even sweep", np.linspace(-50.0, 50.0, 200).reshape(4, 50).astype(dtype)
    yield "a single row", random.normal(size=(1, 5)).astype(dtype)


def outputs(loss: str, dtype: str, seed: int) -> Iterator[tuple[str, Array, Array]]:
    """Yield outputs and targets for a loss, ordinary ones first."""
    random = np.random.default_rng(seed)
    target = TARGETS.get(loss, real)
    for case, n, m, scale in (
        ("ordinary outputs", 3, 7, 2.0),
        ("one output", 1, 5, 2.0),
        ("one example", 3, 1, 2.0),
        ("large outputs", 3, 7, 50.0),
        ("outputs of a thousand", 3, 7, 1000.0),
        ("small outputs", 3, 7, 1e-6),
    ):
        probable = loss in ("bce", "cross_entropy_on_probabilities")
        if (loss.startswith("cross_entropy") and n == 1) or (probable and scale > 100.0):
            continue
        A = random.normal(size=(n, m)) * scale
        if probable:
            A = 1.0 / (1.0 + np.exp(-A))
        yield case, A.astype(dtype), target(random, n, m).astype(dtype)
    if target is real:
        A = random.normal(size=(3, 7))
        near = np.where(random.random(A.shape) < 0.5, A, A + random.normal(size=A.shape))
        yield "outputs that equal their targets", A.astype(dtype), near.astype(dtype)
    if loss == "bce":
        A = np.array([[0.0, 1.0, 0.5, 0.0, 1.0]], dtype=dtype)
        yield (
            "probabilities of exactly 0 and 1",
            A,
            np.array([[0.0, 1.0, 1.0, 1.0, 0.0]], dtype=dtype),
        )
    if loss == "bce_with_logits":  # where |z| has a kink and the loss has none
        A = np.array([[0.0, 0.0, 1.5, -0.0, -2.0]], dtype=dtype)
        yield "logits of exactly 0", A, np.array([[0.0, 1.0, 1.0, 1.0, 0.0]], dtype=dtype)
