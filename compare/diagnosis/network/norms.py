r"""Norms of all gradients, and the coefficients that clipping makes of them, as people write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, maximum, minimum, sqrt, total, where

Gradients = Mapping[str, Tracked]
Norm = Callable[[Gradients], Tracked]
Coefficient = Callable[..., Tracked]
TINY = 1e-6  # torch's, under the norm
OTHERS = (1e-8, 1e-12, 1e-7, 1e-10, 1e-5, 1e-9)


def squares(g: Gradients) -> Tracked:
    return total(*((x * x).sum() for x in g.values()))


def global_norm(g: Gradients) -> Tracked:
    return sqrt(squares(g))


def sum_of_norms(g: Gradients) -> Tracked:
    return total(*(sqrt((x * x).sum()) for x in g.values()))


def sum_of_magnitudes(g: Gradients) -> Tracked:
    return total(*(absolute(x).sum() for x in g.values()))


def root_mean_square(g: Gradients) -> Tracked:
    return sqrt(squares(g) / float(sum(x.value.size for x in g.values())))


def largest(g: Gradients) -> Tracked:
    top = max(float(np.abs(x.value).max()) for x in g.values())
    like = next(iter(g.values()))
    return Tracked(like.number(top), None, like.u)


def top(*x: Tracked) -> Tracked:
    first, *others = x
    for other in others:
        first = maximum(first, other)
    return first


def of_weights(g: Gradients) -> Tracked:
    return global_norm({n: x for n, x in g.items() if n[0] == "W"} or dict(g))


def torchs(c: float, norm: Tracked) -> Tracked:
    return minimum(c / (norm + TINY), 1.0)


def bare(c: float, norm: Tracked) -> Tracked:
    return minimum(c / norm, 1.0)


def with_epsilon(e: float) -> Coefficient:
    return lambda c, norm: minimum(c / (norm + e), 1.0)


def always(c: float, norm: Tracked) -> Tracked:
    return c / (norm + TINY)


NORMS: dict[str, tuple[Norm, str]] = {
    "the sum of the norms as the global norm": (sum_of_norms, "the sum of the norms"),
    "the norm not rooted": (squares, "the sum of the squares"),
    "the largest entry as the norm": (largest, "max |g|"),
    "the sum of magnitudes as the norm": (sum_of_magnitudes, "the sum of |g|"),
    "the root of the mean square as the norm": (root_mean_square, "sqrt(mean of g**2)"),
    "the largest of the norms as the global norm": (
        lambda g: sqrt(top(*((x * x).sum() for x in g.values()))),
        "the largest norm",
    ),
    "the norm of the first gradient alone": (
        lambda g: global_norm(dict([next(iter(g.items()))])),
        "the norm of the first",
    ),
    "the norm of the last gradient alone": (
        lambda g: global_norm(dict([list(g.items())[-1]])),
        "the norm of the last",
    ),
    "the mean of the norms as the global norm": (
        lambda g: sum_of_norms(g) / float(len(g)),
        "the mean of the norms",
    ),
    "the biases left out of the norm": (of_weights, "over the weights alone"),
}
COEFFICIENTS: dict[str, tuple[Coefficient, str]] = {
    "clipping left out": (lambda c, norm: 0.0 * norm + 1.0, "1"),
    "the coefficient without torch's 1e-6": (bare, "min(c / norm, 1)"),
    "always rescaled to the threshold": (always, "c / (norm + 1e-6), no min with 1"),
    "always rescaled, without the 1e-6": (lambda c, norm: c / norm, "c / norm, no min with 1"),
    "rescaled where the norm is below the threshold": (
        lambda c, norm: maximum(c / (norm + TINY), 1.0), "max(c / (norm + 1e-6), 1)"),
    "multiplied by the norm over the threshold": (
        lambda c, norm: maximum(norm / c, 1.0), "max(norm / c, 1)"),
    "the norm over the threshold, where it is the threshold over the norm": (
        lambda c, norm: minimum(norm / c, 1.0), "min(norm / c, 1)"),
    "multiplied by the threshold, not divided by the norm": (
        lambda c, norm: where(norm > c, c + 0.0 * norm, 1.0), "c where norm > c"),
    "divided by the norm where it is above the threshold, which is left out": (
        lambda c, norm: where(norm > c, 1.0 / norm, 1.0), "1 / norm where norm > c"),
    "divided by the norm, the threshold left out": (
        lambda c, norm: minimum(1.0 / (norm + TINY), 1.0), "min(1 / (norm + 1e-6), 1)"),
} | {f"{e:g} in place of torch's 1e-6": (with_epsilon(e), f"min(c / (norm + {e:g}), 1)") for e in OTHERS}  # fmt: skip
