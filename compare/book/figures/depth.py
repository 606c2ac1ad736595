r"""How the gradient fares on its way through many layers."""

from __future__ import annotations

from typing import Any

import numpy as np

import manual.activations
from compare.book.figures.frame import curves, figure
from manual import network

DEPTH = "One backward pass of our code through 20 layers of 64 units; weights normal with gain/√n."


def depth() -> str:
    """Draw the gradient's norm over the layers of deep nets, by activation and initial weights."""
    cases = (("sigmoid", 1.0), ("tanh", 1.0), ("tanh", 3.0), ("relu", 1.0), ("relu", 2**0.5))
    found = {f"{name}, gain {gain:.3g}": norms(name, gain) for name, gain in cases}

    def draw(axes: Any) -> None:
        axes.set(xlabel="layer", ylabel="‖dZ‖, the last layer 1", yscale="log")
        axes.set_xticks([1, 5, 10, 15, 20])
        curves(axes, found, range(1, 21))

    ends = ", ".join(f"{label}: {v[0]:.2g}" for label, v in found.items())
    words = f"Norm of dZ at the first of 20 layers relative to the last: {ends}"
    return figure(draw, words, DEPTH, height=3.4, key="depth")


def norms(name: str, gain: float, *, layers: int = 20, n: int = 64, m: int = 32) -> list[float]:
    """Return the norm of dZ at each layer, that of the last being 1."""

    random = np.random.default_rng(0)
    state = {}
    for l in range(1, layers + 1):
        state[f"W{l}"] = random.normal(size=(n, n)) * gain / n**0.5
        state[f"b{l}"] = np.zeros((n, 1))
    g = getattr(manual.activations, name)
    _trace, tape = network.forward(state, random.normal(size=(n, m)), activations=[g] * layers)
    gradients = network.backward(tape, random.normal(size=(n, m)))
    last = float(np.linalg.norm(gradients[f"dZ{layers}"]))
    return [float(np.linalg.norm(gradients[f"dZ{l}"])) / last for l in range(1, layers + 1)]
