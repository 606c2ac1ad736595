r"""Random targets that a loss makes sense with: numbers, labels of 0 and 1, or one class of several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from compare.traces import Array

Random = np.random.Generator


def real(random: Random, n: int, m: int) -> Array:
    return random.normal(size=(n, m))


def labels(random: Random, n: int, m: int) -> Array:
    return (random.random((n, m)) < 0.5).astype(float)


def classes(random: Random, n: int, m: int) -> Array:
    return np.eye(n)[:, random.integers(0, n, m)]


TARGETS: dict[str, Callable[[Random, int, int], Array]] = {
    "bce": labels,
    "bce_with_logits": labels,
    "cross_entropy": classes,
    "cross_entropy_on_probabilities": classes,
}
