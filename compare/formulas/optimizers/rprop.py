r"""Rprop as stated."""

from __future__ import annotations

import numpy as np

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import maximum, minimum, where
from compare.formulas.optimizers.terms import (
    Expected,
    Slots,
    counted,
    held,
    zero,
)
from compare.formulas.precision import smallest


def rprop(
    p: Tracked,
    g: Tracked,
    old: Slots,
    new: Slots,
    *,
    lr: float = 1e-2,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
    maximize: bool = False,
) -> Expected:
    r"""$p - \eta\,\mathrm{sign}(g)$.

    $\eta$ grows where $g$ keeps its sign and shrinks where it turns; there $p$ rests for one step.
    """
    g = -g if maximize else g
    yield "t", counted(old("t"), p)
    turn = product(g, old("prev") or zero(p))
    minus, plus, least, most = (held(x, p) for x in (*etas, *step_sizes))
    factor = where(turn > 0.0, plus, where(turn < 0.0, minus, held(1.0, p)))
    eta = minimum(maximum((old("eta") or held(lr, p)) * factor, least), most)
    yield "eta", eta
    prev = where(turn < 0.0, 0.0, g)
    yield "prev", prev
    eta, prev = new("eta") or eta, new("prev") or prev
    yield "", where(prev > 0.0, p - eta, where(prev < 0.0, p + eta, p))


def product(g: Tracked, prev: Tracked) -> Tracked:
    r"""Return $g\,prev$; near the smallest numbers it may be 0 to a program, and its sign lost."""
    q = g * prev
    return q.loosened(np.where(q.value == 0.0, 0.0, 2.0 * smallest(g.u)))
