r"""NAdam as stated."""

from __future__ import annotations

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import exp, log, sqrt, total
from compare.formulas.optimizers.terms import (
    ONE,
    Expected,
    Slots,
    average,
    bias,
    counted,
    decayed,
    held,
    number,
    shrunk,
    square,
)

SINGLE = (
    2.0**-24
)  # the unit roundoff of float32, in which torch keeps mu whatever the parameters are


def nadam(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> Expected:
    r"""Adam's step along $\frac{1 - \mu_t}{1 - \mu} g + \frac{\mu_{t+1}}{1 - \mu \mu_{t+1}} m$."""
    g = decayed(p, g, 0.0 if decoupled_weight_decay else weight_decay, maximize)
    p = shrunk(p, lr, weight_decay) if decoupled_weight_decay else p
    t = counted(old("t"), p)
    yield "t", t
    t = new("t") or t
    mu_t = coefficient(betas[0], momentum_decay, held(t, ONE))
    mu_next = coefficient(betas[0], momentum_decay, held(t, ONE) + 1.0)
    mu = (held(mu_t, p) * (old("mu") or held(ONE, p))).rounded(2.0 * SINGLE / p.u)
    yield "mu", mu
    m = average(betas[0], old("m"), g)
    yield "m", m
    v = average(betas[1], old("v"), square(g))
    yield "v", v
    mu, m, v = new("mu") or mu, new("m") or m, new("v") or v
    product, eta = held(mu, ONE), number(lr)
    d = sqrt(v / held(bias(betas[1], t), p)) + held(eps, p)
    now = held(eta * (1.0 - mu_t) / (1.0 - product), p) * g / d
    ahead = held(eta * mu_next / (1.0 - product * mu_next), p) * m / d
    yield "", total(total(p, -now), -ahead)


def coefficient(beta: float, psi: float, t: Tracked) -> Tracked:
    r"""Return $\mu_t = \beta_1 (1 - \frac12 0.96^{t\psi})$."""
    return number(beta) * (1.0 - 0.5 * exp(log(number(0.96)) * (t * number(psi))))
