r"""NAdam, Adam with Nesterov's momentum, as people get it wrong."""

from __future__ import annotations

from typing import Any

from compare.diagnosis.rules.adam import AVERAGES
from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.terms import DECOUPLED, average, decayed, shrunk
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import (
    exp,
    log,
    power,
    sqrt,
    total,
)
from compare.formulas.optimizers.nadam import SINGLE, coefficient
from compare.formulas.optimizers.terms import (
    ONE,
    Expected,
    Slots,
    bias,
    counted,
    held,
    number,
    square,
)


def nadam(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "outside", correction: str = "both",
    first: str = "mean", second: str = "mean", schedule: str = "decayed", ahead: str = "next",
    **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `schedule` is how the coefficient mu_t runs, `ahead` what m is weighted by."""
    b1, b2 = o.get("betas", (0.9, 0.999))
    g = decayed(p, g, o, weight, m)
    p = shrunk(p, o, weight) if weight in DECOUPLED else p
    t = counted(old("t"), p)
    yield "t", t
    k, psi = (
        held(new("t") or t, ONE),
        0.0 if schedule == "undecayed" else o.get("momentum_decay", 4e-3),
    )
    k = k - 1.0 if schedule == "early" else k
    base = {"0.99": 0.99, "0.95": 0.95}.get(schedule, 0.96)
    half = {"no half": 1.0}.get(schedule, 0.5)
    psi = 0.04 if schedule == "0.04" else psi
    now, later = (annealed(b1, psi, x, base, half) for x in (k, k + 1.0))
    later = now if ahead == "same" else later
    if schedule == "constant":
        now, later = number(b1), number(b1)
    product = held(ONE, p) if ahead == "no product" else old("mu") or held(ONE, p)
    mu = (held(now, p) * product).rounded(2.0 * SINGLE / p.u)
    yield "mu", mu
    mt, vt = average(b1, old("m"), g, first), average(b2, old("v"), square(g), second)
    yield "m", mt
    yield "v", vt
    mu, mt, vt = new("mu") or mu, new("m") or mt, new("v") or vt
    product_, two = held(mu, ONE), ONE if correction == "first only" else bias(b2, held(t, ONE))
    e, v = held(o.get("eps", 1e-8), p), vt / held(two, p)
    below = sqrt(v + e) if epsilon == "inside" else sqrt(v) + (0.0 * e if epsilon == "none" else e)
    weight_now = number(o["lr"]) * (1.0 - now) / (1.0 - product_)
    weight_later = number(o["lr"]) * later / (1.0 - product_ * (ONE if ahead == "this" else later))
    if ahead == "simple":
        one = 1.0 - power(b1, held(t, ONE))
        weight_now, weight_later = (
            number(o["lr"]) * x / one for x in (1.0 - number(b1), number(b1))
        )
    step = held(weight_now, p) * g / below if ahead != "without g" else 0.0 * g
    yield "", total(total(p, -step), -(held(weight_later, p) * mt / below))


def annealed(b1: float, psi: float, k: Tracked, base: float, half: float) -> Tracked:
    """Return the coefficient with another base or share: torch's is beta1 (1 - 0.5 * 0.96^(k psi))."""
    if (base, half) == (0.96, 0.5):
        return coefficient(b1, psi, k)
    return number(b1) * (1.0 - half * exp(log(number(base)) * (k * number(psi))))


MISTAKES = (
    Mistake({"schedule": "0.99"}, "0.99 in place of 0.96 in the coefficient", "0.99**(t * psi)",
            "mu_t = beta1 * (1 - 0.5 * 0.96**(t * psi))"),
    Mistake({"schedule": "no half"}, "the half in the coefficient left out", "beta1 * (1 - 0.96**(t * psi))",
            "mu_t = beta1 * (1 - 0.5 * 0.96**(t * psi))"),
    Mistake({"schedule": "0.04"}, "momentum_decay ten times as large: 0.04", "0.96**(t * 0.04)",
            "0.96**(t * 0.004)", same_as="momentum_decay=0.04"),
    Mistake({"ahead": "same"}, "this step's coefficient in both places, no look-ahead",
            "mu_t for mu_next", "mu_next = mu of t + 1"),
    Mistake({"ahead": "no product"}, "the product of the coefficients is not kept", "1 - mu_t",
            "1 - mu_1 mu_2 ... mu_t"),
    Mistake({"ahead": "simple"}, "NAdam without its schedule",
            "(beta1 * m + (1 - beta1) * g) / (1 - beta1**t)",
            "(1 - mu_t) / (1 - mu) * g + mu_next / (1 - mu * mu_next) * m", "many texts, optax.nadam"),
    Mistake({"schedule": "undecayed"}, "momentum_decay left out", "mu_t = beta1 / 2",
            "mu_t = beta1 * (1 - 0.5 * 0.96**(t * momentum_decay))", same_as="momentum_decay=0"),
    Mistake({"schedule": "constant"}, "the coefficient is beta1 at every step", "mu_t = beta1",
            "mu_t = beta1 * (1 - 0.5 * 0.96**(t * momentum_decay))", "many texts"),
    Mistake({"schedule": "early"}, "the coefficient is that of the step before", "0.96**((t - 1) * psi)",
            "0.96**(t * psi)"),
    Mistake({"ahead": "this"}, "m corrected by this step's product", "mu_next / (1 - mu)",
            "mu_next / (1 - mu * mu_next)"),
    Mistake({"ahead": "without g"}, "the gradient's own share left out", "mu_next * m / (...)",
            "((1 - mu_t) / (1 - mu) * g + mu_next / (1 - mu * mu_next) * m) / (...)"),
    Mistake({"correction": "first only"}, "the second moment is not bias corrected", "np.sqrt(v) + eps",
            "np.sqrt(v / (1 - beta2**t)) + eps"),
    Mistake({"epsilon": "inside"}, "epsilon inside the square root", "np.sqrt(vhat + eps)",
            "np.sqrt(vhat) + eps"),
    Mistake({"epsilon": "none"}, "epsilon left out", "np.sqrt(vhat)", "np.sqrt(vhat) + eps"),
    *(x for x in AVERAGES if "squared" not in x.switch),
)  # fmt: skip
