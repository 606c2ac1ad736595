r"""The losses as stated: each $L(A, Y)$ with its gradient $dA = \partial L / \partial A$, in tracked arithmetic."""

from __future__ import annotations

import math

import numpy as np

from compare.formulas.activations import sigmoid, softmax
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, clamped_log, exp, log, log1p, maximum, total, where

FLOOR = float(np.float32(1e-12))  # torch's floor of p (1 - p): a float32 constant, in float64 too


def elements(A: Tracked) -> float:
    return float(math.prod(A.shape[-2:]))


def examples(A: Tracked) -> float:
    return float(A.shape[-1])


def mse(A: Tracked, Y: Tracked) -> Tracked:
    r = A - Y
    return (r * r).sum() / elements(A)


def mse_gradient(A: Tracked, Y: Tracked) -> Tracked:
    return (2.0 / elements(A)) * (A - Y)


def mse_per_example(A: Tracked, Y: Tracked) -> Tracked:
    r = A - Y
    return (r * r).sum() / examples(A)


def mse_per_example_gradient(A: Tracked, Y: Tracked) -> Tracked:
    return (2.0 / examples(A)) * (A - Y)


def l1(A: Tracked, Y: Tracked) -> Tracked:
    return absolute(A - Y).sum() / elements(A)


def sign(A: Tracked, Y: Tracked) -> Tracked:
    """Return the sign of A - Y: 0 where they are equal, which for exact operands rounding cannot turn."""
    one = Tracked(np.ones_like(A.value), None, A.u)
    return where(A > Y, one, where(A < Y, -one, 0.0))


def l1_gradient(A: Tracked, Y: Tracked) -> Tracked:
    return sign(A, Y) / elements(A)


def huber(A: Tracked, Y: Tracked, *, delta: float = 1.0) -> Tracked:
    r = absolute(A - Y)
    return where(r < delta, 0.5 * (r * r), delta * (r - 0.5 * delta)).sum() / elements(A)


def huber_gradient(A: Tracked, Y: Tracked, *, delta: float = 1.0) -> Tracked:
    r = A - Y
    return where(absolute(r) < delta, r, delta * sign(A, Y)) / elements(A)


def smooth_l1(A: Tracked, Y: Tracked, *, beta: float = 1.0) -> Tracked:
    r = absolute(A - Y)
    small = 0.5 * (r * r) / beta if beta > 0.0 else r
    return where(r < beta, small, r - 0.5 * beta).sum() / elements(A)


def smooth_l1_gradient(A: Tracked, Y: Tracked, *, beta: float = 1.0) -> Tracked:
    r = A - Y
    small = r / beta if beta > 0.0 else r
    return where(absolute(r) < beta, small, sign(A, Y)) / elements(A)


def bce(A: Tracked, Y: Tracked) -> Tracked:
    r"""$-\frac1N \sum y \max(\log a, -100) + (1 - y) \max(\log(1 - a), -100)$; $1 - a$ may be rounded first."""
    rounded_first = clamped_log(1.0 - A, -100.0)
    exact = np.maximum(log1p(-A).value, A.number(-100.0))
    log_q = Tracked(exact, None, A.u).known_as(rounded_first)
    terms = Y * clamped_log(A, -100.0) + (1.0 - Y) * log_q
    return -(terms.sum() / elements(A))


def bce_gradient(A: Tracked, Y: Tracked) -> Tracked:
    return (A - Y) / elements(A) / maximum((1.0 - A) * A, FLOOR)


def bce_with_logits(A: Tracked, Y: Tracked) -> Tracked:
    r"""$\frac1N \sum \max(z, 0) - z y + \log(1 + e^{-|z|})$, or $(1 - y) z - \log \sigma(z)$, which rounds at $|z|$."""
    softened = log1p(exp(-absolute(A)))
    terms = total(maximum(A, 0.0), -(A * Y), softened)
    return terms.loosened(A.size).sum() / elements(A)


def bce_with_logits_gradient(A: Tracked, Y: Tracked) -> Tracked:
    return (sigmoid(A) - Y) / elements(A)


def cross_entropy(A: Tracked, Y: Tracked) -> Tracked:
    top = Tracked(A.value.max(axis=-2, keepdims=True), None, A.u)
    shifted = A - top
    log_probability = shifted - log(exp(shifted).sum(axis=0))
    return -((Y * log_probability).sum() / examples(A))


def cross_entropy_gradient(A: Tracked, Y: Tracked) -> Tracked:
    return (softmax(A) * Y.sum(axis=0) - Y) / examples(A)


def cross_entropy_on_probabilities(A: Tracked, Y: Tracked) -> Tracked:
    true = Y > 0.0
    return -(where(true, Y * log(where(true, A, 1.0)), 0.0).sum() / examples(A))


def cross_entropy_on_probabilities_gradient(A: Tracked, Y: Tracked) -> Tracked:
    true = Y > 0.0
    return where(true, -(Y / where(true, A, 1.0)), 0.0) / examples(A)
