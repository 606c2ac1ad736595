r"""Losses as people write them: another mean, clipped or unclamped logarithms, a form that overflows, a near relation."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from compare.diagnosis.network.forms import (
    EPSILONS,
    highest,
    overflowing,
    shifted,
    underflowing,
    unshifted_softmax,
)
from compare.formulas import activations
from compare.formulas import losses as stated
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, exp, log, maximum, minimum, sqrt, where

Formula = Callable[..., Tracked]
SMOOTHINGS = (0.1, 0.05, 0.01, 0.2)


def elements(A: Tracked) -> float:
    return float(A.value.size)


def examples(A: Tracked) -> float:
    return float(A.shape[1])


def clipped(A: Tracked, eps: float) -> Tracked:
    return minimum(maximum(A, eps), 1.0 - eps)


def binary(A: Tracked, Y: Tracked, *, floor: float = -np.inf, inside: float = 0.0) -> Tracked:
    """Return binary cross entropy with logarithms of a + inside, not below `floor`."""
    up, down = log(A + inside), log(1.0 - A + inside)
    if floor > -np.inf:
        up, down = maximum(up, floor), maximum(down, floor)
    return -((Y * up + (1.0 - Y) * down).sum() / elements(A))


def one_sided(A: Tracked, Y: Tracked, *, inside: float = 0.0, scale: float = 1.0) -> Tracked:
    """Return binary cross entropy with a + inside in the logarithm of a alone, or that logarithm scaled."""
    up = scale * maximum(log(A + inside), -100.0)
    return -((Y * up + (1.0 - Y) * maximum(log(1.0 - A), -100.0)).sum() / elements(A))


def stored(x: Tracked) -> Tracked:
    """Return a value as the program's type holds it: 1 where it saturates."""
    dtype = np.float32 if x.u > 2.0**-30 else np.float64
    held = x.rounded()
    return Tracked(x.value.astype(dtype).astype(x.value.dtype), held.error, held.u, held.terms)


def wrapped(A: Tracked, Y: Tracked) -> Tracked:
    """Return what unsigned labels make of it: -1 is 255."""
    up = where(Y > 0.0, 255.0, 0.0 * Y) * log(A)
    return (up - (1.0 - Y) * log(1.0 - A)).sum() / elements(A)


def all_pairs(A: Tracked, Y: Tracked) -> Tracked:
    """Return the mean over all pairs (i, j) of (a_j - y_i)^2: (m, 1) against (1, m)."""
    r = A - Y.T
    return (r * r).sum() / float(r.value.size)


def smoothed(Y: Tracked, e: float) -> Tracked:
    """Return the targets (1 - e) y + e / K."""
    return (1.0 - e) * Y + e / float(Y.shape[0])


def likelihood(P: Tracked, Y: Tracked) -> Tracked:
    return -((Y * log(P)).sum() / examples(P))


def naive(A: Tracked, Y: Tracked) -> Tracked:
    """Return the loss of softmax as the program's type holds it, of the true classes alone."""
    return stated.cross_entropy_on_probabilities(stored(activations.softmax(A)), Y)


def largest(x: Tracked) -> Tracked:
    return Tracked(np.asarray(x.value.max()), np.asarray(x.size.max()), x.u)


