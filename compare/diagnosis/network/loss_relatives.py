r"""Other losses than torch names, taken for one of its own: hinge, Brier's score, an entropy, log-cosh."""

from __future__ import annotations

import math

from compare.diagnosis.network.loss_forms import Formula, elements, examples, largest
from compare.formulas import activations
from compare.formulas import losses as stated
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, exp, log, log1p, maximum


def signed(Y: Tracked) -> Tracked:
    """Return labels of -1 and 1 for those of 0 and 1."""
    return 2.0 * Y - 1.0


def hinge(A: Tracked, S: Tracked) -> Tracked:
    return maximum(1.0 - S * A, 0.0)


def log_cosh(A: Tracked, Y: Tracked, **options: float) -> Tracked:
    r = absolute(A - Y)
    return (r + log1p(exp(-2.0 * r)) - math.log(2.0)).sum() / elements(A)


def brier(P: Tracked, Y: Tracked) -> Tracked:
    r = P - Y
    return (r * r).sum()


def entropy(P: Tracked) -> Tracked:
    return -(P * log(P)).sum()


RELATIVES: dict[str, dict[str, Formula]] = {
    "mse": {
        "of relative errors, ((a - y) / y)^2": lambda A, Y: stated.mse(A / Y, Y / Y),
        "log cosh(a - y)": log_cosh,
        "of the logarithms, log(1 + a) - log(1 + y)": lambda A, Y: stated.mse(log1p(A), log1p(Y)),
    },
    "l1": {
        "the magnitude of the mean error": lambda A, Y: absolute((A - Y).sum()) / elements(A),
        "the largest error": lambda A, Y: largest(absolute(A - Y)),
        "of relative errors, |a - y| / |y|": lambda A, Y: (
            (absolute(A - Y) / absolute(Y)).sum() / elements(A)
        ),
        "log cosh(a - y)": log_cosh,
    },
    "huber": {"log cosh(a - y)": log_cosh},
    "smooth_l1": {"log cosh(a - y)": log_cosh},
    "bce": {
        "the entropy of the outputs, the labels not looked at": lambda A, Y: (
            (entropy(A) + entropy(1.0 - A)) / elements(A)
        ),
        "Brier's score, the squared error of the probabilities": stated.mse,
    },
    "bce_with_logits": {
        "log(1 + e^(-y z)), for labels of -1 and 1": lambda A, Y: (
            activations.softplus(-(Y * A)).sum() / elements(A)
        ),
        "hinge, max(0, 1 - s z)": lambda A, Y: hinge(A, signed(Y)).sum() / elements(A),
        "hinge, max(0, 1 - y z), for labels of -1 and 1": lambda A, Y: (
            hinge(A, Y).sum() / elements(A)
        ),
        "the squared hinge": lambda A, Y: (
            (hinge(A, signed(Y)) * hinge(A, signed(Y))).sum() / elements(A)
        ),
        "Brier's score, the squared error of the probabilities": lambda A, Y: stated.mse(
            activations.sigmoid(A), Y
        ),
    },
    "cross_entropy": {
        "the entropy of the probabilities, the labels not looked at": lambda A, Y: (
            entropy(activations.softmax(A)) / examples(A)
        ),
        "Brier's score, the squared error of the probabilities": lambda A, Y: (
            brier(activations.softmax(A), Y) / examples(A)
        ),
        "the mean squared error of the probabilities": lambda A, Y: (
            brier(activations.softmax(A), Y) / elements(A)
        ),
        "of the largest probability, the labels not looked at": lambda A, Y: (
            -(log(top(activations.softmax(A)))).sum() / examples(A)
        ),
    },
    "cross_entropy_on_probabilities": {
        "the entropy of the probabilities, the labels not looked at": lambda A, Y: (
            entropy(A) / examples(A)
        ),
        "Brier's score, the squared error of the probabilities": lambda A, Y: (
            brier(A, Y) / examples(A)
        ),
    },
}
RELATIVES["mse_per_example"] = RELATIVES["mse"]


def top(P: Tracked) -> Tracked:
    """Return the largest of each example."""
    return Tracked(P.value.max(axis=-2, keepdims=True), P.size.max(axis=-2, keepdims=True), P.u)
