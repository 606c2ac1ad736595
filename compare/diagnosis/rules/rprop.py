r"""Rprop as people get it wrong: what happens where the gradient turns, and how the step sizes are kept."""

from __future__ import annotations

from typing import Any

from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.terms import decayed
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, maximum, minimum, where
from compare.formulas.optimizers.rprop import product
from compare.formulas.optimizers.terms import Expected, Slots, counted, held, zero


def rprop(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", turning: str = "rest", steps: str = "clamped", **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `turning` is what happens where the gradient turns, `steps` how eta is kept."""
    g = decayed(p, g, o, weight, m)
    yield "t", counted(old("t"), p)
    turn = product(g, old("prev") or zero(p))
    minus, plus = o.get("etas", (0.5, 1.2))
    minus, plus = (plus, minus) if steps == "swapped" else (minus, plus)
    least, most = (held(x, p) for x in o.get("step_sizes", (1e-6, 50.0)))
    minus, plus = {"1.1": (minus, 1.1)}.get(steps, (minus, plus))
    grows = turn >= 0.0 if steps == "grows at 0" else turn > 0.0
    factor = where(grows, held(plus, p), where(turn < 0.0, held(minus, p), held(1.0, p)))
    eta = (old("eta") or held(o["lr"], p)) * factor
    eta = minimum(maximum(eta, least), most) if steps != "unclamped" else eta
    eta = held(o["lr"], p) + 0.0 * eta if steps == "constant" else eta
    yield "eta", eta
    prev = where(turn < 0.0, 0.0, g) if turning in ("rest", "back") else g
    yield "prev", prev
    eta, prev = new("eta") or eta, new("prev") or prev
    prev = where(turn < 0.0, 0.0, g) if turning == "kept" else prev
    size = eta * absolute(prev) if steps == "times |g|" else eta
    yield "", where(prev > 0.0, p - size, where(prev < 0.0, p + size, p))


MISTAKES = (
    Mistake({"turning": "step"}, "a step is taken where the gradient turns", "prev = g",
            "prev = np.where(g * prev < 0, 0, g)", "Rprop+ and iRprop differ from torch here"),
    Mistake({"turning": "kept"}, "the gradient is kept where it turns, though no step is taken",
            "prev = g", "prev = np.where(g * prev < 0, 0, g)"),
    Mistake({"steps": "grows at 0"}, "the step grows where the product is 0", "eta_plus where g * prev >= 0",
            "eta_plus where g * prev > 0"),
    Mistake({"steps": "1.1"}, "eta_plus = 1.1", "eta * 1.1", "eta * eta_plus", same_as="etas=(eta_minus, 1.1)"),
    Mistake({"steps": "unclamped"}, "the step sizes are not clamped", "eta = eta * factor",
            "eta = np.clip(eta * factor, least, most)"),
    Mistake({"steps": "swapped"}, "the two factors swapped", "eta_minus where the sign is kept",
            "eta_plus where the sign is kept"),
    Mistake({"steps": "constant"}, "the step sizes never change", "eta = lr", "eta = eta * factor"),
    Mistake({"steps": "times |g|"}, "the step multiplied by the gradient's size", "eta * g",
            "eta * np.sign(g)"),
)  # fmt: skip
