r"""The exact grid: inputs on which every operation of a step is exact, so that all must be equal.

Small whole numbers and halves, a number of examples that is a power of two, piecewise linear
activations, gradient descent with a rate that is a power of two: nothing is ever rounded, in any
order of summation. By hand, by torch and as stated, every number must then be the same, compared
with `==`: no tolerance, and nothing for one to hide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from compare.configuration import Configuration
from compare.formulas.precision import narrowed
from compare.operands import stated
from compare.selftest.cases import Case, pick
from compare.selftest.choices import Random
from compare.tasks import frozen
from compare.traces import Array
from compare.verification import Batch

HIDDEN = ("relu", "identity", "leaky_relu(negative_slope=0.5)")
OUTPUTS = ("identity", "relu")
LOSSES = ("mse", "mse_per_example", "l1")
RULES: tuple[Mapping[str, Any], ...] = (
    {},
    {"momentum": 0.5},
    {"momentum": 0.5, "dampening": 0.5},
    {"momentum": 0.5, "nesterov": True},
    {"weight_decay": 0.25},
    {"momentum": 0.5, "weight_decay": 0.5, "maximize": True},
)
WIDTHS, EXAMPLES, RATES = (1, 2, 4), (1, 2, 4, 8, 16), (0.5, 0.25, 0.125)


@dataclass
class Grid:
    """How many arrays were compared, and every one that was not equal."""

    arrays: int = 0
    unequal: tuple[str, ...] = ()


def exact_case(random: Random, dtype: str) -> Case:
    """Return a random case of which every operation is exact."""
    hidden = tuple(pick(random, HIDDEN) for _ in range(int(random.integers(0, 3))))
    c = Configuration(
        activations=(*hidden, pick(random, OUTPUTS)),
        loss=pick(random, LOSSES),
        options={"lr": pick(random, RATES), **pick(random, RULES)},
        clip=pick(random, (None, {"value": 0.5})),
        dropout=pick(random, (0.0, 0.5)) if hidden else 0.0,
        accumulate=pick(random, (1, 2)),
    )
    sizes = [pick(random, WIDTHS) for _ in range(len(hidden) + 2)]
    m = pick(random, EXAMPLES)
    state = whole(random, c, sizes, np.dtype(dtype))
    X = frozen(random.integers(-2, 3, size=(sizes[0], m)), np.dtype(dtype))
    Y = frozen(random.integers(-3, 4, size=(sizes[-1], m)), np.dtype(dtype))
    masks = {
        f"mask{l}": random.integers(0, 2, size=(n, m)).astype(dtype)
        for l, n in enumerate(sizes[1:-1], 1)
        if c.dropout
    }
    return Case(c, state, (Batch(X, Y, {}, masks),), "exact")


def whole(
    random: Random, c: Configuration, sizes: list[int], dtype: np.dtype[Any]
) -> dict[str, Array]:
    """Return whole weights and biases, with a momentum buffer where the rule has one."""
    state: dict[str, Array] = {}
    for l, (k, n) in enumerate(pairwise(sizes), 1):
        for name, shape in ((f"W{l}", (n, k)), (f"b{l}", (n, 1))):
            state[name] = random.integers(-2, 3, size=shape).astype(dtype)
            if c.options.get("momentum"):
                state[f"m.{name}"] = random.integers(-2, 3, size=shape).astype(dtype)
    return state


def unequal(case: Case) -> Iterator[tuple[str, bool]]:
    """Yield every entry of the step with whether it differs: by hand from torch, or from the formulas."""
    c, batch = case.configuration, case.batches[0]
    start = {**case.state, **batch.state}
    mine = c.by_hand()(start, batch.X, batch.Y)
    theirs = c.by_torch()(start, batch.X, batch.Y)
    for name, expected in stated(c.formulas(), mine, start, batch.X, batch.Y, own=True):
        right = np.broadcast_to(narrowed(expected.value, mine[name].dtype), mine[name].shape)
        same = np.array_equal(mine[name], theirs[name]) and np.array_equal(mine[name], right)
        yield name, not same


def exact_grid(dtype: str, *, cases: int, seed: int = 0) -> Grid:
    """Compare the steps of random exact cases with `==`.

    >>> exact_grid("float32", cases=2).unequal
    ()
    """
    grid = Grid()
    for k in range(cases):
        case = exact_case(np.random.default_rng([seed, k, 2]), dtype)
        for name, differs in unequal(case):
            grid.arrays += 1
            grid.unequal += (f"case {k} ({case.configuration.title}): {name}",) * differs
    return grid
