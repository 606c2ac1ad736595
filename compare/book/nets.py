r"""The small nets that the pages compute with: the same example by hand and by torch."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compare.configuration import Configuration
from compare.traces import Array


@dataclass(frozen=True)
class Example:
    """A net, a batch, and one step of both sides on it."""

    configuration: Configuration
    state: Mapping[str, Array]
    X: Array
    Y: Array
    by_hand: Mapping[str, Array]
    by_torch: Mapping[str, Array]


def example(
    configuration: Configuration | None = None,
    *,
    sizes: tuple[int, ...] = (3, 4, 2),
    m: int = 5,
    seed: int = 0,
) -> Example:
    """Return the two-layer net of the source document (ReLU, identity, squared error a 1/m), or another.

    >>> e = example()
    >>> e.by_hand["dW2"].shape
    (2, 4)
    """
    c = configuration or Configuration(
        activations=("relu", "identity"), loss="mse_per_example", options={"lr": 0.1}
    )
    random = np.random.default_rng(seed)
    state: dict[str, Array] = {}
    for l, (k, n) in enumerate(itertools.pairwise(sizes), 1):
        state[f"W{l}"] = random.normal(size=(n, k)) / np.sqrt(k)
        state[f"b{l}"] = 0.1 * random.normal(size=(n, 1))
    X = random.normal(size=(sizes[0], m))
    Y = random.normal(size=(sizes[-1], m))
    return Example(c, state, X, Y, c.by_hand()(state, X, Y), c.by_torch()(state, X, Y))
