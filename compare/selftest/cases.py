r"""Random configurations and inputs, easy and degenerate: what the verifier is tried on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any

import numpy as np

from compare.configuration import Configuration, parse
from compare.selftest.choices import (
    ACCUMULATED,
    BATCH_NORMS,
    CLIPS,
    DROPOUTS,
    EXAMPLES,
    HARD,
    HIDDEN,
    OUTPUTS,
    RATES,
    RULES,
    SPECIAL,
    TARGET_SCALES,
    Random,
)
from compare.targets import TARGETS, real
from compare.tasks import frozen, normalization_state
from compare.traces import Array
from compare.verification import Batch


@dataclass(frozen=True)
class Case:
    """A configuration with the state and batches to try it on; `special` says what is hard about it."""

    configuration: Configuration
    state: Mapping[str, Array]
    batches: tuple[Batch, ...]
    special: str


def cases(seed: int, dtype: str, *, steps: int = 3) -> Iterator[Case]:
    """Yield random cases without end, from the seed alone."""
    for k in count():
        yield case(np.random.default_rng([seed, k]), dtype, steps=steps)


def case(random: Random, dtype: str, *, steps: int = 3) -> Case:
    """Return one random case."""
    special = pick(random, SPECIAL)
    configuration = configured(random, special)
    sizes = layers(random, configuration, special)
    m = 1 if special == "one example" else pick(random, EXAMPLES)
    kind = np.dtype(dtype)
    state = initial(random, configuration, sizes, special, kind)
    batches = tuple(batch(random, configuration, sizes, m, special, kind) for _ in range(steps))
    return Case(configuration, state, batches, special)


def configured(random: Random, special: str) -> Configuration:
    """Return a random configuration; batch norm needs more than one example."""
    loss, rule = pick(random, tuple(OUTPUTS)), pick(random, tuple(RULES))
    hidden = [pick(random, HIDDEN) for _ in range(int(random.integers(0, 4)))]
    normal = pick(random, BATCH_NORMS) if hidden and special != "one example" else None
    depth = len(hidden) + 1
    return Configuration(
        activations=(*hidden, pick(random, OUTPUTS[loss])),
        loss=loss,
        optimizer=rule,
        options={"lr": pick(random, RATES), **pick(random, RULES[rule])},
        clip=pick(random, CLIPS),
        batch_norm=normal,
        dropout=pick(random, DROPOUTS) if hidden else 0.0,
        accumulate=pick(random, ACCUMULATED),
        frozen=("b1",) if random.random() < 0.1 and depth > 1 else (),
        undecayed=("b",) if random.random() < 0.3 and decays(rule) else (),
    )


def decays(rule: str) -> bool:
    return any("weight_decay" in options for options in RULES[rule])


def pick(random: Random, choices: Sequence[Any]) -> Any:
    return choices[int(random.integers(len(choices)))]


def layers(random: Random, c: Configuration, special: str) -> list[int]:
    """Return n_x, n_1, ..., n_y; several classes where the loss is over classes."""
    widest = 2 if special == "one unit" else 24
    sizes = [int(n) for n in random.integers(1, widest, size=len(c.activations))]
    several = c.loss.startswith("cross_entropy")
    return [*sizes, int(random.integers(2, 6) if several else random.integers(1, min(widest, 5)))]


def initial(
    random: Random, c: Configuration, sizes: list[int], special: str, dtype: np.dtype[Any]
) -> dict[str, Array]:
    """Return random parameters, scaled as the special case wants them."""
    scale = HARD.get(special, 1.0)
    state: dict[str, Array] = {}
    for l, (k, n) in enumerate(pairwise(sizes), 1):
        state[f"W{l}"] = (scale * random.normal(size=(n, k)) / np.sqrt(k)).astype(dtype)
        state[f"b{l}"] = (0.3 * scale * random.normal(size=(n, 1))).astype(dtype)
        if special == "kinks":
            state[f"b{l}"][:] = 0.0
    if c.batch_norm is not None:
        state |= normalization_state(tuple(sizes[1:-1]), dtype)
    return state


def batch(
    random: Random, c: Configuration, sizes: list[int], m: int, special: str, dtype: np.dtype[Any]
) -> Batch:
    """Return one random batch, with dropout masks where there is dropout."""
    X = inputs(random, sizes[0], m, special)
    masks = {
        f"mask{l}": (random.random((n, m)) > c.dropout).astype(dtype)
        for l, n in enumerate(sizes[1:-1], 1)
        if c.dropout
    }
    targets = TARGETS.get(parse(c.loss)[0], real)
    Y = targets(random, sizes[-1], m)
    if targets is real:
        Y = TARGET_SCALES.get(special, 1.0) * Y
    return Batch(frozen(X, dtype), frozen(Y, dtype), {}, masks)


def inputs(random: Random, n: int, m: int, special: str) -> Array:
    X = 1.5 * random.normal(size=(n, m)) + 0.3
    if special == "kinks":
        X[:, ::3] = 0.0
    if special == "cancelling":
        X = np.concatenate([X[:, : m - m // 2], -X[:, : m // 2]], axis=1)
    return X * (1e-12 if special == "tiny gradients" else 1.0)
