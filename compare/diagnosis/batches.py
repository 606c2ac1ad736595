r"""A batch that is not the one given: other examples, another scaling, labels numbered otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compare.diagnosis.scalings import scaled
from compare.diagnosis.scene import Scene, Shown
from compare.divergence import few
from compare.traces import Array

Words = tuple[str, str, str]
SINGLE = ("the batch rounded to float32", "float32 data", "float64 data")


def examples(scene: Scene) -> Iterator[Words]:
    """Yield (mistake, yours, right) for a batch that is not the one it should be: the first that fits."""
    mine = scene.last.trace[scene.origin]
    right = batch(scene.last, scene.origin)
    if mine.shape != right.shape:
        yield from sized(mine, right, batch(scene.steps[0], scene.origin).shape[-1])
        return
    single = right.astype(np.float32).astype(right.dtype)
    if right.dtype != np.float32 and np.array_equal(mine, single):
        yield SINGLE
        return
    for question in (numbered, reordered, arranged):
        if words := question(scene, mine, right):
            yield words
            return
    yield from scaled(mine, right, labels=scene.origin in LABELS)


def batch(shown: Shown, name: str) -> Array:
    """Return what the step was given: its batch, or the inputs and targets of an evaluation."""
    return {"X": shown.X, "Y": shown.Y}.get(name, shown.state.get(name, NONE))


NONE = np.zeros((0, 0))
LABELS = ("Y", "evalY")


def sized(mine: Array, right: Array, nominal: int) -> Iterator[Words]:
    if mine.shape[-1:] != right.shape[-1:]:
        whole = mine.shape[-1] == nominal > right.shape[-1]
        yield (
            f"a batch of {mine.shape[-1]} examples where {right.shape[-1]} were given",
            "the last, smaller batch dropped, or filled up"
            if whole
            else "another batch size, or split",
            "every example once an epoch, the last batch as small as it is",
        )


def reordered(scene: Scene, mine: Array, right: Array) -> Words | None:
    """Return the words for the examples of another step, or for the right ones in another order."""
    others = [batch(s, scene.origin) for s in (*scene.steps, *scene.after) if s is not scene.last]
    if any(np.array_equal(mine, other) for other in others):
        return "the batch of another step", "other examples than given", "the batch of this step"
    known = {tuple(column) for x in (right, *others) if len(x) for column in x.T}
    apart = scene.origin in LABELS and scene.origin.replace("Y", "X") in scene.last.trace
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
    """Return the words for classes that are numbered otherwise, or labels that are turned round."""
    if scene.origin not in LABELS:
        return None
    for k in range(1, right.shape[0]):
        if np.array_equal(mine, np.roll(right, k, axis=0)):
            return f"the classes are numbered otherwise, by {k}", "class c + k", "class c"
    if np.array_equal(mine, 1.0 - right):
        return "the labels are swapped: 1 - y", "1 - y", "y"
    if np.array_equal(mine, 2.0 * right - 1.0):
        return "labels of -1 and 1 where 0 and 1 were given", "2 y - 1", "y"
    return None


def arranged(scene: Scene, mine: Array, right: Array) -> Words | None:
    """Return the words for the given numbers, arranged otherwise: rows in another order, or reshaped."""
    what, given = ("classes", "targets") if scene.origin in LABELS else ("features", "examples")
    if sorted(map(tuple, mine)) == sorted(map(tuple, right)):
        order = [next(i for i, row in enumerate(right) if np.array_equal(row, x)) for x in mine]
        told = few(order, SHOWN)
        return f"the {what} stand in another order: {told}", "other columns of the data", "as given"
    if right.shape[0] > 1 and np.array_equal(mine, right.T.reshape(right.shape)):
        return (
            f"the {given} are reshaped where they should be transposed",
            "data.reshape(n, m)",
            "data.T",
        )
    return None


SHOWN = 8  # rows whose order is told
