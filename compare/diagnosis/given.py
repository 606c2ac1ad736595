r"""What a program was given and shows again, differently: its batch X, Y, or its learning rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.diagnosis.scene import Scene, Shown

Array = NDArray[Any]
GIVEN = ("X", "Y", "lr")


def mistakes(scene: Scene) -> Iterator[tuple[str, str, str]]:
    """Yield (mistake, yours, right) for a learning rate or a batch that is not the one it should be."""
    if scene.origin == "lr":
        yield from rates(scene)
    else:
        yield from examples(scene)


def rate(shown: Shown) -> float:
    return float(shown.formulas.hyperparameters["lr"])


def rates(scene: Scene) -> Iterator[tuple[str, str, str]]:
    right, mine = rate(scene.last), float(scene.last.trace["lr"])
    if mine == float(np.float32(right)) != right:
        yield "the learning rate rounded to float32", f"lr = {mine!r}", f"lr = {right!r}"
    for back, shown in enumerate(reversed(scene.steps[:-1]), 1):
        if near(mine, rate(shown)):
            plural = "step" if back == 1 else "steps"
            yield (
                f"the schedule is {back} {plural} late",
                f"lr of {back} {plural} before",
                "lr of this step",
            )
            break
    for name, value in (("right lr squared", right * right), ("no schedule", rate(scene.steps[0]))):
        if near(mine, value):
            yield f"the learning rate is the {name}", f"lr = {mine:.9g}", f"lr = {right:.9g}"
    yield from early(scene, right, mine)


def early(scene: Scene, right: float, mine: float) -> Iterator[tuple[str, str, str]]:
    """A rate that falls by the factor the schedule fell by before, or that it will, is a step early."""
    if mine < right:
        yield (
            f"the schedule has gone on too far: {mine / right:.6g} times the rate of this step",
            "scheduler.step() before optimizer.step(), or a decay applied twice",
            "optimizer.step(), then scheduler.step(): lr_k from lr_0, not from lr_(k-1)",
        )


def near(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-14 * abs(b)


def examples(scene: Scene) -> Iterator[tuple[str, str, str]]:
    mine = scene.last.trace[scene.origin]
    right = scene.last.X if scene.origin == "X" else scene.last.Y
    if mine.shape != right.shape:
        if mine.shape[-1:] != right.shape[-1:]:
            yield (
                f"a batch of {mine.shape[-1]} examples where {right.shape[-1]} were given",
                "the last, smaller batch dropped, or filled up",
                "every example once an epoch, the last batch as small as it is",
            )
        return
    single = right.astype(np.float32).astype(right.dtype)
    if right.dtype != np.float32 and np.array_equal(mine, single):
        yield "the batch rounded to float32", "float32 data", "float64 data"
    for shown in scene.steps[:-1]:
        other = shown.X if scene.origin == "X" else shown.Y
        if other.shape == mine.shape and np.array_equal(mine, other):
            yield "the batch of another step", "the same examples again", "the next batch"
            return
    if sorted(map(tuple, mine.T)) == sorted(map(tuple, right.T)):
        yield "the same examples in another order", "another shuffle", "the given order"
    elif not np.isfinite(mine).all():
        yield (
            "a feature divided by a deviation of 0",
            "(x - mean) / 0",
            "a constant feature is scaled by 1",
        )
    elif standardized(mine.T) and not standardized(right.T):
        yield (
            "each example is standardised, not each feature",
            "mean and deviation along axis 0 of (n_x, m)",
            "along axis 1, over the examples",
        )
    elif affine(mine, right):
        yield (
            "each feature is scaled otherwise: by other data, another deviation, or twice",
            "a x + b, with other a and b in each row",
            "mean and deviation of the training examples, once",
        )
    elif affine(mine.T, right.T):
        yield (
            "each example is standardised, not each feature",
            "mean and deviation along axis 0 of (n_x, m)",
            "along axis 1, over the examples",
        )


def standardized(x: Array) -> bool:
    """Tell whether every row has mean 0 and deviation 1, as far as rounding lets it."""
    near_zero = np.abs(x.mean(axis=1)).max() < 1e-6
    return bool(near_zero and np.abs(x.std(axis=1) - 1.0).max() < 1e-6)


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
