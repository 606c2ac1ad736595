r"""RAdam as stated."""

from __future__ import annotations

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import power, sqrt, total, where
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


def radam(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> Expected:
    r"""$p - \eta \hat m\,r \sqrt{1 - \beta_2^t} / (\sqrt v + \epsilon)$ once $\rho > 5$.

    $m$ and $v$ are the means of $g$ and $g^2$; until then, $p - \eta \hat m$.
    """
    g = decayed(p, g, 0.0 if decoupled_weight_decay else weight_decay, maximize)
    p = shrunk(p, lr, weight_decay) if decoupled_weight_decay else p
    t = counted(old("t"), p)
    yield "t", t
    m = average(betas[0], old("m"), g)
    yield "m", m
    v = average(betas[1], old("v"), square(g))
    yield "v", v
    t, m, v = new("t") or t, new("m") or m, new("v") or v
    step = held(number(lr) / bias(betas[0], t), p) * m
    rho, r = rectification(betas[1], held(t, ONE))
    scale = held(r * sqrt(bias(betas[1], t)), p)
    yield "", total(p, -where(rho > 5.0, step * scale / (sqrt(v) + held(eps, p)), step))


def rectification(beta: float, t: Tracked) -> tuple[Tracked, Tracked]:
    r"""Return $\rho = \rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t)$, and $r$ for $\rho > 4$."""
    limit = 2.0 / (1.0 - number(beta)) - 1.0
    rho = limit - 2.0 * t * power(beta, t) / bias(beta, t)
    share = (rho - 4.0) * (rho - 2.0) * limit
    return rho, sqrt(share / ((limit - 4.0) * (limit - 2.0) * rho))
