r"""What wrong initial weights look like: how signals and gradients fare through many layers of them."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np

import manual.activations
from compare.book.errata.shown import Shown, number
from compare.traces import Array
from manual import network

LAYERS, N, M = 20, 64, 64
Draw = Callable[[np.random.Generator], Array]
STARTS: tuple[tuple[str, str, Draw], ...] = (
    ("right: He", "std = sqrt(2 / n_in)", lambda r: r.normal(size=(N, N)) * sqrt(2 / N)),
    ("He without the factor 2", "std = sqrt(1 / n_in)", lambda r: r.normal(size=(N, N)) / sqrt(N)),
    ("uniform with the deviation as its bound", "U(-std, std)", lambda r: r.uniform(-1, 1, (N, N)) * sqrt(2 / N)),
    ("the variance taken for the deviation", "std = 2 / n_in", lambda r: r.normal(size=(N, N)) * 2 / N),
    ("not divided by the fan", "std = 1", lambda r: r.normal(size=(N, N))),
    ("nn.Linear's default", "U(-1 / sqrt(n_in), 1 / sqrt(n_in))", lambda r: r.uniform(-1, 1, (N, N)) / sqrt(N)),
)  # fmt: skip


def sizes() -> Shown:
    """Measure the last layer's activations and the first layer's gradient, through ReLU layers."""
    found = [(name, text, *through(draw)) for name, text, draw in STARTS]
    rows = [(name, f"`{text}`", number(a), number(d)) for name, text, a, d in found]
    (_, _, signal, gradient), (_, _, halved, _) = found[:2]
    return Shown(
        ("start", "weights", "rms of $A_{20}$, that of $X$ being 1", "rms of $dZ_1$, that of $dZ_{20}$ being 1"),
        tuple(rows),
        f"Through {LAYERS} ReLU layers of {N} units. With He's weights both stay near their size; without "
        f"the 2 each layer halves the mean square, and $2^{{-10}}$ of the size is left.",
        0.1 < signal < 10 and 0.1 < gradient < 10 and halved < 0.02,
    )  # fmt: skip


def through(draw: Draw) -> tuple[float, float]:
    random = np.random.default_rng(0)
    state: dict[str, Array] = {}
    for l in range(1, LAYERS + 1):
        state |= {f"W{l}": draw(random), f"b{l}": np.zeros((N, 1))}
    X, d = random.normal(size=(N, M)), random.normal(size=(N, M))
    trace, tape = network.forward(state, X, activations=[manual.activations.relu] * LAYERS)
    gradients = network.backward(tape, d)
    last = rms(gradients[f"dZ{LAYERS}"])
    return rms(trace[f"A{LAYERS}"]) / rms(X), rms(gradients["dZ1"]) / last


def rms(x: Array) -> float:
    return float(np.sqrt(np.mean(x * x)))


def symmetry() -> Shown:
    """Train a net whose weights start all equal, beside one that starts at random."""
    rows = [
        (name, number(spread(constant)))
        for name, constant in (("all weights 0.1", True), ("at random", False))
    ]
    return Shown(
        ("start", "largest difference between hidden units' weights after 100 steps"),
        tuple(rows),
        "From equal weights every hidden unit gets the same gradient: the net has one unit, however many it has.",
        spread(True) < 1e-12 < spread(False),
    )  # fmt: skip


def spread(constant: bool) -> float:
    """Return how far the rows of W1 are apart after 100 steps of gradient descent."""
    from compare.book.nets import example

    e = example(sizes=(3, 4, 2), m=8)
    state = {n: np.full_like(x, 0.1) if constant else x for n, x in e.state.items()}
    for _ in range(100):
        state = e.configuration.by_hand()(state, e.X, e.Y)
    return float(np.ptp(state["W1"], axis=0).max())
