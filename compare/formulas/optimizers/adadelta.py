r"""Adadelta as stated."""

from __future__ import annotations

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import sqrt, total
from compare.formulas.optimizers.terms import (
    Expected,
    Slots,
    average,
    counted,
    decayed,
    held,
    square,
    zero,
)


def adadelta(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Expected:
    r"""$p - \eta \Delta$ with $\Delta = \sqrt{d + \epsilon} / \sqrt{v + \epsilon}\,g$.

    $v$ is the mean of $g^2$; $d$ that of $\Delta^2$, one step behind.
    """
    g = decayed(p, g, weight_decay, maximize)
    yield "t", counted(old("t"), p)
    v = average(rho, old("v"), square(g))
    yield "v", v
    v = new("v") or v
    before, e = old("d") or zero(p), held(eps, p)
    delta = sqrt(before + e) / sqrt(v + e) * g
    yield "d", average(rho, before, square(delta))
    yield "", total(p, -(held(lr, p) * delta))
