r"""RMSprop as stated, with epsilon outside the root and inside it."""

from __future__ import annotations

import numpy as np

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
)
from compare.formulas.precision import HOPELESS, narrowed


def rmsprop(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
    maximize: bool = False,
) -> Expected:
    r"""$p - \eta d$, or $p - \eta m$ with momentum, where $d = g / (\sqrt{s - ga^2} + \epsilon)$.

    $s$ is the mean of $g^2$, and $ga$ that of $g$, or 0 where it is not centered.
    """
    g = decayed(p, g, weight_decay, maximize)
    yield "t", counted(old("t"), p)
    s = average(alpha, old("s"), square(g))
    yield "s", s
    variance = new("s") or s
    if centered:
        ga = average(alpha, old("ga"), g)
        yield "ga", ga
        ga = new("ga") or ga
        variance = total(variance, -(ga * ga))
    d = undecided(g / (sqrt(variance) + held(eps, p)), variance)
    if momentum > 0.0:
        before = old("m")
        m = d if before is None else total(held(momentum, p) * before, d)
        yield "m", m
        d = new("m") or m
    yield "", total(p, -(held(lr, p) * d))


def undecided(d: Tracked, variance: Tracked) -> Tracked:
    """Return `d`, unknown where the variance may as well be negative: NaN to a program, or not."""
    if variance.error is None or d.error is None:
        return d
    lost = (variance.error > 0.0) & (variance.value <= variance.u * variance.error)
    value = np.where(lost & ~np.isfinite(narrowed(d.value)), 0.0, d.value)
    error = np.where(lost, HOPELESS, d.error)
    return Tracked(value, error, d.u, d.terms, error if d.fresh is d.error else d.fresh)


def rmsprop_eps_inside(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 1e-2,
    alpha: float = 0.9,
    eps: float = 1e-8,
) -> Expected:
    r"""The mean $s$ of $g^2$; $p - \eta g / \sqrt{s + \epsilon}$."""
    s = average(alpha, old("s"), square(g))
    yield "s", s
    s = new("s") or s
    yield "", total(p, -(held(lr, p) * g / sqrt(s + held(eps, p))))
