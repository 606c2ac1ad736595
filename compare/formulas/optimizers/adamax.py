r"""Adamax as stated."""

from __future__ import annotations

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, maximum, total
from compare.formulas.optimizers.terms import (
    Expected,
    Slots,
    average,
    bias,
    counted,
    decayed,
    held,
    number,
)


def adamax(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Expected:
    r"""$p - \eta\,\hat m / u$ with $\hat m = m / (1 - \beta_1^t)$.

    $m$ is the mean of $g$, and $u = \max(\beta_2 u, |g| + \epsilon)$.
    """
    g = decayed(p, g, weight_decay, maximize)
    t = counted(old("t"), p)
    yield "t", t
    m = average(betas[0], old("m"), g)
    yield "m", m
    before, u = old("u"), absolute(g) + held(eps, p)
    u = u if before is None else maximum(held(betas[1], p) * before, u)
    yield "u", u
    t, m, u = new("t") or t, new("m") or m, new("u") or u
    yield "", total(p, -(held(number(lr) / bias(betas[0], t), p) * m / u))
