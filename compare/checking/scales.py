r"""What the weights of a wrong initialiser are, by their deviation, their mean, their shape, and each unit beside the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from compare.tolerances import SIGMAS

Array = NDArray[np.float64]
N_OUT, N_IN = 37, 26  # few of the scales below are alike for these
FANS: Mapping[str, float] = {
    "n_in": N_IN, "n_out": N_OUT, "(n_in + n_out) / 2": (N_IN + N_OUT) / 2, "n_in + n_out": N_IN + N_OUT,
    "n_in + 1": N_IN + 1, "n_in - 1": N_IN - 1, "n_in n_out": N_IN * N_OUT, "n_in ** 2": N_IN**2,
    "(n_in + n_out) ** 2": (N_IN + N_OUT) ** 2,
}  # fmt: skip
GAINS: Mapping[str, float] = {
    "": 1.0, "sqrt(2)": sqrt(2.0), "5/3": 5 / 3, "sqrt(3)": sqrt(3.0), "sqrt(6)": sqrt(6.0), "2": 2.0,
}  # fmt: skip
FIXED = (0.01, 0.001, 0.02, 0.05, 0.1, 0.5, 1.0)
CUT = 0.959446  # of normal numbers cut to [-2, 2]: their deviation
EXACT = 1e-9  # of numbers drawn from the generator that was handed over


@dataclass(frozen=True)
class Stated:
    """What weights should be: their deviation, and uniform or normal around 0; `plain` without a slope."""

    std: float
    uniform: bool
    plain: float = 0.0

    @property
    def kurtosis(self) -> float:
        return 1.8 if self.uniform else 3.0

    @property
    def cdf(self) -> Callable[[Array], Array]:
        c = sqrt(3.0) * self.std
        known = stats.uniform(-c, 2.0 * c) if self.uniform else stats.norm(0.0, self.std)
        return known.cdf  # type: ignore[no-any-return]


def known_deviation(W: Array, made: Callable[[], np.random.Generator]) -> float:
    """Return the deviation of weights that are a multiple of what a generator gives; 0 where they are none.

    >>> made = lambda: np.random.default_rng(3)
    >>> round(known_deviation(0.25 * made().normal(size=(37, 26)), made), 12)
    0.25
    """
    for unit, draw in (
        (1.0, np.random.Generator.standard_normal),
        (1 / sqrt(12.0), np.random.Generator.random),
    ):
        for shape in (W.shape, W.shape[::-1]):
            x = np.asarray(draw(made(), shape)).reshape(shape)
            x = x if shape == W.shape else x.T
            slope, start = np.polyfit(x.ravel(), W.ravel(), 1)
            if np.abs(slope * x + start - W).max() <= EXACT * np.abs(W).max():
                return float(abs(slope) * unit)
    return 0.0


def deviations(w: Array, right: Stated, std: float, near: float) -> Iterator[str]:
    """Yield the usual scales that the deviation is, within `near` of itself, and what else may have been taken for it."""
    for sign, which in ((1.0, "no weight is negative: drawn from 0 to a bound, as np.random.rand does, or magnitudes"),
                        (-1.0, "no weight is positive: drawn from a bound to 0, or magnitudes negated")):  # fmt: skip
        if (sign * w).min() >= 0.0:
            yield which
            return

    def alike(s: float) -> bool:
        return s > 0.0 and abs(std / s - 1.0) < near

    yield from (f"a deviation of {s:g}, whatever the number of inputs" for s in FIXED if alike(s))
    for gain, g in GAINS.items():
        for fan, n in FANS.items():
            if alike(g / sqrt(n)):
                yield f"a deviation of {gain or '1'} / sqrt({fan})"
    yield from (name for name, s in taken_for(right).items() if alike(s))


def taken_for(right: Stated) -> dict[str, float]:
    """Return what the deviation may have been taken for, by name."""
    roots = sqrt(N_IN) + sqrt(N_OUT)
    return {
        "the bound of the uniform distribution taken for its deviation": right.std / sqrt(3.0)
        if right.uniform
        else 0.0,
        "the deviation taken for the bound of a uniform distribution": 0.0
        if right.uniform
        else right.std / sqrt(3.0),
        "the deviation taken for a bound, times sqrt(3)": sqrt(3.0) * right.std,
        "the variance taken for the deviation": right.std**2,
        "from -1 / sqrt(n_in) to 1 / sqrt(n_in), nn.Linear's own": 1.0 / sqrt(3.0 * N_IN),
        "the bound of right weights halved, np.random.rand() - 0.5": right.std / sqrt(12.0),
        "half of the right deviation": 0.5 * right.std,
        "twice the right deviation": 2.0 * right.std,
        "four times the right deviation, Glorot's for the logistic sigmoid": 4.0 * right.std,
        "divided by the right deviation, not multiplied": 1.0 / right.std,
        "a uniform one of the square of the right bound: its root left out": sqrt(3.0)
        * right.std**2
        if right.uniform
        else 0.0,
        "numbers beyond two deviations cut to these": CUT * right.std,
        "the root of the deviation": sqrt(right.std),
        "cut at two deviations, Keras' truncated normal": 0.8796 * right.std,
        "the slope a is left out of the gain": right.plain if right.plain != right.std else 0.0,
        "the root of each fan, in place of that of their sum": sqrt(2.0) / roots,
        "the root of each fan, in place of that of their sum, as a bound": sqrt(6.0)
        / roots
        / sqrt(3.0),
    }


def means(w: Array, right: Stated) -> Iterator[str]:
    """Yield what the mean has been taken for."""
    near = SIGMAS * right.std / sqrt(w.size)
    for told, mean in (("the deviation taken for the mean", right.std), ("a mean of 1", 1.0)):
        if abs(w.mean() - mean) < near:
            yield told


def shapes(w: Array, right: Stated) -> Iterator[str]:
    """Yield what the distribution looks like."""
    kurtosis = float(stats.kurtosis(w, fisher=False, axis=None))
    if right.uniform and abs(kurtosis - 3.0) < 0.1:
        yield "normal weights of the right deviation, where uniform ones were asked for"
    elif not right.uniform and abs(kurtosis - 1.8) < 0.1:
        yield "uniform weights of the right deviation, where normal ones were asked for"
    elif not right.uniform and np.abs(w).max() < 2.5 * right.std:
        yield "a truncated normal distribution, rescaled, as Keras has it"


def dependences(draws: Array, right: Stated) -> Iterator[tuple[str, float]]:
    """Yield what is wrong of rows or columns beside one another, in so many standard errors: two alike, or of another deviation.

    Shape: draws (count, rows, columns).
    """
    for what, axis in (("row", 1), ("column", 2)):
        lines = np.moveaxis(draws, axis, 0).reshape(draws.shape[axis], -1)
        n = lines.shape[1]
        apart = (lines.std(axis=1) / right.std - 1.0) / sqrt((right.kurtosis - 1.0) / (4.0 * n))
        i = int(np.abs(apart).argmax())
        if abs(apart[i]) > SIGMAS:
            yield (
                f"the deviation differs from {what} to {what}: that of {what} {i} is {lines[i].std():.4g}",
                apart[i],
            )
        like = np.corrcoef(lines) - np.eye(len(lines))
        i, j = map(int, np.unravel_index(np.abs(like).argmax(), like.shape))
        if abs(like[i, j]) * sqrt(n) > SIGMAS:
            told = {1.0: "the same weights as", -1.0: "the weights, negated, of"}
            says = told.get(round(float(like[i, j]), 6), "weights that hang together with those of")
            yield f"{what} {i} has {says} {what} {j}", float(like[i, j]) * sqrt(n)
