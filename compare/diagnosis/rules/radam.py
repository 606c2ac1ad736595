r"""RAdam, Adam with a rectified step, as people get it wrong."""

from __future__ import annotations

from typing import Any

from compare.diagnosis.rules.adam import AVERAGES
from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.terms import DECOUPLED, average, corrections, decayed, shrunk
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import (
    maximum,
    power,
    sqrt,
    total,
    where,
)
from compare.formulas.optimizers.radam import rectification
from compare.formulas.optimizers.terms import (
    ONE,
    Expected,
    Slots,
    counted,
    held,
    number,
    square,
)


def radam(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "before", correction: str = "both",
    first: str = "mean", second: str = "mean", threshold: float = 5.0, rectified: str = "r",
    **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `epsilon` is its place, `threshold` when rectification begins, `rectified` its factor."""
    b1, b2 = o.get("betas", (0.9, 0.999))
    g = decayed(p, g, o, weight, m)
    p = shrunk(p, o, weight) if weight in DECOUPLED else p
    t = counted(old("t"), p)
    yield "t", t
    mt, vt = average(b1, old("m"), g, first), average(b2, old("v"), square(g), second)
    yield "m", mt
    yield "v", vt
    t, mt, vt = new("t") or t, new("m") or mt, new("v") or vt
    one, two = corrections(b1, b2, t, correction)
    step, e = held(number(o["lr"]) / one, p) * mt, held(o.get("eps", 1e-8), p)
    rho, r = rectification(b2, held(t, ONE))
    if rectified == "rho without 2":
        rho, r = unrectified(b2, held(t, ONE))
    r = {"none": ONE, "squared": r * r}.get(rectified, r)
    c = held(sqrt(two), p)
    below = {"after": sqrt(vt) / c + e, "none": sqrt(vt) / c}.get(epsilon, (sqrt(vt) + e) / c)
    early = 0.0 * step if rectified == "waiting" else step
    early = step / (sqrt(vt) / c + e) if rectified == "adam before" else early
    yield "", total(p, -where(rho > threshold, step * held(r, p) / below, early))


def unrectified(b2: float, t: Tracked) -> tuple[Tracked, Tracked]:
    """Return rho and r with t beta2^t / (1 - beta2^t) once, not twice."""
    most = 2.0 / (1.0 - number(b2)) - 1.0
    decay = power(b2, t)
    rho = most - t * decay / (1.0 - decay)
    r = (rho - 4.0) * (rho - 2.0) * most / ((most - 4.0) * (most - 2.0) * rho)
    return rho, sqrt(maximum(r, 0.0))


MISTAKES = (
    Mistake({"rectified": "rho without 2"}, "the 2 in rho left out", "rho_inf - t * beta2**t / (1 - beta2**t)",
            "rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)"),
    Mistake({"rectified": "adam before"}, "Adam's step before the rectification", "lr * mhat / (np.sqrt(vhat) + eps)",
            "lr * mhat while rho <= 5"),
    Mistake({"epsilon": "after"}, "epsilon added after the bias correction",
            "np.sqrt(v) / np.sqrt(1 - beta2**t) + eps", "(np.sqrt(v) + eps) / np.sqrt(1 - beta2**t)",
            "torch's Adam; its RAdam adds it before"),
    Mistake({"epsilon": "none"}, "epsilon left out", "np.sqrt(v)", "np.sqrt(v) + eps"),
    Mistake({"threshold": 4.0}, "rectified once rho > 4", "rho > 4", "rho > 5",
            "the paper; torch waits for rho > 5"),
    Mistake({"rectified": "none"}, "the rectification left out", "r = 1", "r of rho"),
    Mistake({"rectified": "squared"}, "the rectification not rooted", "r**2", "r"),
    Mistake({"rectified": "waiting"}, "no step before the rectification", "0", "lr * mhat"),
    Mistake({"correction": "none"}, "no bias correction", "m", "m / (1 - beta1**t)"),
    Mistake({"correction": "first only"}, "the second moment is not bias corrected", "np.sqrt(v) + eps",
            "(np.sqrt(v) + eps) / np.sqrt(1 - beta2**t)"),
    *(x for x in AVERAGES if "squared" not in x.switch),
)  # fmt: skip
