r"""The parts of a whole training step of a small net."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from compare.book.measurement.measured import DTYPES, Measured, between, gathered
from compare.configuration import Configuration
from compare.judgement import judge
from compare.tasks import normalization_state
from compare.traces import Array, kind
from compare.verification import Batch

STEPS = 4
SIZES = (4, 5, 3)


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


def start(c: Configuration, dtype: str) -> tuple[dict[str, Array], list[Batch]]:
    """Return a small random net and batches for it."""
    random = np.random.default_rng(0)
    state: dict[str, Array] = {}
    for l, (k, n) in enumerate(pairwise(SIZES), 1):
        state[f"W{l}"] = random.normal(size=(n, k)).astype(dtype)
        state[f"b{l}"] = random.normal(size=(n, 1)).astype(dtype)
    if c.batch_norm is not None:
        state |= normalization_state(SIZES[1:-1], np.dtype(dtype))
    return state, [batch(c, random, dtype) for _ in range(STEPS)]


def batch(c: Configuration, random: np.random.Generator, dtype: str) -> Batch:
    m = 16
    X = random.normal(size=(SIZES[0], m)).astype(dtype)
    Y = random.normal(size=(SIZES[-1], m)).astype(dtype)
    masks = (random.random((SIZES[1], m)) > c.dropout).astype(dtype)
    return Batch(X, Y, {}, {"mask1": masks} if c.dropout else {})
