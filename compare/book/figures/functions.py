r"""Activations, losses and schedules, drawn from our own functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import manual.activations
import manual.losses
import manual.schedules
from compare.book.figures.frame import figure
from compare.reports.html.figures import COLOURS, LINE

KINKS = {"relu": [0.0], "leaky_relu": [0.0], "elu": [0.0]}
SATURATED = 0.01  # of the steepest slope


def function(name: str) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return what an activation of `manual` and its backward give at each z."""
    import manual.activations

    def values(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, backward = getattr(manual.activations, name)(z[None])
        return a[0], backward(np.ones_like(z)[None])[0]

    return values


def activation(name: str, *, reach: float = 6.0) -> str:
    """Draw an activation and its derivative, and shade where it is saturated."""
    z = np.linspace(-reach, reach, 601)
    a, slope = function(name)(z)
    flat = np.abs(slope) < SATURATED * np.abs(slope).max()

    def draw(axes: Any) -> None:
        for start, end in spans(z, flat):
            axes.axvspan(start, end, color=LINE, alpha=0.45, linewidth=0)
        axes.plot(z, a, color=COLOURS[0], linewidth=2.2, label="g(z)")
        broken = np.where(np.isin(z, KINKS.get(name, ())), np.nan, slope)  # no line across a jump
        axes.plot(z, broken, color=COLOURS[1], linewidth=1.8, linestyle="--", label="g′(z)")
        axes.set_xlabel("z")
        axes.legend(loc="upper left")

    share, top = float(flat.mean()), slope.max()
    words = f"{name} and its derivative for z from {-reach:g} to {reach:g}; the slope is at most {top:.3g}"
    words += f", and below a hundredth of that on {share:.0%} of the axis" if share else ""
    shaded = " Shaded: saturated, the slope is below a hundredth of its largest." if share else ""
    return figure(draw, words, f"{name} and its derivative, both from the code.{shaded}", key=name)


def spans(z: np.ndarray, mask: np.ndarray) -> list[tuple[float, float]]:
    """Return the intervals on which a mask holds.

    >>> spans(np.arange(5.0), np.array([True, True, False, True, False]))
    [(0.0, 1.0), (3.0, 3.0)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(float(z[a]), float(z[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def loss(name: str) -> str:
    """Draw a loss of one output as a function of it, and its gradient."""
    import manual.losses

    lower, upper, y = {"bce": (0.005, 0.995, 1.0), "bce_with_logits": (-6.0, 6.0, 1.0)}.get(
        name, (-3.0, 3.0, 0.0)
    )
    a = np.linspace(lower, upper, 401)
    pairs = [getattr(manual.losses, name)(np.array([[x]]), np.array([[y]])) for x in a]
    values, slopes = [float(L) for L, _ in pairs], [float(b().item()) for _, b in pairs]

    def draw(axes: Any) -> None:
        axes.plot(a, values, color=COLOURS[0], linewidth=2.2, label="L")
        axes.plot(a, slopes, color=COLOURS[1], linewidth=1.8, linestyle="--", label="dL/da")
        axes.set_xlabel("output a" if name != "bce_with_logits" else "logit z")
        if name == "bce":
            axes.set_ylim(-12, 6)
        axes.legend()

    words = f"{name} and its gradient for one output from {lower:g} to {upper:g}, the target being {y:g}"
    return figure(
        draw, words, f"{name} for one output and the target {y:g}, from the code.", key=name
    )


RATES: dict[str, dict[str, Any]] = {
    "exponential": {"gamma": 0.95}, "step_decay": {"step_size": 20}, "cosine": {"T_max": 60},
    "linear_warmup": {"total_iters": 20}, "one_cycle": {"total_steps": 61},
    "inverse_time": {"decay": 0.1}, "constant": {},
}  # fmt: skip


def schedule(name: str) -> str:

    given = ", ".join(f"{key}={x}" for key, x in RATES[name].items())
    steps = range(61)
    rates = [getattr(manual.schedules, name)(k, lr=0.1, **RATES[name]) for k in steps]

    def draw(axes: Any) -> None:
        axes.plot(steps, rates, color=COLOURS[0], linewidth=2.2)
        axes.set(xlabel="step", ylabel="learning rate", ylim=(0.0, None))

    words = f"The rate of {name} over 60 steps, from {rates[0]:.3g} to {rates[-1]:.3g}"
    return figure(draw, words, f"lr=0.1{', ' if given else ''}{given}.", height=2.4, key=name)
