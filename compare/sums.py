r"""Sums taken one term after the other: what a plain loop loses where terms are equal, and is no mistake.

The growth of rounding in a sum is taken as $\sqrt K$, for roundings fall either way. Those of equal
terms do not: 1,599 times 1 / 1,599, added one by one, is off by 388 u, where the limits allow 4.
So before an entry is called wrong its formula is evaluated once more, on the same inputs, in the
program's own type and one term after the other. Where that would be called wrong too, a program may be
as far off as it, as it may be as far off as the reference (`compare.tolerances.formula_limit`).

The reference may sum like that itself: torch's product of float32 matrices on several threads does.
Then the two sides may be as far apart in all that follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from compare.distances import distance
from compare.formulas.arithmetic import Tracked
from compare.formulas.precision import one_by_one
from compare.formulas.stepping import Formulas
from compare.judgement import judge_pair
from compare.operands import NOTHING, stated
from compare.standing import Judged
from compare.tolerances import CAP, formula_limit
from compare.traces import Array, Trace


@np.errstate(all="ignore")
def plain(
    formulas: Formulas, trace: Trace, state: Trace, X: Array, Y: Array, **read: Any
) -> dict[str, float]:
    """Return how far off each entry would be, in units of its error, were its sums taken one by one.

    What is not finite then is no measure: 0.
    """
    given = formulas, trace, state, X, Y
    with one_by_one():
        formed = {n: x.value for n, x in stated(*given, own=True, plain=True, **read)}
    exact = stated(*given, own=True, **read)
    lost = {n: distance(np.asarray(formed[n]), x).ratio for n, x in exact}
    return {n: ratio if ratio < np.inf else 0.0 for n, ratio in lost.items()}


def spared(
    judged: tuple[Judged, ...],
    formulas: Formulas,
    trace: Trace,
    reference: Trace,
    *given: Any,
    carried: Mapping[str, Tracked] = NOTHING,
    grown: Mapping[str, Tracked] = NOTHING,
) -> tuple[Judged, ...]:
    """Return the entries, none called wrong for what a plain sum loses too; `given` are state, X and Y.

    Where that is so, or the reference has summed like that, the two sides may be as far apart as
    plain sums let them be. `carried` is as in Operands; `grown` the same, with the errors that the whole
    step starts from.
    """
    if not any(j.wrong or j.apart for j in judged):
        return judged
    again = judged
    if any(j.wrong for j in judged):
        lost = plain(formulas, trace, *given, carried=carried)
        again = tuple(widened(j, lost) for j in judged)
    excused = any(j.wrong and not k.wrong for j, k in zip(judged, again, strict=True))
    if not excused and not any(map(summed_plainly, judged)):
        return judged
    with one_by_one():
        apart = judge_pair(formulas, trace, reference, *given, carried=grown)
    return tuple(replace(j, pair=apart[j.name]) for j in again)


def summed_plainly(j: Judged) -> bool:
    """Tell whether the reference's own error is that of a plain sum: more than any other order has."""
    return j.reference is not None and j.reference.ratio > CAP and not j.misreferenced


def widened(j: Judged, lost: Mapping[str, float]) -> Judged:
    if not j.wrong or j.formula is None:
        return j
    return replace(j, limit=wider(j.limit, lost[j.name], j.formula.terms))


def wider(limit: float, lost: float, terms: int) -> float:
    """Return the limit of a formula where a plain sum loses so much: the same unless that is beyond it.

    >>> wider(1.0, 0.9, 100), wider(1.0, 2.0, 1000) > 8.0
    (1.0, True)
    """
    return limit if lost <= limit else formula_limit(lost, terms)
