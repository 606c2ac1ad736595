r"""Derivatives of activations as people get them wrong: gradient(z, a, da) in forms that are not g'."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from compare.diagnosis.network.forms import overflowing
from compare.formulas import activations as stated
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import exp, minimum, tanh, where

Formula = Callable[..., Tracked]


def squashed(a: Tracked, da: Tracked) -> Tracked:
    return da * (a * (1.0 - a))


def density(z: Tracked) -> Tracked:
    """Return phi(z) without its 1 / sqrt(2 pi)."""
    return exp(-0.5 * (z * z))


def uncentred(z: Tracked, a: Tracked, da: Tracked) -> Tracked:
    return a * (da - da.sum(axis=0) / float(da.shape[0]))


def inner(
    z: Tracked, a: Tracked, da: Tracked, *, three: float = 3.0, outer: bool = True
) -> Tracked:
    """Return the gradient of GELU's tanh approximation, with du = sqrt(2 / pi) (1 + three c z^2)."""
    t = tanh(stated.gelu_argument(z))
    du = math.sqrt(2.0 / math.pi) * (1.0 + three * 0.044715 * (z * z))
    slope = 0.5 * ((1.0 - t * t) * du)
    return da * (0.5 * (1.0 + t) + (z * slope if outer else slope))


SLOPES: dict[str, dict[str, Formula]] = {
    "relu": {
        "derivative 1 at exactly zero": lambda z, a, da: where(z >= 0.0, da, 0.0),
        "derivative 1/2 at exactly zero": lambda z, a, da: where(
            z > 0.0, da, where(z >= 0.0, 0.5 * da, 0.0)
        ),
        "z in place of its derivative": lambda z, a, da: da * a,
        "the mask of the gradient, not of z": lambda z, a, da: where(da > 0.0, da, 0.0),
        "the mask of both, z and the gradient": lambda z, a, da: where(
            da > 0.0, where(z > 0.0, da, 0.0), 0.0
        ),
        "0 and 1 swapped": lambda z, a, da: where(z > 0.0, 0.0 * da, da),
    },
    "leaky_relu": {
        "derivative 1 at exactly zero": lambda z, a, da, negative_slope: where(
            z >= 0.0, da, da * negative_slope
        ),
        "slope with the wrong sign": lambda z, a, da, negative_slope: where(
            z > 0.0, da, da * -negative_slope
        ),
        "slope * z in place of the slope": lambda z, a, da, negative_slope: where(
            z > 0.0, da, da * (z * negative_slope)
        ),
        "the slope alone, dA left out of it": lambda z, a, da, negative_slope: where(
            z > 0.0, da, 0.0 * da + negative_slope
        ),
    },
    "elu": {
        "a + 1 in place of a + alpha": lambda z, a, da, alpha: where(
            z > 0.0, da, da * (alpha * exp(minimum(z, 0.0)) + (1.0 - alpha))
        ),
        "derivative 1 at exactly zero": lambda z, a, da, alpha: where(
            z >= 0.0, da, stated.elu_gradient(z, a, da, alpha=alpha)
        ),
        "e^z without alpha": lambda z, a, da, alpha: stated.elu_gradient(z, a, da),
        "a in place of a + alpha": lambda z, a, da, alpha: where(z > 0.0, da, da * a),
        "alpha e^a, a in place of z": lambda z, a, da, alpha: where(
            z > 0.0, da, da * (alpha * exp(minimum(a, 0.0)))
        ),
        "alpha alone": lambda z, a, da, alpha: where(z > 0.0, da, da * alpha),
        "z + alpha in place of a + alpha": lambda z, a, da, alpha: where(
            z > 0.0, da, da * (z + alpha)
        ),
    },
    "sigmoid": {
        "a (1 + a)": lambda z, a, da: da * (a * (1.0 + a)),
        "a alone": lambda z, a, da: da * a,
        "1 - a alone": lambda z, a, da: da * (1.0 - a),
        "a^2": lambda z, a, da: da * (a * a),
        "a (1 - a^2)": lambda z, a, da: da * (a * (1.0 - a * a)),
        "formed from z: z (1 - z)": lambda z, a, da: squashed(z, da),
        "sigmoid applied twice: s(a) (1 - s(a))": lambda z, a, da: squashed(stated.sigmoid(a), da),
        "1 - a^2, that of tanh": lambda z, a, da: da * (1.0 - a * a),
        "exp(-z) / (1 + exp(-z))^2, which overflows": lambda z, a, da: overflowing(
            overflowing(da * (a * (1.0 - a)), -2.0 * z, 0.0), -z, float("nan")
        ),
        "a (1 - a) of -z with the sign kept": lambda z, a, da: da * (a * (a - 1.0)),
    },
    "tanh": {
        "formed from z: 1 - z^2": lambda z, a, da: da * (1.0 - z * z),
        "1 - a, the square left out": lambda z, a, da: da * (1.0 - a),
        "tanh applied twice: 1 - tanh(a)^2": lambda z, a, da: da * (1.0 - tanh(a) * tanh(a)),
        "1 + a^2": lambda z, a, da: da * (1.0 + a * a),
        "a^2 - 1": lambda z, a, da: da * (a * a - 1.0),
        "(1 - a)^2": lambda z, a, da: da * ((1.0 - a) * (1.0 - a)),
        "a (1 - a), that of sigmoid": lambda z, a, da: squashed(a, da),
        "a in place of its derivative": lambda z, a, da: da * a,
        "1 / cosh(z), not squared": lambda z, a, da: da * (2.0 / (exp(z) + exp(-z))),
    },
    "gelu": {
        "Phi(z) without z phi(z)": lambda z, a, da: da * stated.normal_cdf(z),
        "that of the tanh approximation": stated.gelu_tanh_gradient,
        "Phi(z) + z phi(z) / 2": lambda z, a, da: (
            da * (stated.normal_cdf(z) + 0.5 * (z * density(z) * (1.0 / math.sqrt(2.0 * math.pi))))
        ),
        "phi(z) without the half in its exponent": lambda z, a, da: (
            da * (stated.normal_cdf(z) + z * exp(-(z * z)) * (1.0 / math.sqrt(2.0 * math.pi)))
        ),
        "phi(z) of z, not of z squared": lambda z, a, da: (
            da * (stated.normal_cdf(z) + z * exp(-0.5 * z) * (1.0 / math.sqrt(2.0 * math.pi)))
        ),
        "1 / (2 pi) in phi(z), its root left out": lambda z, a, da: (
            da * (stated.normal_cdf(z) + z * density(z) * (0.5 / math.pi))
        ),
        "phi(z) without 1 / sqrt(2 pi)": lambda z, a, da: (
            da * (stated.normal_cdf(z) + z * density(z))
        ),
        "z phi(z) without Phi(z)": lambda z, a, da: (
            da * (z * density(z) * (1.0 / math.sqrt(2.0 * math.pi)))
        ),
        "phi(z) alone": lambda z, a, da: da * (density(z) * (1.0 / math.sqrt(2.0 * math.pi))),
        "Phi(z) + phi(z), z left out": lambda z, a, da: (
            da * (stated.normal_cdf(z) + density(z) * (1.0 / math.sqrt(2.0 * math.pi)))
        ),
    },
    "gelu_tanh": {
        "that of the erf form": stated.gelu_gradient,
        "the 3 of its inner derivative left out": partial(inner, three=1.0),
        "its inner derivative left out": partial(inner, three=0.0),
        "the second term left out": lambda z, a, da: (
            da * (0.5 * (1.0 + tanh(stated.gelu_argument(z))))
        ),
        "z left out of the second term": partial(inner, outer=False),
    },
    "silu": {
        "s alone": lambda z, a, da: da * stated.sigmoid(z),
        "s (1 - s), that of sigmoid": lambda z, a, da: squashed(stated.sigmoid(z), da),
        "s + z s, without (1 - s)": lambda z, a, da: da * (stated.sigmoid(z) * (1.0 + z)),
        "z s (1 - s), without s": lambda z, a, da: z * squashed(stated.sigmoid(z), da),
        "s + s (1 - s), z left out": lambda z, a, da: (
            da * (stated.sigmoid(z) * (2.0 - stated.sigmoid(z)))
        ),
        "a + 1 - s, s left out": lambda z, a, da: da * (a + (1.0 - stated.sigmoid(z))),
        "a + s, without (1 - a)": lambda z, a, da: da * (a + stated.sigmoid(z)),
        "a (1 - s), without s": lambda z, a, da: da * (a * (1.0 - stated.sigmoid(z))),
        "s (1 + a (1 - s)), a in place of z": lambda z, a, da: (
            da * (stated.sigmoid(z) * (1.0 + a * (1.0 - stated.sigmoid(z))))
        ),
    },
    "softplus": {
        "sigmoid(-z)": lambda z, a, da, **o: da * stated.sigmoid(-z),
        "sigmoid without the threshold": lambda z, a, da, beta, threshold: (
            da * stated.sigmoid(beta * z)
        ),
        "beta once more": lambda z, a, da, **o: o["beta"] * stated.softplus_gradient(z, a, da, **o),
        "sigmoid of a": lambda z, a, da, **o: da * stated.sigmoid(a),
        "1 - e^-a, which cancels where a is small": lambda z, a, da, **o: da * (1.0 - exp(-a)),
        "1 - e^a in place of 1 - e^-a": lambda z, a, da, **o: da * (1.0 - exp(a)),
        "a in place of its derivative": lambda z, a, da, **o: da * a,
        "1 - sigmoid": lambda z, a, da, **o: da * (1.0 - stated.sigmoid(z)),
    },
    "softmax": {
        "the diagonal alone: a (1 - a)": lambda z, a, da: squashed(a, da),
        "over the examples": lambda z, a, da: stated.softmax_gradient(z.T, a.T, da.T).T,
        "a dA, the sum not subtracted": lambda z, a, da: a * da,
        "a (dA - sum dA), the sum not weighted by a": lambda z, a, da: a * (da - da.sum(axis=0)),
        "a (dA - mean dA)": uncentred,
        "a (dA + sum(dA a)), the sum added": lambda z, a, da: a * (da + (da * a).sum(axis=0)),
        "a (dA - mean(dA a)), a mean in place of the sum": lambda z, a, da: (
            a * (da - (da * a).sum(axis=0) / float(da.shape[0]))
        ),
        "dA - sum(dA a), not multiplied by a": lambda z, a, da: da - (da * a).sum(axis=0),
    },
}
