r"""Checking an initialiser: whether what it draws is distributed as it should be, by its deviation and its shape.

Nobody else's random numbers are PyTorch's, so that single weights cannot be compared. Of a matrix
drawn again and again the deviation is known to $\sqrt{(\kappa - 1) / 4 n}$ of itself ($\kappa$ the
kurtosis, n the number of weights), which of half a million is less than a thousandth.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from compare.checking.calling import options_for
from compare.checking.likeness import INITIALIZERS, single
from compare.checking.steps import passed
from compare.checking.verdict import Verdict
from compare.diagnosis import Diagnosis, Explained, Variant
from compare.distances import Distance
from compare.divergence import Divergence
from compare.tolerances import SIGMAS, UNLIKELY
from manual.initialization.scaled import kaiming_std, xavier_std

Array = NDArray[np.float64]
N_OUT, N_IN, DRAWS = 37, 26, 500  # few of the scales below are alike for these
FANS: Mapping[str, float] = {
    "n_in": N_IN, "n_out": N_OUT, "(n_in + n_out) / 2": (N_IN + N_OUT) / 2, "n_in + n_out": N_IN + N_OUT,
    "n_in + 1": N_IN + 1, "n_in n_out": N_IN * N_OUT,
}  # fmt: skip
GAINS: Mapping[str, float] = {
    "": 1.0,
    "sqrt(2)": sqrt(2.0),
    "5/3": 5 / 3,
    "sqrt(3)": sqrt(3.0),
    "sqrt(6)": sqrt(6.0),
}
FIXED = (0.01, 0.001, 0.02, 0.05, 0.1, 0.5, 1.0)
INPUTS = ("n_in", "fan_in", "in_features", "inputs", "n_inputs", "input_size", "nin")
OUTPUTS = ("n_out", "fan_out", "out_features", "outputs", "n_outputs", "output_size", "nout")
SHAPES = ("shape", "size", "dims")
SOURCES = ("rng", "generator", "random", "random_state", "gen")


@dataclass(frozen=True)
class Stated:
    """What weights should be: their deviation, and uniform or normal around 0."""

    std: float
    uniform: bool

    @property
    def kurtosis(self) -> float:
        return 1.8 if self.uniform else 3.0

    @property
    def cdf(self) -> Callable[[Array], Array]:
        c = sqrt(3.0) * self.std
        known = stats.uniform(-c, 2.0 * c) if self.uniform else stats.norm(0.0, self.std)
        return known.cdf  # type: ignore[no-any-return]


def check_initializer(
    function: Any, like: str, *, seed: int = 0, name: str = "", **options: Any
) -> Verdict:
    r"""Check an initialiser of weights $(n_{out}, n_{in})$; raise Wrong where they are distributed otherwise.

    The function takes `n_in` and `n_out`, or `shape`, by these or the usual other names, and may take
    `rng` (a numpy.random.Generator). It is called five hundred times, so that it must not draw the same
    weights each time. What is judged is the distribution: deviation, mean and shape.

    Args:
        function: the initialiser.
        like: "kaiming_normal", "xavier_uniform(gain=2)", ...; the gain of kaiming is that of ReLU.
    """
    return passed(examine_initializer(function, like, seed=seed, name=name, **options))


def examine_initializer(
    function: Any, like: str, *, seed: int = 0, name: str = "", **options: Any
) -> Verdict:
    """Return the verdict on an initialiser, whatever it is."""
    known, given = single(like)
    if known not in INITIALIZERS:
        raise ValueError(f"unknown initialiser {known!r}; there are {', '.join(INITIALIZERS)}")
    given = {**given, **options}
    right = stated(known, given)
    subject = name or getattr(function, "__name__", type(function).__name__)
    verdict = Verdict(subject, f"{known} as in PyTorch, by its distribution")
    passed_on, notes, lacking = options_for(function, given)
    notes += [f"it takes no {n}: its own must be {given[n]}" for n in lacking]
    try:
        draw = drawing(function, passed_on, np.random.default_rng(seed))
        with np.errstate(all="ignore"):
            weights = np.stack([draw() for _ in range(DRAWS)])
        if np.array_equal(weights[0], weights[1]):
            raise ValueError(
                "it draws the same weights each time it is called, and so for every layer: let it take "
                "rng, or draw from a generator that is made once"
            )
    except Exception as error:
        return replace(verdict, notes=tuple(notes)).stopped(f"weights ({N_OUT}, {N_IN})", error)
    return judged(replace(verdict, notes=tuple(notes)), weights.ravel(), right, known)


def stated(known: str, given: Mapping[str, Any]) -> Stated:
    """Return what the weights should be; ValueError for an option that there is not."""
    options = (
        {"gain": 1.0}
        if known.startswith("xavier")
        else {"mode": "fan_in", "nonlinearity": "leaky_relu", "a": 0.0}
    )
    if extra := [n for n in given if n not in options]:
        raise ValueError(
            f"initialiser {known} has no option {extra[0]}; it has {', '.join(options)}"
        )
    o = {**options, **given}
    if known.startswith("xavier"):
        std = xavier_std((N_OUT, N_IN), float(o["gain"]))
    elif o["mode"] not in ("fan_in", "fan_out"):
        raise ValueError(f"the mode is {o['mode']!r}; give fan_in or fan_out")
    else:
        std = kaiming_std((N_OUT, N_IN), **o)
    return Stated(std, known.endswith("uniform"))


def drawing(
    function: Any, options: Mapping[str, Any], rng: np.random.Generator
) -> Callable[[], Array]:
    """Return what draws one matrix; ValueError where its arguments do not tell rows from columns."""
    if not callable(function):
        raise ValueError("it is no function; hand over f(n_in, n_out) or f(shape)")
    names = list(inspect.signature(function).parameters)
    given = dict(options)
    for known, value in ((INPUTS, N_IN), (OUTPUTS, N_OUT), (SHAPES, (N_OUT, N_IN)), (SOURCES, rng)):
        given |= {n: value for n in names if n in known}
    sized = {*INPUTS, *OUTPUTS, *SHAPES} & given.keys()
    if not (sized & {*SHAPES} or (sized & {*INPUTS} and sized & {*OUTPUTS})):
        raise ValueError(
            f"it takes {', '.join(names) or 'nothing'}: which is the number of inputs? name them n_in and "
            "n_out, or take shape"
        )
    return partial(drawn, partial(function, **given))


def drawn(draw: Callable[[], Any]) -> Array:
    """Return one matrix; either way round, for that is a matter of layout."""
    W = np.asarray(draw(), dtype=np.float64)
    if W.shape not in ((N_OUT, N_IN), (N_IN, N_OUT)):
        raise ValueError(f"it returned an array {W.shape}; expected {(N_OUT, N_IN)}")
    return W


def judged(verdict: Verdict, w: Array, right: Stated, known: str) -> Verdict:
    """Return the verdict on weights beside their distribution: deviation, then mean, then the whole of it."""
    verdict = replace(verdict, shown=("deviation", "mean", "distribution"), arrays=DRAWS)
    error = right.std * sqrt((right.kurtosis - 1.0) / (4.0 * w.size))
    if not abs(w.std() - right.std) <= SIGMAS * error:
        named = tuple(deviations(w, right))
        return wrong(verdict, "deviation", w.std(), right.std, error, named, known)
    if not abs(w.mean()) <= SIGMAS * right.std / sqrt(w.size):
        named = tuple(means(w, right))
        return wrong(verdict, "mean", w.mean(), 0.0, right.std / sqrt(w.size), named, known)
    far = stats.kstest(w, right.cdf)
    if far.pvalue < UNLIKELY:
        named = tuple(shapes(w, right))
        return wrong(verdict, "distribution", far.statistic, 0.0, 1.0 / sqrt(w.size), named, known)
    return verdict


def wrong(
    verdict: Verdict,
    what: str,
    mine: float,
    right: float,
    unit: float,
    named: tuple[str, ...],
    known: str,
) -> Verdict:
    place = Distance(abs(float(mine) - right) / unit, (), float(mine), right, unit, 1)
    found = Divergence(0, what, "formula", place, SIGMAS, right, (), (), verdict.subject)
    told = tuple(Explained(Variant(n), inf, 0.0) for n in named)
    ratio = f"; {float(mine) / right:.6g} times the right one" if right else ""
    d = Diagnosis(what, told, f"{what} of {DRAWS} matrices ({N_OUT}, {N_IN}){ratio}")
    return replace(verdict, divergence=found, diagnosis=d, case=f"{DRAWS} draws of {known}")


def deviations(w: Array, right: Stated) -> Iterator[str]:
    """Yield the usual scales that the deviation is, and what else may have been taken for it."""
    near = 5.0 / sqrt(w.size)
    if w.min() >= 0.0:
        yield "no weight is negative: drawn from 0 to a bound, as np.random.rand does, or magnitudes"
        return
    yield from (
        f"a deviation of {s:g}, whatever the number of inputs"
        for s in FIXED
        if abs(w.std() / s - 1.0) < near
    )
    for gain, g in GAINS.items():
        for fan, n in FANS.items():
            if abs(w.std() * sqrt(n) / g - 1.0) < near:
                yield f"a deviation of {gain or '1'} / sqrt({fan})"
    others = {
        "the bound of the uniform distribution taken for its deviation": right.std / sqrt(3.0)
        if right.uniform
        else 0.0,
        "the deviation taken for a bound, times sqrt(3)": sqrt(3.0) * right.std,
        "the variance taken for the deviation": right.std**2,
        "from -1 / sqrt(n_in) to 1 / sqrt(n_in), nn.Linear's own": 1.0 / sqrt(3.0 * N_IN),
        "the bound of right weights halved, np.random.rand() - 0.5": right.std / sqrt(12.0),
        "half of the right deviation": 0.5 * right.std,
        "the root of the deviation": sqrt(right.std),
        "cut at two deviations, Keras' truncated normal": 0.8796 * right.std,
    }
    yield from (
        name for name, std in others.items() if std and abs(w.std() / std - 1.0) < 2.0 * near
    )


def means(w: Array, right: Stated) -> Iterator[str]:
    """Yield what the mean has been taken for."""
    near = SIGMAS * right.std / sqrt(w.size)
    for told, mean in (("the deviation taken for the mean", right.std), ("a mean of 1", 1.0)):
        if abs(w.mean() - mean) < near:
            yield told


def shapes(w: Array, right: Stated) -> Iterator[str]:
    """Yield what the distribution looks like."""
    kurtosis = float(stats.kurtosis(w, fisher=False))
    if right.uniform and abs(kurtosis - 3.0) < 0.1:
        yield "normal weights of the right deviation, where uniform ones were asked for"
    elif not right.uniform and abs(kurtosis - 1.8) < 0.1:
        yield "uniform weights of the right deviation, where normal ones were asked for"
    elif not right.uniform and np.abs(w).max() < 2.5 * right.std:
        yield "a truncated normal distribution, rescaled, as Keras has it"