VALUES: dict[str, dict[str, Formula]] = {
    "mse": {
        "its root (RMSE)": lambda A, Y: sqrt(stated.mse(A, Y)),
        "broadcast: every prediction against every target": all_pairs,
        "the square of the mean error, not the mean of squares": lambda A, Y: (
            ((A - Y).sum() / elements(A)) * ((A - Y).sum() / elements(A))
        ),
        "the mean of errors, not of their squares": lambda A, Y: (A - Y).sum() / elements(A),
        "the norm of the errors": lambda A, Y: sqrt(((A - Y) * (A - Y)).sum()),
        "the norm of the errors over m": lambda A, Y: sqrt(((A - Y) * (A - Y)).sum()) / examples(A),
        "the variance of the errors, their mean subtracted": lambda A, Y: stated.mse(
            A - Y, 0.0 * Y + (A - Y).sum() / elements(A)
        ),
        "the largest squared error": lambda A, Y: largest((A - Y) * (A - Y)),
    },
    "huber": {
        "the quadratic and the linear part swapped": lambda A, Y, delta: where(
            absolute(A - Y) < delta, delta * (absolute(A - Y) - 0.5 * delta), 0.5 * ((A - Y) * (A - Y))
        ).sum() / elements(A),
        "linear part plus delta^2 / 2": lambda A, Y, delta: where(
            absolute(A - Y) < delta, 0.5 * ((A - Y) * (A - Y)), delta * (absolute(A - Y) + 0.5 * delta)
        ).sum() / elements(A),
        "pseudo-Huber, smooth everywhere": lambda A, Y, delta: (
            delta * delta * (sqrt(1.0 + (A - Y) * (A - Y) / (delta * delta)) - 1.0)
        ).sum() / elements(A),
        "linear part without -delta^2 / 2": lambda A, Y, delta: where(
            absolute(A - Y) < delta, 0.5 * ((A - Y) * (A - Y)), delta * absolute(A - Y)
        ).sum() / elements(A),
        "r^2, not halved, where small": lambda A, Y, delta: where(
            absolute(A - Y) < delta, (A - Y) * (A - Y), delta * (absolute(A - Y) - 0.5 * delta)
        ).sum() / elements(A),
        "linear part without its factor delta": lambda A, Y, delta: where(
            absolute(A - Y) < delta, 0.5 * ((A - Y) * (A - Y)), absolute(A - Y) - 0.5 * delta
        ).sum() / elements(A),
        "linear part delta (r - delta)": lambda A, Y, delta: where(
            absolute(A - Y) < delta, 0.5 * ((A - Y) * (A - Y)), delta * (absolute(A - Y) - delta)
        ).sum() / elements(A),
        "linear part delta r - delta / 2": lambda A, Y, delta: where(
            absolute(A - Y) < delta, 0.5 * ((A - Y) * (A - Y)), delta * absolute(A - Y) - 0.5 * delta
        ).sum() / elements(A),
        "linear part delta r - 1/2": lambda A, Y, delta: where(
            absolute(A - Y) < delta, 0.5 * ((A - Y) * (A - Y)), delta * absolute(A - Y) - 0.5
        ).sum() / elements(A),
        "linear part r - 1/2, whatever delta": lambda A, Y, delta: where(
            absolute(A - Y) < delta, 0.5 * ((A - Y) * (A - Y)), absolute(A - Y) - 0.5
        ).sum() / elements(A),
    },
    "smooth_l1": {
        "r^2 / 2, not divided by beta, where small": lambda A, Y, beta: where(
            absolute(A - Y) < beta, 0.5 * ((A - Y) * (A - Y)), absolute(A - Y) - 0.5 * beta
        ).sum() / elements(A),
        "linear part without -beta / 2": lambda A, Y, beta: where(
            absolute(A - Y) < beta, 0.5 * ((A - Y) * (A - Y)) / beta, absolute(A - Y)
        ).sum() / elements(A),
        "r^2 / beta, not halved, where small": lambda A, Y, beta: where(
            absolute(A - Y) < beta, (A - Y) * (A - Y) / beta, absolute(A - Y) - 0.5 * beta
        ).sum() / elements(A),
        "huber": lambda A, Y, beta: stated.huber(A, Y, delta=beta),
    },
    "bce": {
        "the logarithms not clamped at -100": binary,
        "the term (1 - y) log(1 - a) left out": lambda A, Y: -(
            (Y * maximum(log(A), -100.0)).sum() / elements(A)
        ),
        "the term y log(a) left out": lambda A, Y: -(
            ((1.0 - Y) * maximum(log(1.0 - A), -100.0)).sum() / elements(A)
        ),
        "labels in uint8: -1 is 255": wrapped,
        "y and 1 - y swapped": lambda A, Y: stated.bce(A, 1.0 - Y),
        "minus before the first term alone": lambda A, Y: (
            ((1.0 - Y) * maximum(log(1.0 - A), -100.0) - Y * maximum(log(A), -100.0)).sum() / elements(A)
        ),
        "log(a) to base 10, log(1 - a) not": lambda A, Y: one_sided(A, Y, scale=1.0 / math.log(10.0)),
        "log(1 - a) to base 10, log(a) not": lambda A, Y: one_sided(
            1.0 - A, 1.0 - Y, scale=1.0 / math.log(10.0)
        ),
        "logarithm to base 2": lambda A, Y: stated.bce(A, Y) / float(np.log(2.0)),
        "labels and probabilities swapped": lambda A, Y: binary(Y, A, floor=-100.0),
    }
    | {
        f"probabilities clipped to [{e:g}, 1 - {e:g}]": lambda A, Y, e=e: binary(
            clipped(A, e), Y, floor=-100.0
        )
        for e in EPSILONS
    }
    | {
        f"labels smoothed by {e:g}": lambda A, Y, e=e: stated.bce(A, (1.0 - e) * Y + 0.5 * e)
        for e in SMOOTHINGS
    }
    | {f"{e:g} added inside the logarithms": partial(binary, inside=e) for e in EPSILONS}
    | {f"{e:g} added inside log(a) alone": partial(one_sided, inside=e) for e in EPSILONS}
    | {
        f"{e:g} added inside log(1 - a) alone": lambda A, Y, e=e: one_sided(1.0 - A, 1.0 - Y, inside=e)
        for e in EPSILONS
    },
    "bce_with_logits": {
        "probabilities where logits belong: sigmoid applied twice": lambda A, Y: (
            stated.bce_with_logits(activations.sigmoid(A), Y)
        ),
        "logits taken for probabilities": lambda A, Y: binary(A, Y, floor=-100.0),
        "the term y z left out": lambda A, Y: stated.bce_with_logits(A, 0.0 * Y),
        "log(sigmoid(z)), infinite where it saturates": lambda A, Y: binary(
            stored(activations.sigmoid(A)), Y
        ),
        "log(sigmoid(z)), clamped at -100": lambda A, Y: binary(
            stored(activations.sigmoid(A)), Y, floor=-100.0
        ),
        "log(1 + exp(|z|)), the sign of |z| lost": lambda A, Y: (
            (maximum(A, 0.0) - A * Y + log(1.0 + exp(absolute(A)))).sum() / elements(A)
        ),
        "log(1 + exp(-z)), |z| left out": lambda A, Y: (
            (maximum(A, 0.0) - A * Y + log(1.0 + exp(-A))).sum() / elements(A)
        ),
        "y and 1 - y swapped": lambda A, Y: stated.bce_with_logits(A, 1.0 - Y),
        "max(z, 0) left out": lambda A, Y: (
            (log(1.0 + exp(-absolute(A))) - A * Y).sum() / elements(A)
        ),
        "log(1 + exp(-s z)) with s of -1 and 1, which overflows": lambda A, Y: (
            overflowing(log(1.0 + exp((1.0 - 2.0 * Y) * A)), (1.0 - 2.0 * Y) * A, np.inf).sum()
            / elements(A)
        ),
        "log(1 + e^z) - y z, which overflows": lambda A, Y: (
            (overflowing(log(1.0 + exp(A)), A, np.inf) - A * Y).sum() / elements(A)
        ),
    }
    | {
        f"labels smoothed by {e:g}": lambda A, Y, e=e: stated.bce_with_logits(
            A, (1.0 - e) * Y + 0.5 * e
        )
        for e in SMOOTHINGS
    },
    "cross_entropy": {
        "softmax over the examples": lambda A, Y: (
            stated.cross_entropy(A.T, Y.T) * (A.shape[0] / A.shape[1])
        ),
        "binary cross entropy of each class": lambda A, Y: (
            binary(activations.softmax(A), Y) * float(A.shape[0])
        ),
        "the mean of binary cross entropies": lambda A, Y: binary(activations.softmax(A), Y),
        "softmax applied twice": lambda A, Y: stated.cross_entropy(activations.softmax(A), Y),
        "logits taken for probabilities": likelihood,
        "log(softmax(z)), infinite where it underflows": lambda A, Y: naive(A, Y),
        "log(e^z / sum e^z), which overflows": lambda A, Y: likelihood(
            unshifted_softmax(A), Y
        ),
        "y log(softmax(z)), 0 times infinity where it underflows": lambda A, Y: likelihood(
            stored(activations.softmax(A)), Y
        ),
        "the logarithm left out: probabilities summed": lambda A, Y: -(
            (Y * activations.softmax(A)).sum() / examples(A)
        ),
        "softmax over everything": lambda A, Y: likelihood(exp(A) / exp(A).sum(), Y),
        "the maximum of everything subtracted, not an example's own: it underflows": lambda A, Y: (
            likelihood(underflowing(A), Y)
        ),
        "the maximum is not added back to the logarithm of the sum": lambda A, Y: (
            (Y * (log(shifted(A).sum(axis=0)) - A)).sum() / examples(A)
        ),
        "logits less their maximum summed, the logarithm of the sum left out": lambda A, Y: (
            (Y * (highest(A) - A)).sum() / examples(A)
        ),
        "logits summed, the logarithm of the sum left out": lambda A, Y: -(
            (Y * A).sum() / examples(A)
        ),
    }
    | {
        f"probabilities clipped to [{e:g}, 1 - {e:g}]": lambda A, Y, e=e: likelihood(
            clipped(activations.softmax(A), e), Y
        )
        for e in EPSILONS
    }
    | {
        f"labels smoothed by {e:g}": lambda A, Y, e=e: stated.cross_entropy(A, smoothed(Y, e))
        for e in SMOOTHINGS
    }
    | {
        f"probabilities not below {e:g}": lambda A, Y, e=e: likelihood(
            maximum(activations.softmax(A), e), Y
        )
        for e in EPSILONS
    }
    | {
        f"{e:g} added inside the logarithm": lambda A, Y, e=e: likelihood(
            activations.softmax(A) + e, Y
        )
        for e in EPSILONS
    },
    "cross_entropy_on_probabilities": {
        "the logarithm left out: probabilities summed": lambda A, Y: -((Y * A).sum() / examples(A)),
    }
    | {f"probabilities not below {e:g}": lambda A, Y, e=e: likelihood(maximum(A, e), Y) for e in EPSILONS}
    | {
        f"labels smoothed by {e:g}": lambda A, Y, e=e: likelihood(A, smoothed(Y, e))
        for e in SMOOTHINGS
    }
    | {
        f"{e:g} added inside the logarithm": lambda A, Y, e=e: likelihood(A + e, Y)
        for e in EPSILONS
    }
    | {
        f"probabilities clipped to [{e:g}, 1 - {e:g}]": lambda A, Y, e=e: likelihood(
            clipped(A, e), Y
        )
        for e in EPSILONS
    },
}  # fmt: skip
VALUES["mse_per_example"] = VALUES["mse"]
