r"""Adam and AdamW as stated."""

from __future__ import annotations

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import maximum, sqrt, total
from compare.formulas.optimizers.terms import (
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


def adam(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> Expected:
    r"""Means $m$ of $g$ and $v$ of $g^2$; $p - \eta \hat m / (\sqrt{\hat v} + \epsilon)$."""
    g = decayed(p, g, 0.0 if decoupled_weight_decay else weight_decay, maximize)
    p = shrunk(p, lr, weight_decay) if decoupled_weight_decay else p
    t = counted(old("t"), p)
    yield "t", t
    m = average(betas[0], old("m"), g)
    yield "m", m
    v = average(betas[1], old("v"), square(g))
    yield "v", v
    t, m, v = new("t") or t, new("m") or m, new("v") or v
    if amsgrad:
        before = old("vmax")
        v = v if before is None else maximum(before, v)
        yield "vmax", v
        v = new("vmax") or v
    step = held(number(lr) / bias(betas[0], t), p) * m
    root = sqrt(v) / held(sqrt(bias(betas[1], t)), p)
    yield "", total(p, -(step / (root + held(eps, p))))


def adamw(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
    maximize: bool = False,
) -> Expected:
    r"""Adam with $p$ shrunk by $1 - \eta\lambda$ in place of the $\lambda p$ in $g$."""
    yield from adam(
        p,
        g,
        old,
        new,
        lr=lr,
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        amsgrad=amsgrad,
        maximize=maximize,
        decoupled_weight_decay=True,
    )
