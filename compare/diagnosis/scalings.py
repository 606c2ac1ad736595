r"""A batch that is the one given, scaled, shifted, cut or rounded: what was done to each feature, found from both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from compare.diagnosis.pattern import factor
from compare.tolerances import ALIKE
from compare.traces import Array

Words = tuple[str, str, str]
SAME, NEAR = 1e-12, 1e-3  # of numbers about 1
RIGHT = "mean and deviation of the training examples, once"
PER_EXAMPLE = (
    "each example is standardised, not each feature",
    "mean and deviation along axis 0 of (n_x, m)",
    "along axis 1, over the examples",
)
CONSTANT = (
    "a feature divided by a deviation of 0", "(x - mean) / 0", "a constant feature is scaled by 1",
)  # fmt: skip
PANDAS = (
    "the features are divided by the deviation over m - 1", "x.std(ddof=1), as pandas has it",
    "x.std(), as scikit-learn has it",
)  # fmt: skip
DONE: Mapping[str, tuple[Callable[[Array], Array], str]] = {
    "cut to whole numbers": (np.trunc, "int(x)"),
    "rounded to whole numbers": (np.rint, "round(x)"),
    "rounded to float16": (lambda x: x.astype(np.float16).astype(x.dtype), "float16 data"),
    "their logarithms": (np.log, "log(x)"),
    "their log1p": (np.log1p, "log1p(x)"),
    "their square roots": (np.sqrt, "sqrt(x)"),
    "their squares": (np.square, "x**2"),
    "their magnitudes": (np.abs, "abs(x)"),
    "clipped at 0": (lambda x: np.maximum(x, 0.0), "max(x, 0)"),
}


def scaled(mine: Array, right: Array, *, labels: bool) -> Iterator[Words]:
    """Yield (mistake, yours, right) for X or Y made of what was given, element by element: the first that fits."""
    if not np.isfinite(mine).all():
        yield from endless(mine, right, labels)
        return
    questions = (transformed, targets if labels else features, clipped, partly)
    with np.errstate(all="ignore"):
        yield from [words for question in questions if (words := question(mine, right))][:1]


def endless(mine: Array, right: Array, labels: bool) -> Iterator[Words]:
    """Yield the words for what is not finite: a constant feature all of it, or how many numbers are."""
    lost = ~np.isfinite(mine)
    rows = lost.all(axis=1)
    constant = np.ptp(right, axis=1) == 0.0
    if not labels and rows.any() and not lost[~rows].any() and constant[rows].all():
        yield CONSTANT
    else:
        yield f"{int(lost.sum())} of {lost.size} numbers are not finite", "nan or inf", "numbers"


def transformed(mine: Array, right: Array) -> Words | None:
    """Return the words for numbers that a function was applied to."""
    for what, (function, text) in DONE.items():
        if np.allclose(mine, function(right), rtol=1e-12, atol=0.0):
            return f"the numbers are {what}", text, "x"
    return None


def targets(mine: Array, right: Array) -> Words | None:
    line = affine(mine, right)
    return None if line is None else ("the targets are scaled", how(*line), "y as given")


def features(mine: Array, right: Array) -> Words | None:
    """Return the words for features scaled otherwise, each or each example."""
    if standardized(mine.T) and not standardized(right.T):
        return PER_EXAMPLE
    m = float(right.shape[1])
    if m > 1.0 and np.allclose(mine * np.sqrt(m / (m - 1.0)), right, *ALIKE):
        return PANDAS
    line = affine(mine, right)
    if line is not None:
        return f"each feature is scaled otherwise: {described(mine, *line)}", how(*line), RIGHT
    if len(mine) > 1 and np.allclose(np.linalg.norm(mine, axis=0), 1.0, *ALIKE):
        return "each example is divided by its norm", "x / np.linalg.norm(x)", "x"
    return PER_EXAMPLE if affine(mine.T, right.T) else None


def described(mine: Array, a: Array, c: Array) -> str:
    """Return what was done to the features, of slopes a and offsets c."""
    low, high = mine.min(axis=1), mine.max(axis=1)
    for least, most in ((0.0, 1.0), (-1.0, 1.0)):
        if np.allclose(low, least, *ALIKE) and np.allclose(high, most, *ALIKE):
            return f"to [{least:g}, {most:g}]"
    if not a.all():
        lost = ", ".join(map(str, np.flatnonzero(a == 0.0)))
        others = "as given" if kept(a, c) else "scaled"
        return f"feature {lost} is constant" + (f", the others are {others}" if a.any() else "")
    if kept(a, 0.0 * c):
        return "another mean, or none, is subtracted"
    if np.allclose(c, 0.0, atol=SAME):
        if np.allclose(a, a[0], SAME, 0.0):
            return f"every number times {factor(float(a[0]), digits=6)}"
        if np.allclose(a, 1.0, NEAR, 0.0) and (a < 1.0).all():
            return "by a little more than the deviation: an epsilon is added to it"
        return "another deviation, or none, divides them"
    if np.allclose(a, a[0], *ALIKE) and np.allclose(c, c[0], *ALIKE):
        return "all features by the same a and b"
    return "by another mean and another deviation, of other data, or twice"


def kept(a: Array, c: Array) -> bool:
    """Tell whether every feature that is not constant is as it was given."""
    held = a != 0.0
    return bool(np.allclose(a[held], 1.0, SAME, 0.0) and np.allclose(c[held], 0.0, atol=SAME))


def how(a: Array, c: Array) -> str:
    return f"a x + b, a from {a.min():.4g} to {a.max():.4g}, b from {c.min():.4g} to {c.max():.4g}"


def clipped(mine: Array, right: Array) -> Words | None:
    low, high = float(mine.min()), float(mine.max())
    if low < high and np.array_equal(mine, np.clip(right, low, high)):
        return f"the numbers are clipped to [{low:.6g}, {high:.6g}]", "np.clip(x, a, b)", "x"
    return None


def partly(mine: Array, right: Array) -> Words | None:
    """Return the words for a batch of which some rows, or some numbers, are others."""
    apart = mine != right
    rows = np.flatnonzero(apart.any(axis=1))
    if len(rows) < len(mine) and apart[rows].all():
        told = ", ".join(map(str, rows))
        return f"row {told} is another, the rest is as given", "other values there", "as given"
    if 4 * apart.sum() < apart.size:
        count = int(apart.sum())
        return f"{count} of {apart.size} numbers are others", "other values there", "as given"
    return None


def standardized(x: Array) -> bool:
    """Tell whether every row has mean 0 and deviation 1, as far as rounding lets it."""
    near_zero = np.abs(x.mean(axis=1)).max() < ALIKE[0]
    return bool(near_zero and np.abs(x.std(axis=1) - 1.0).max() < ALIKE[0])


def affine(mine: Array, right: Array) -> tuple[Array, Array] | None:
    """Return slope and offset where each row of the one is a multiple of the other's plus a constant."""
    if mine.shape[1] < 3:
        return None
    x, y = (np.asarray(a, dtype=np.float64) for a in (right, mine))
    mean_x, mean_y = x.mean(axis=1, keepdims=True), y.mean(axis=1, keepdims=True)
    x, y = x - mean_x, y - mean_y
    square = (x * x).sum(axis=1, keepdims=True)
    slope = (x * y).sum(axis=1, keepdims=True) / np.where(square > 0.0, square, 1.0)
    rounding = 64.0 * np.finfo(mine.dtype).eps * np.abs(mine).max()
    if not np.abs(y - slope * x).max() <= rounding:
        return None
    slope = np.where(np.ptp(mine, axis=1, keepdims=True) == 0.0, 0.0, slope)
    return slope[:, 0], (mean_y - slope * mean_x)[:, 0]
