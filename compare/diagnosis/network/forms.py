r"""Activations as people write them: right in exact arithmetic but not in floating point, or a near relation."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from compare.formulas import activations as stated
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, erf, exp, expm1, log, maximum, minimum, tanh, where

Formula = Callable[..., Tracked]
LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772  # SELU's, Klambauer et al. 2017


def clamped(z: Tracked, low: float, high: float) -> Tracked:
    return minimum(maximum(z, low), high)


def top(z: Tracked) -> float:
    """Return the argument beyond which e^z overflows the program's type."""
    return float(np.log(np.finfo(np.float32 if z.u > 2.0**-30 else np.float64).max))


def overflowing(right: Tracked, z: Tracked, made: float) -> Tracked:
    """Return the right value, and `made` (NaN or infinity) where e^z overflows the program's type."""
    return Tracked(np.where(z.value > top(z), made, right.value), right.error, right.u, right.terms)


def unshifted_softmax(z: Tracked) -> Tracked:
    """Return e^z / sum e^z as a program has it whose e^z overflows: infinite over infinite, or 0."""
    if not (z.value > top(z)).any():  # the same, but for rounding
        return stated.softmax(z)
    e = overflowing(exp(z), z, float("inf"))
    return e / e.sum(axis=0)


def underflowing(z: Tracked) -> Tracked:
    """Return softmax with the maximum over everything subtracted: 0 / 0 where that is far off."""
    e = exp(z - float(z.value.max()))
    lost = np.exp((z.value - z.value.max()).astype(np.float32 if z.u > 2.0**-30 else np.float64))
    e = Tracked(np.where(lost == 0.0, 0.0, e.value), e.error, e.u, e.terms)
    return e / e.sum(axis=0)


def tanh_by_exponentials(z: Tracked) -> Tracked:
    """Return (e^z - e^-z) / (e^z + e^-z), NaN where either overflows."""
    up, down = exp(z), exp(-z)
    return overflowing((up - down) / (up + down), absolute(z), float("nan"))


def tanh_by_square(z: Tracked) -> Tracked:
    """Return (e^2z - 1) / (e^2z + 1), NaN where it overflows."""
    e = exp(2.0 * z)
    return overflowing((e - 1.0) / (e + 1.0), 2.0 * z, float("nan"))


def sigmoid_clipped(bound: float) -> Formula:
    return lambda z: stated.sigmoid(clamped(z, -bound, bound))


def nan_where_overflowing(formula: Formula) -> Formula:
    return lambda z: overflowing(formula(z), z, float("nan"))


def gated(z: Tracked, u: Tracked) -> Tracked:
    """Return z (1 + tanh(sqrt(2 / pi) u)) / 2."""
    return z * (0.5 * (1.0 + tanh(math.sqrt(2.0 / math.pi) * u)))


def cubic(z: Tracked, *, c: float) -> Tracked:
    return gated(z, z + c * (z * z * z))


def logarithm_of_sum(z: Tracked) -> Tracked:
    """Return log sum e^z, its maximum taken out."""
    return log(shifted(z).sum(axis=0)) + highest(z)


EPSILONS = (1e-8, 1e-7, 1e-10, 1e-12, 1e-6, 1e-9, 1e-15, 1e-5)


def highest(z: Tracked) -> Tracked:
    """Return the maximum of each example."""
    return Tracked(z.value.max(axis=0, keepdims=True), None, z.u)


def shifted(z: Tracked) -> Tracked:
    """Return e^z, its maximum taken out."""
    return exp(z - highest(z))


