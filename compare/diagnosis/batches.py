r"""A batch that is not the one given: other examples, another scaling, labels numbered otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.diagnosis.scene import Scene, Shown
from compare.tolerances import ALIKE

Array = NDArray[Any]
Words = tuple[str, str, str]
PER_EXAMPLE = (
    "each example is standardised, not each feature",
    "mean and deviation along axis 0 of (n_x, m)",
    "along axis 1, over the examples",
)
SCALED = (
    "each feature is scaled otherwise: by other data, another deviation, or twice",
    "a x + b, with other a and b in each row",
    "mean and deviation of the training examples, once",
)
CHANGED = ("the targets are scaled", "a y + b", "y as given")
CONSTANT = (
    "a feature divided by a deviation of 0", "(x - mean) / 0", "a constant feature is scaled by 1",
)  # fmt: skip
SINGLE = ("the batch rounded to float32", "float32 data", "float64 data")


def examples(scene: Scene) -> Iterator[Words]:
    """Yield (mistake, yours, right) for a batch that is not the one it should be: the first that fits."""
    mine = scene.last.trace[scene.origin]
    right = batch(scene.last, scene.origin)
    if mine.shape != right.shape:
        yield from sized(mine, right)
        return
    single = right.astype(np.float32).astype(right.dtype)
    if right.dtype != np.float32 and np.array_equal(mine, single):
        yield SINGLE
        return
    for question in (reordered, numbered, rescaled):
        if words := question(scene, mine, right):
            yield words
            return


def batch(shown: Shown, name: str) -> Array:
    return shown.X if name == "X" else shown.Y


def sized(mine: Array, right: Array) -> Iterator[Words]:
    if mine.shape[-1:] != right.shape[-1:]:
        yield (
            f"a batch of {mine.shape[-1]} examples where {right.shape[-1]} were given",
            "the last, smaller batch dropped, or filled up",
            "every example once an epoch, the last batch as small as it is",
        )


def reordered(scene: Scene, mine: Array, right: Array) -> Words | None:
    """Return the words for the examples of another step, or for the right ones in another order."""
    others = [batch(s, scene.origin) for s in (*scene.steps, *scene.after) if s is not scene.last]
    if any(np.array_equal(mine, other) for other in others):
        return "the batch of another step", "other examples than given", "the batch of this step"
    known = {tuple(column) for x in (right, *others) for column in x.T}
    apart = scene.origin == "Y" and "X" in scene.last.trace
    real = len(known) > 2 * right.shape[0]  # more than the classes that labels have
    if sorted(map(tuple, mine.T)) == sorted(map(tuple, right.T)) and (real or not apart):
        if apart:
            return "the targets are shuffled apart from their examples", "Y[:, another]", "Y as X"
        return "the same examples in another order", "another shuffle", "the given order"
    if real and {tuple(column) for column in mine.T} <= known:
        whose = "targets of other examples" if apart else "other examples of the data"
        return f"{whose} than those given", "another shuffle, or none", "the given order"
    return None


def numbered(scene: Scene, mine: Array, right: Array) -> Words | None:
    """Return the words for classes that are numbered otherwise: the rows of the targets permuted."""
    for k in range(1, right.shape[0]) if scene.origin == "Y" else ():
        if np.array_equal(mine, np.roll(right, k, axis=0)):
            return f"the classes are numbered otherwise, by {k}", "class c + k", "class c"
    if scene.origin == "Y" and np.array_equal(mine, 1.0 - right):
        return "the labels are swapped: 1 - y", "1 - y", "y"
    return None


def rescaled(scene: Scene, mine: Array, right: Array) -> Words | None:
    """Return the words for a batch that is the given one, scaled otherwise."""
    if not np.isfinite(mine).all():
        return CONSTANT
    if scene.origin == "Y":
        return targets(mine, right)
    return features(mine, right)


def targets(mine: Array, right: Array) -> Words | None:
    if np.array_equal(mine, 2.0 * right - 1.0):
        return "labels of -1 and 1 where 0 and 1 were given", "2 y - 1", "y"
    return CHANGED if affine(mine, right) else None


def features(mine: Array, right: Array) -> Words | None:
    if standardized(mine.T) and not standardized(right.T):
        return PER_EXAMPLE
    m = float(right.shape[1])
    if m > 1.0 and np.allclose(mine * np.sqrt(m / (m - 1.0)), right, *ALIKE):
        return (
            "the features are divided by the deviation over m - 1", "x.std(ddof=1), as pandas has it",
            "x.std(), as scikit-learn has it",
        )  # fmt: skip
    if affine(mine, right):
        return SCALED
    return PER_EXAMPLE if affine(mine.T, right.T) else None


def standardized(x: Array) -> bool:
    """Tell whether every row has mean 0 and deviation 1, as far as rounding lets it."""
    near_zero = np.abs(x.mean(axis=1)).max() < ALIKE[0]
    return bool(near_zero and np.abs(x.std(axis=1) - 1.0).max() < ALIKE[0])


def affine(mine: Array, right: Array) -> bool:
    """Tell whether each row of the one is a multiple of the other's plus a constant."""
    if mine.shape[1] < 3:
        return False
    x, y = (np.asarray(a, dtype=np.float64) for a in (right, mine))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    square = (x * x).sum(axis=1, keepdims=True)
    slope = (x * y).sum(axis=1, keepdims=True) / np.where(square > 0.0, square, 1.0)
    rounding = 64.0 * np.finfo(mine.dtype).eps * np.abs(mine).max()
    return bool(np.abs(y - slope * x).max() <= rounding)
