r"""Checking an initialiser: whether what it draws is distributed as it should be, by its deviation and its shape.

Nobody else's random numbers are PyTorch's, so that single weights cannot be compared. Of a matrix
drawn again and again the deviation is known to $\sqrt{(\kappa - 1) / 4 n}$ of itself ($\kappa$ the
kurtosis, n the number of weights), which of half a million is less than a thousandth.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from compare.checking.calling import accepted, options_for
from compare.checking.likeness import INITIALIZERS, single
from compare.checking.numbers import plain
from compare.checking.scales import (
    EXACT,
    N_IN,
    N_OUT,
    Stated,
    dependences,
    deviations,
    known_deviation,
    means,
    shapes,
)
from compare.checking.steps import passed
from compare.checking.verdict import Verdict
from compare.diagnosis import Diagnosis, Explained, Variant
from compare.distances import Distance
from compare.divergence import Divergence
from compare.tolerances import SIGMAS, UNLIKELY
from manual.initialization.scaled import kaiming_std, xavier_std

Array = NDArray[np.float64]
DRAWS = 500
INPUTS = ("n_in", "fan_in", "in_features", "inputs", "n_inputs", "input_size", "nin")
OUTPUTS = ("n_out", "fan_out", "out_features", "outputs", "n_outputs", "output_size", "nout")
SHAPES = ("shape", "size", "dims")
SOURCES = ("rng", "generator", "random", "random_state", "gen")


def check_initializer(
    function: Any, like: str, *, seed: int = 0, name: str = "", **options: Any
) -> Verdict:
    r"""Check an initialiser of weights $(n_{out}, n_{in})$; raise Wrong where they are distributed otherwise.

    The function takes `n_in` and `n_out`, or `shape`, by these or the usual other names, and may take
    `rng` (a numpy.random.Generator). It is called five hundred times. What is judged is the
    distribution, its deviation, mean and shape, and whether rows and columns are independent; where the
    weights are a multiple of what its generator gives, their deviation to nine digits.

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
    except Exception as error:
        return replace(verdict, notes=tuple(notes)).stopped(f"weights ({N_OUT}, {N_IN})", error)
    verdict = replace(verdict, notes=tuple(notes))
    drawn_once = sources(function) and known_deviation(
        weights[0], lambda: np.random.default_rng(seed)
    )
    return judged(verdict, weights, right, known, float(drawn_once))


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
    plain = kaiming_std((N_OUT, N_IN), **{**o, "a": 0.0}) if o.get("a") else std
    return Stated(std, known.endswith("uniform"), plain)


def sources(function: Any) -> bool:
    """Tell whether an initialiser takes a generator."""
    return bool(accepted(function)[0] & {*SOURCES})


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
    W = np.asarray(plain(draw()), dtype=np.float64)
    if W.shape not in ((N_OUT, N_IN), (N_IN, N_OUT)):
        raise ValueError(f"it returned an array {W.shape}; expected {(N_OUT, N_IN)}")
    return W


def judged(verdict: Verdict, w: Array, right: Stated, known: str, exact: float = 0.0) -> Verdict:
    """Return the verdict on weights beside their distribution: deviation, mean, the whole of it, one beside another.

    `exact` is their deviation, where it is known by the numbers that they were made of.
    """
    names = ("deviation", "mean", "distribution", "independence")
    verdict = replace(verdict, shown=names, arrays=DRAWS)
    if np.ptp(w[0]) == 0.0:
        return wrong(verdict, "deviation", 0.0, right.std, right.std, (EQUAL,), known)
    if np.array_equal(w[0], w[1]):
        return wrong(verdict, "independence", 1.0, 0.0, 1.0, (SEEDED,), known)
    std, kurtosis = exact or w.std(), float(stats.kurtosis(w, fisher=False, axis=None))
    error = EXACT / SIGMAS if exact else sqrt((right.kurtosis - 1.0) / (4.0 * w.size))
    if not abs(std - right.std) <= SIGMAS * error * right.std:
        near = SIGMAS * (error if exact else sqrt((kurtosis - 1.0) / (4.0 * w.size)))
        named = tuple(deviations(w, right, std, near))
        return wrong(verdict, "deviation", std, right.std, error * right.std, named, known)
    if not abs(w.mean()) <= SIGMAS * right.std / sqrt(w.size):
        named = tuple(means(w, right))
        return wrong(verdict, "mean", w.mean(), 0.0, right.std / sqrt(w.size), named, known)
    far = stats.kstest(w.ravel(), right.cdf)
    if far.pvalue < UNLIKELY:
        named = tuple(shapes(w, right)) or tuple(name for name, _ in dependences(w, right))
        return wrong(verdict, "distribution", far.statistic, 0.0, 1.0 / sqrt(w.size), named, known)
    for name, sigmas in dependences(w, right):
        return wrong(verdict, "independence", sigmas, 0.0, 1.0, (name,), known)
    return verdict


EQUAL = "all weights are equal: the units of a layer stay alike for ever"
SEEDED = (
    "it draws the same weights each time it is called, and so for every layer: let it take rng, or draw "
    "from a generator that is made once"
)


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