FORMS: dict[str, dict[str, Formula]] = {
    "identity": {},
    "sigmoid": {
        "e^z / (1 + e^z), which overflows": nan_where_overflowing(stated.sigmoid),
        "1 / (1 + exp(z)), the sign of z lost": lambda z: stated.sigmoid(-z),
        "sigmoid of z clipped to [-500, 500]": sigmoid_clipped(500.0),
        "sigmoid of z clipped to [-100, 100]": sigmoid_clipped(100.0),
        "sigmoid of z clipped to [-50, 50]": sigmoid_clipped(50.0),
        "sigmoid of z clipped to [-30, 30]": sigmoid_clipped(30.0),
        "sigmoid of z clipped to [-20, 20]": sigmoid_clipped(20.0),
        "sigmoid of z clipped to [-10, 10]": sigmoid_clipped(10.0),
        "(1 + tanh(z / 2)) / 2, which cancels below": lambda z: 0.5 * (1.0 + tanh(0.5 * z)),
        "exp(-log(1 + e^-z)), whose rounding grows with -z": lambda z: exp(-stated.softplus(-z, threshold=np.inf)),
        "(1 + tanh(z)) / 2": lambda z: 0.5 * (1.0 + tanh(z)),
        "max(0, min(1, 0.2 z + 0.5)), the hard sigmoid": lambda z: clamped(0.2 * z + 0.5, 0.0, 1.0),
        "max(0, min(1, z / 6 + 0.5)), the hard sigmoid": lambda z: clamped(z / 6.0 + 0.5, 0.0, 1.0),
        "1 / 1 + exp(-z), a bracket left out": lambda z: 1.0 + exp(-z),
        "z / (1 + |z|) / 2 + 1/2": lambda z: 0.5 * (z / (1.0 + absolute(z))) + 0.5,
    }
    | {f"1 / (1 + exp(-z) + {e:g})": lambda z, e=e: 1.0 / (1.0 + exp(-z) + e) for e in EPSILONS}
    | {f"its value clipped to [{e:g}, 1 - {e:g}]": lambda z, e=e: clamped(stated.sigmoid(z), e, 1.0 - e) for e in EPSILONS},
    "tanh": {
        "(e^z - e^-z) / (e^z + e^-z), which cancels near 0 and overflows": tanh_by_exponentials,
        "(e^2z - 1) / (e^2z + 1), which cancels near 0 and overflows": tanh_by_square,
        "1 - 2 / (e^2z + 1), which cancels near 0": lambda z: 1.0 - 2.0 / (exp(2.0 * z) + 1.0),
        "2 sigmoid(2 z) - 1, which cancels near 0": lambda z: 2.0 * stated.sigmoid(2.0 * z) - 1.0,
        "2 sigmoid(z) - 1": lambda z: 2.0 * stated.sigmoid(z) - 1.0,
        "tanh(z / 2)": lambda z: tanh(0.5 * z),
        "1.7159 tanh(2 z / 3)": lambda z: 1.7159 * tanh(z * (2.0 / 3.0)),
        "max(-1, min(1, z)), the hard tanh": lambda z: clamped(z, -1.0, 1.0),
        "z / (1 + |z|), softsign": lambda z: z / (1.0 + absolute(z)),
    },
    "gelu": {
        "z sigmoid(1.702 z)": lambda z: z * stated.sigmoid(1.702 * z),
        "z (1 + erf(z)) / 2, sqrt(2) left out": lambda z: z * (0.5 * (1.0 + erf(z))),
        "z (1 + erf(z / sqrt(2))), the half left out": lambda z: 2.0 * stated.gelu(z),
    },
    "gelu_tanh": {
        f"the constant {c:g} in place of 0.044715": partial(cubic, c=c) for c in (0.44715, 0.0044715, 0.04715, 0.0044)
    }
    | {
        "z squared in place of z cubed": lambda z: gated(z, z + 0.044715 * (z * z)),
        "sqrt(2 pi) in place of sqrt(2 / pi)": lambda z: z * (0.5 * (1.0 + tanh(math.sqrt(2.0 * math.pi) * (z + 0.044715 * (z * z * z))))),
        "the erf form": stated.gelu,
        "0.044715 z^3 outside the bracket": lambda z: z * (0.5 * (1.0 + tanh(math.sqrt(2.0 / math.pi) * z + 0.044715 * (z * z * z)))),
        "z left out before the bracket": lambda z: 0.5 * (1.0 + tanh(stated.gelu_argument(z))),
    }
    | {f"the constant {c} in place of sqrt(2 / pi)": lambda z, c=c: z * (0.5 * (1.0 + tanh(c * (z + 0.044715 * (z * z * z))))) for c in (0.79788456, 0.7978845608, 0.797885, 0.79788, 0.7979, 0.7978, 0.798, 0.8)},
    "softmax": {
        "softmax without subtracting the maximum": unshifted_softmax,
        "softmax over the examples": lambda z: stated.softmax(z.T).T,
        "softmax over everything": lambda z: exp(z) / exp(z).sum(),
        "exp(z - logsumexp(z)), which loses digits where z is large": lambda z: exp(
            z - logarithm_of_sum(z)
        ),
        "divided by the mean, not by the sum": lambda z: (
            stated.softmax(z) * float(z.shape[0])
        ),
        "the maximum of all examples subtracted, which underflows": lambda z: underflowing(z),
        "divided by the largest, not by the sum": lambda z: shifted(z),
        "the maximum of each class subtracted, not of each example": lambda z: (
            exp(z - highest(z.T).T) / exp(z - highest(z.T).T).sum(axis=0)
        ),
        "its logarithm": lambda z: log(stated.softmax(z)),
        "e^z, never divided by its sum": exp,
        "z / sum z": lambda z: z / z.sum(axis=0),
        "softmax of the probabilities once more": lambda z: stated.softmax(stated.softmax(z)),
    }
    | {f"e^z / (sum e^z + {e:g})": lambda z, e=e: shifted(z) / (shifted(z).sum(axis=0) + e) for e in EPSILONS},
    "elu": {
        "exp(z) - 1 without alpha": lambda z, **o: stated.elu(z),
        "alpha (exp(z) - 1), which cancels near 0": lambda z, alpha: where(
            z > 0.0, z, alpha * (exp(where(z > 0.0, 0.0, z)) - 1.0)
        ),
        "alpha (exp(z / alpha) - 1), CELU": lambda z, alpha: where(
            z > 0.0, z, alpha * expm1(where(z > 0.0, 0.0, z) / alpha)
        ),
        "exp(alpha z) - 1, alpha inside": lambda z, alpha: where(
            z > 0.0, z, expm1(alpha * where(z > 0.0, 0.0, z))
        ),
        "alpha e^z, the 1 left out": lambda z, alpha: where(z > 0.0, z, alpha * exp(minimum(z, 0.0))),
        "SELU": lambda z, **o: LAMBDA * stated.elu(z, alpha=ALPHA),
    },
    "relu": {
        "|z|": absolute,
        "min(max(z, 0), 6)": lambda z: clamped(z, 0.0, 6.0),
        "min(max(z, 0), 1)": lambda z: clamped(z, 0.0, 1.0),
        "min(z, 0)": lambda z: minimum(z, 0.0),
        "1 where z > 0": lambda z: where(z > 0.0, 1.0 + 0.0 * z, 0.0),
    },
    "leaky_relu": {
        "the slope on the positive side": lambda z, negative_slope: where(z > 0.0, z * negative_slope, z),
        "the slope with the wrong sign": lambda z, negative_slope: where(z > 0.0, z, z * -negative_slope),
        "divided by the slope": lambda z, negative_slope: where(z > 0.0, z, z / negative_slope),
    },
    "softplus": {
        "log(1 + exp(z)) everywhere": lambda z, **o: stated.softplus(z, threshold=1e9),
        "log(1 + e^z), which overflows, and cancels below": lambda z, **o: overflowing(
            log(1.0 + exp(z)), z, float("inf")
        ),
        "logarithm to base 2": lambda z, **o: stated.softplus(z, **o) / math.log(2.0),
        "log(1 + e^z) - log(2), shifted": lambda z, **o: stated.softplus(z, **o) - math.log(2.0),
        **{
            f"a threshold of {t:g}": lambda z, beta, threshold, t=t: stated.softplus(z, beta=beta, threshold=t)
            for t in (1.0, 10.0, 15.0)
        },
        "beta forgotten in the division": lambda z, beta, threshold: beta
        * stated.softplus(z, beta=beta, threshold=threshold),
    },
    "silu": {
        "z e^z / (1 + e^z), which overflows": nan_where_overflowing(stated.silu),
        "z (1 + tanh(z / 2)) / 2, which cancels below": lambda z: z * (0.5 * (1.0 + tanh(0.5 * z))),
        "z tanh(softplus(z)), mish": lambda z: z * tanh(stated.softplus(z)),
        "z hardsigmoid(z)": lambda z: z * clamped(z / 6.0 + 0.5, 0.0, 1.0),
    },
}  # fmt: skip
