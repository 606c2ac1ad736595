r"""Gradient descent and momentum as stated."""

from __future__ import annotations

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import total
from compare.formulas.optimizers.terms import Expected, Slots, decayed, held, number


def sgd(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 1e-3,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Expected:
    r"""$p - \eta d$, $d = g$, $m$ or $g + \mu m$, with $m = \mu m + (1 - \tau) g$, at first $g$."""
    d = decayed(p, g, weight_decay, maximize)
    if momentum != 0.0:
        before, mu = old("m"), held(momentum, p)
        share = d if before is None or dampening == 0.0 else held(1.0 - number(dampening), p) * d
        m = share if before is None else total(mu * before, share)
        yield "m", m
        m = new("m") or m
        d = total(d, mu * m) if nesterov else m
    yield "", total(p, -(held(lr, p) * d))


def momentum(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 1e-3,
    momentum: float = 0.9,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Expected:
    yield from sgd(
        p,
        g,
        old,
        new,
        lr=lr,
        momentum=momentum,
        dampening=dampening,
        nesterov=nesterov,
        weight_decay=weight_decay,
        maximize=maximize,
    )
