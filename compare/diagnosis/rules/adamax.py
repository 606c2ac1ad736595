r"""Adamax, whose step is divided by the largest gradient, as people get it wrong."""

from __future__ import annotations

from typing import Any

from compare.diagnosis.rules.adam import AVERAGES
from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.terms import average, corrections, decayed, shrunk
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import (
    absolute,
    maximum,
    total,
)
from compare.formulas.optimizers.terms import (
    Expected,
    Slots,
    counted,
    held,
    number,
    square,
)


def adamax(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "inside", correction: str = "both",
    first: str = "mean", decay: str = "old", **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `epsilon` is its place, `decay` what beta2 multiplies."""
    b1, b2 = o.get("betas", (0.9, 0.999))
    g = decayed(p, g, o, weight, m)
    t = counted(old("t"), p)
    yield "t", t
    mt = average(b1, old("m"), g, first)
    yield "m", mt
    e, before = held(o.get("eps", 1e-8), p), old("u")
    u = absolute(g) + e if epsilon == "inside" else absolute(g)
    u = square(g) + e if decay == "squares" else u
    if before is not None:
        shrunken = before if decay == "none" else held(b2, p) * before
        u = total(shrunken, u) if decay == "sum" else maximum(shrunken, u)
    u = u + e if epsilon == "kept outside" else u
    yield "u", u
    t, mt, u = new("t") or t, new("m") or mt, new("u") or u
    one, two = corrections(b1, b2, t, correction)
    below = u + e if epsilon == "outside" else u
    below = below / held(two, p) if correction == "both, u too" else below
    yield "", total(shrunk(p, o, weight), -(held(number(o["lr"]) / one, p) * mt / below))


MISTAKES = (
    Mistake({"epsilon": "outside"}, "epsilon added after the maximum", "m / (u + eps)",
            "u = np.maximum(beta2 * u, np.abs(g) + eps)", "Keras"),
    Mistake({"epsilon": "none"}, "epsilon left out", "u = np.maximum(beta2 * u, np.abs(g))",
            "u = np.maximum(beta2 * u, np.abs(g) + eps)", "the paper's algorithm 2"),
    Mistake({"epsilon": "kept outside"}, "epsilon added to the maximum", "u = np.maximum(beta2 * u, np.abs(g)) + eps",
            "u = np.maximum(beta2 * u, np.abs(g) + eps)"),
    Mistake({"decay": "sum"}, "a sum in place of the maximum", "u = beta2 * u + np.abs(g) + eps",
            "u = np.maximum(beta2 * u, np.abs(g) + eps)"),
    Mistake({"decay": "squares"}, "the square of the gradient in place of its size",
            "u = np.maximum(beta2 * u, g**2 + eps)", "u = np.maximum(beta2 * u, np.abs(g) + eps)"),
    Mistake({"correction": "second beta"}, "beta2 in the bias correction", "lr / (1 - beta2**t) * m / u",
            "lr / (1 - beta1**t) * m / u"),
    Mistake({"decay": "none"}, "the old maximum is not decayed", "u = np.maximum(u, np.abs(g) + eps)",
            "u = np.maximum(beta2 * u, np.abs(g) + eps)"),
    Mistake({"correction": "none"}, "no bias correction", "lr * m / u", "lr / (1 - beta1**t) * m / u"),
    Mistake({"correction": "both, u too"}, "u is bias corrected too", "u / (1 - beta2**t)", "u"),
    Mistake({"correction": "no power"}, "bias correction without the power t", "1 - beta1",
            "1 - beta1**t"),
    Mistake({"correction": "late"}, "bias correction one step late", "1 - beta1**(t + 1)",
            "1 - beta1**t, t from 1"),
    *(x for x in AVERAGES if "first" in x.switch),
)  # fmt: skip
