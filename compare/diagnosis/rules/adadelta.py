r"""Adadelta, whose steps are averaged too, as people get it wrong."""

from __future__ import annotations

from typing import Any

from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.roots import AVERAGES
from compare.diagnosis.rules.terms import average, decayed, root, shrunk
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, total
from compare.formulas.optimizers.terms import (
    Expected,
    Slots,
    counted,
    held,
    square,
    zero,
)


def adadelta(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "inside", order: str = "behind",
    form: str = "mean", numerator: str = "root", **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `order` tells which squares of steps it uses, `numerator` whether they are rooted."""
    g = decayed(p, g, o, weight, m)
    yield "t", counted(old("t"), p)
    rho, eps = o.get("rho", 0.9), o.get("eps", 1e-6)
    v = average(rho, old("v"), square(g), form)
    yield "v", v
    v = new("v") or v
    before = old("d") or zero(p)
    place = {"outside below": "outside", "none above": "inside"}.get(epsilon, epsilon)
    bottom = root(v, eps, place)
    above = root(
        before, eps, {"outside below": "inside", "none above": "none"}.get(epsilon, epsilon)
    )
    above = {"none": held(1.0, p) + 0.0 * above, "square": before + held(eps, p)}.get(
        numerator, above
    )
    above = bottom if numerator == "upside down" else above
    bottom = root(before, eps, epsilon) if numerator == "upside down" else bottom
    if numerator == "no roots":
        above, bottom = before + held(eps, p), v + held(eps, p)
    delta = above / bottom * g
    scaled = held(o["lr"], p) * delta
    if order == "old squares":
        delta = above / root(old("v") or zero(p), eps, epsilon) * g
        scaled = held(o["lr"], p) * delta
    kept = {"after lr": square(scaled), "gradients": square(g), "magnitudes": absolute(delta)}
    yield "d", average(rho, before, kept.get(order, square(delta)), form)
    yield "", total(shrunk(p, o, weight), -scaled)


MISTAKES = (
    Mistake({"epsilon": "outside"}, "epsilon outside the square roots",
            "(np.sqrt(d) + eps) / (np.sqrt(v) + eps)", "np.sqrt(d + eps) / np.sqrt(v + eps)",
            "torch and Zeiler put it inside"),
    Mistake({"epsilon": "none"}, "epsilon left out", "np.sqrt(d) / np.sqrt(v)",
            "np.sqrt(d + eps) / np.sqrt(v + eps)"),
    Mistake({"numerator": "none"}, "the root of the squared steps left out", "g / np.sqrt(v + eps)",
            "np.sqrt(d + eps) / np.sqrt(v + eps) * g", "RMSprop"),
    Mistake({"epsilon": "outside below"}, "epsilon outside the root of the denominator",
            "np.sqrt(d + eps) / (np.sqrt(v) + eps)", "np.sqrt(d + eps) / np.sqrt(v + eps)"),
    Mistake({"epsilon": "none above"}, "epsilon left out of the numerator", "np.sqrt(d) / np.sqrt(v + eps)",
            "np.sqrt(d + eps) / np.sqrt(v + eps)", "no step is ever taken from d = 0"),
    Mistake({"numerator": "no roots"}, "the square roots left out", "(d + eps) / (v + eps) * g",
            "np.sqrt(d + eps) / np.sqrt(v + eps) * g"),
    Mistake({"numerator": "upside down"}, "the ratio upside down", "np.sqrt(v + eps) / np.sqrt(d + eps) * g",
            "np.sqrt(d + eps) / np.sqrt(v + eps) * g"),
    Mistake({"order": "old squares"}, "divided by the root of the old squares",
            "np.sqrt(v_old + eps)", "np.sqrt(v + eps), v of this step"),
    Mistake({"order": "gradients"}, "d averages the gradients, not the steps", "d of g**2", "d of delta**2"),
    Mistake({"order": "magnitudes"}, "the steps are not squared", "d of np.abs(delta)", "d of delta**2"),
    Mistake({"numerator": "square"}, "the numerator not rooted", "(d + eps) / np.sqrt(v + eps)",
            "np.sqrt(d + eps) / np.sqrt(v + eps)"),
    Mistake({"order": "after lr"}, "the squared steps averaged after the learning rate",
            "d of (lr * delta)**2", "d of delta**2"),
    *(Mistake(x.switch, x.name, x.wrong.replace("alpha", "rho").replace("s", "v"),
              x.right.replace("alpha", "rho").replace("s", "v")) for x in AVERAGES),
)  # fmt: skip
