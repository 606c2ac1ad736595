r"""What the update rules do, step by step, on functions of one and two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import manual.optimizers
from compare.book.figures.frame import ABOVE, curves, figure
from compare.reports.html.figures import COLOURS, LINE


def descended(
    rule: str, start: Sequence[float], curvature: Sequence[float], steps: int, **options: Any
) -> np.ndarray:
    r"""Return the path of a rule of `manual` on $\tfrac12 \sum h_i w_i^2$."""

    w, h = np.array(start), np.array(curvature)
    slots: dict[str, Any] = {}
    path = [w]
    for _ in range(steps):
        w, slots = getattr(manual.optimizers, rule)(w, h * w, slots, **options)
        path.append(w)
    return np.array(path)


DESCENT = (
    "Gradient descent on a parabola of curvature ℓ, from the code: slow below 1, one step at 1, an "
    "oscillation up to 2, divergence beyond. What is below 1e-12 is drawn there."
)


def descent() -> str:
    """Draw gradient descent on a parabola with learning rates below, at and above what converges."""
    rates = (0.05, 0.5, 1.0, 1.9, 2.05)
    paths = {lr: descended("sgd", [1.0], [1.0], 30, lr=lr)[:, 0] ** 2 / 2 for lr in rates}

    def draw(axes: Any) -> None:
        axes.set(xlabel="step", ylabel="loss", yscale="log", ylim=(1e-12, 20))
        curves(axes, {f"ηℓ = {lr:g}": np.maximum(x, 1e-12) for lr, x in paths.items()}, ncols=2)

    ends = ", ".join(f"{lr:g}: {x[-1]:.2g}" for lr, x in paths.items())
    words = f"The loss after 30 steps on a parabola, by learning rate times curvature: {ends}"
    return figure(draw, words, DESCENT, key="descent")


VALLEY = (("sgd", {"lr": 0.035}), ("momentum", {"lr": 0.035, "momentum": 0.8}), ("rmsprop", {"lr": 0.12}), ("adam", {"lr": 0.25}))  # fmt: skip
STEEP = (1.0, 50.0)


def valley() -> str:
    """Draw the paths of four rules in a narrow valley."""
    paths = {rule: descended(rule, [4.0, 0.6], STEEP, 60, **o) for rule, o in VALLEY}

    def draw(axes: Any) -> None:
        contours(axes)
        for k, (rule, path) in enumerate(paths.items()):
            axes.plot(*path.T, color=COLOURS[k], lw=1.5, marker="osD^"[k], ms=2.8, label=rule)
        axes.set(xlim=(-1.5, 4.5), ylim=(-1.1, 1.1), xlabel="w₁", ylabel="w₂")
        axes.legend(ncols=4, loc="lower center")

    ends = ", ".join(
        f"{rule} ends at ({p[-1, 0]:.2g}, {p[-1, 1]:.2g})" for rule, p in paths.items()
    )
    words = f"Paths of four rules over 60 steps in a valley fifty times steeper one way: {ends}"
    caption = "Sixty steps in a valley fifty times steeper across than along, from the code."
    return figure(draw, words, caption, height=3.6, key="valley")


def contours(axes: Any) -> None:
    x, y = np.meshgrid(np.linspace(-1.5, 4.5, 120), np.linspace(-1.1, 1.1, 80))
    height = (STEEP[0] * x**2 + STEEP[1] * y**2) / 2
    axes.contour(x, y, height, levels=[0.1, 0.5, 1, 2, 4, 8, 16], colors=[LINE], linewidths=0.8)


FAMILY = (
    "Length of the step under a constant gradient, from the code: Adam's correction makes it level; RMSprop "
    "starts at ten times; momentum grows to ten times; Adagrad falls."
)


def family() -> str:
    """Draw how far each rule steps under a constant gradient: its own start-up."""
    rules = ("adam", "rmsprop", "adagrad", "adadelta", "momentum")
    found = {rule: lengths(rule) for rule in rules}

    def draw(axes: Any) -> None:
        axes.set(xlabel="step", ylabel="length of the step, lr = 1", yscale="log")
        curves(axes, found, range(1, 61), marked=False, **ABOVE)

    ends = ", ".join(f"{rule} from {s[0]:.3g} to {s[-1]:.3g}" for rule, s in found.items())
    words = f"Length of the step under a constant gradient with a learning rate of 1: {ends}"
    return figure(draw, words, FAMILY, key="family")


def lengths(rule: str) -> list[float]:
    """Return the lengths of 60 steps of a rule whose gradient is always 1."""
    w, out = np.zeros(1), []
    slots: dict[str, Any] = {}
    for _ in range(60):
        after, slots = getattr(manual.optimizers, rule)(w, np.ones(1), slots, lr=1.0)
        out.append(float(abs(after - w).item()))
        w = after
    return out
