r"""Adagrad as stated."""

from __future__ import annotations

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import sqrt, total
from compare.formulas.optimizers.terms import (
    ONE,
    Expected,
    Slots,
    counted,
    decayed,
    held,
    number,
    square,
)


def adagrad(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 1e-2,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-10,
    maximize: bool = False,
) -> Expected:
    r"""$p - \eta_t g / (\sqrt s + \epsilon)$ with $\eta_t = \eta / (1 + (t - 1) \delta)$.

    $s$ is the sum of $g^2$ from $s_0$.
    """
    d = decayed(p, g, weight_decay, maximize)
    t = counted(old("t"), p)
    yield "t", t
    s = total(old("s") or held(initial_accumulator_value, p), square(d))
    yield "s", s
    t, s = new("t") or t, new("s") or s
    rate = number(lr) / (1.0 + (held(t, ONE) - 1.0) * number(lr_decay))
    yield "", total(p, -(held(rate, p) * d / (sqrt(s) + held(eps, p))))
