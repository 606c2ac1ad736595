r"""Mistakes of the loss's gradient dA: another mean, no floor, the sign, the short form for another place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from compare.diagnosis.network.forms import EPSILONS, unshifted_softmax
from compare.diagnosis.network.loss_forms import (
    SMOOTHINGS,
    clipped,
    elements,
    examples,
    smoothed,
)
from compare.diagnosis.network.losses import alternatives, reoptioned, with_loss
from compare.diagnosis.scene import Scene
from compare.diagnosis.statements import line, named
from compare.diagnosis.variant import Variant
from compare.formulas import activations
from compare.formulas import losses as stated
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, sqrt, tanh, where

Formula = Callable[..., Tracked]


def guarded(A: Tracked, Y: Tracked, q: Tracked) -> Tracked:
    return (A - Y) / q / elements(A)


def clipped_gradient(A: Tracked, Y: Tracked, *, eps: float) -> Tracked:
    """Return the gradient formed with clipped probabilities throughout."""
    a = clipped(A, eps)
    return guarded(a, Y, (1.0 - a) * a)


def stopped_gradient(A: Tracked, Y: Tracked, *, eps: float) -> Tracked:
    """Return the gradient of clipped probabilities: none where the clip holds."""
    held = clipped(A, eps)
    return where(eps < A, where(1.0 - eps > A, guarded(held, Y, (1.0 - held) * held), 0.0), 0.0)


GRADIENTS: dict[str, dict[str, Formula]] = {
    "mse": {
        "broadcast: every prediction against the mean target": lambda A, Y: (
            (2.0 / elements(A)) * (A - Y.sum(axis=1) / examples(A))
        ),
        "targets minus predictions": lambda A, Y: (2.0 / elements(A)) * (Y - A),
        "that of the root (RMSE)": lambda A, Y: (
            stated.mse_gradient(A, Y) / (2.0 * sqrt(stated.mse(A, Y)))
        ),
        "a in place of a - y": lambda A, Y: (2.0 / elements(A)) * A,
        "(a - y)^2, not differentiated": lambda A, Y: (A - Y) * (A - Y) / elements(A),
    },
    "l1": {
        "a - y in place of its sign": lambda A, Y: (A - Y) / elements(A),
        "sign 1 where a = y": lambda A, Y: where(A >= Y, 1.0 + 0.0 * A, -1.0 + 0.0 * A) / elements(A),
        "sign -1 where a = y": lambda A, Y: where(A > Y, 1.0 + 0.0 * A, -1.0 + 0.0 * A) / elements(A),
    },
    "huber": {
        "a - y, never clipped": lambda A, Y, delta: (A - Y) / elements(A),
        "sign without its factor delta": lambda A, Y, delta: where(
            absolute(A - Y) < delta, A - Y, stated.sign(A, Y)
        ) / elements(A),
        "delta where the residual is large, its sign lost": lambda A, Y, delta: where(
            absolute(A - Y) < delta, A - Y, delta + 0.0 * A
        ) / elements(A),
        "that of pseudo-Huber": lambda A, Y, delta: (
            (A - Y) / sqrt(1.0 + (A - Y) * (A - Y) / (delta * delta)) / elements(A)
        ),
        "a - y doubled where small": lambda A, Y, delta: where(
            absolute(A - Y) < delta, 2.0 * (A - Y), delta * stated.sign(A, Y)
        ) / elements(A),
    },
    "smooth_l1": {
        "a - y, not divided by beta": lambda A, Y, beta: where(
            absolute(A - Y) < beta, A - Y, stated.sign(A, Y)
        ) / elements(A),
        "that of huber": lambda A, Y, beta: stated.huber_gradient(A, Y, delta=beta),
        "(a - y) / beta, never clipped": lambda A, Y, beta: (A - Y) / beta / elements(A),
    },
    "bce": {
        "no floor under a (1 - a)": lambda A, Y: guarded(A, Y, (1.0 - A) * A),
        "(a - y) / N: already the gradient at Z": lambda A, Y: (A - Y) / elements(A),
        "the term of y = 0 left out: -y / a": lambda A, Y: -(Y / A) / elements(A),
        "targets minus predictions": lambda A, Y: guarded(Y, A, (1.0 - A) * A),
        "the signs of both terms: -y / a - (1 - y) / (1 - a)": lambda A, Y: (
            -(Y / A + (1.0 - Y) / (1.0 - A)) / elements(A)
        ),
    }
    | {
        f"probabilities clipped to [{e:g}, 1 - {e:g}]": partial(clipped_gradient, eps=e)
        for e in EPSILONS
    }
    | {
        f"no gradient where probabilities are clipped to [{e:g}, 1 - {e:g}]": partial(
            stopped_gradient, eps=e
        )
        for e in EPSILONS
    }
    | {
        f"{e:g} added to a (1 - a)": lambda A, Y, e=e: guarded(A, Y, (1.0 - A) * A + e)
        for e in EPSILONS
    }
    | {
        f"{e:g} added to a and to 1 - a": lambda A, Y, e=e: (
            ((1.0 - Y) / (1.0 - A + e) - Y / (A + e)) / elements(A)
        )
        for e in EPSILONS
    },
    "bce_with_logits": {
        "the sigmoid as (1 + tanh(z / 2)) / 2, which cancels below": lambda A, Y: (
            (0.5 * (1.0 + tanh(0.5 * A)) - Y) / elements(A)
        ),
        "without the sigmoid: z - y": lambda A, Y: (A - Y) / elements(A),
        "targets minus predictions": lambda A, Y: (Y - activations.sigmoid(A)) / elements(A),
        "the sigmoid's derivative once more": lambda A, Y: activations.sigmoid_gradient(
            A, activations.sigmoid(A), (activations.sigmoid(A) - Y) / elements(A)
        ),
    },
    "cross_entropy": {
        "softmax over the examples": lambda A, Y: (
            (activations.softmax(A.T).T - Y) / examples(A)
        ),
        "softmax without subtracting the maximum, which overflows": lambda A, Y: (
            (unshifted_softmax(A) - Y) / examples(A)
        ),
        "of the true class alone": lambda A, Y: where(
            Y > 0.0, activations.softmax(A) - Y, 0.0
        ) / examples(A),
        "without softmax: a - y": lambda A, Y: (A - Y) / examples(A),
        "without the target: softmax(a)": lambda A, Y: activations.softmax(A) / examples(A),
        "targets minus predictions": lambda A, Y: (Y - activations.softmax(A)) / examples(A),
        "softmax applied twice": lambda A, Y: (
            (activations.softmax(activations.softmax(A)) - Y) / examples(A)
        ),
        "the diagonal of softmax's derivative once more": lambda A, Y: (
            (activations.softmax(A) - Y)
            * (activations.softmax(A) * (1.0 - activations.softmax(A)))
            / examples(A)
        ),
    }
    | {
        f"labels smoothed by {e:g}": lambda A, Y, e=e: (
            (activations.softmax(A) - smoothed(Y, e)) / examples(A)
        )
        for e in SMOOTHINGS
    },
    "cross_entropy_on_probabilities": {
        "no target's share: 1 / a": lambda A, Y: -((0.0 * Y + 1.0) / A) / examples(A),
        "(a - y) / m: already the gradient at Z": lambda A, Y: (A - Y) / examples(A),
        "without its sign: y / a": lambda A, Y: Y / A / examples(A),
    }
    | {
        f"{e:g} added to a": lambda A, Y, e=e: -(Y / (A + e)) / examples(A) for e in EPSILONS
    },
}  # fmt: skip
GRADIENTS["mse_per_example"] = {
    "broadcast: every prediction against the mean target": lambda A, Y: (
        (2.0 / examples(A)) * (A - Y.sum(axis=1) / examples(A))
    ),
    "targets minus predictions": lambda A, Y: (2.0 / examples(A)) * (Y - A),
    "a in place of a - y": lambda A, Y: (2.0 / examples(A)) * A,
}


def loss_gradients(scene: Scene) -> Iterator[Variant]:
    """Yield the gradient of the loss as it is got wrong, and that of another loss."""
    if scene.kind != "dA" or scene.layer != scene.depth:
        return
    name, options = named(scene.last.formulas.loss[0])
    put = partial(partial, with_loss, index=1)
    for wrong, formula in GRADIENTS.get(name, {}).items():
        change = put(formula=partial(formula, **options))
        yield Variant(f"{name}: {wrong}", wrong, line(scene), formulas=change)
    for other in alternatives(name):
        change = put(formula=getattr(stated, f"{other}_gradient"))
        yield Variant(f"the gradient of {other}", other, line(scene), formulas=change)
    yield from reoptioned(name, options, scene, 1)
