r"""One trace held against the stated formulas: how far each entry is from what its own inputs make it.

Every formula is evaluated in extended precision, once on the program's own entries as they are
(`judge`), once with the errors that grow along the step (`judge_pair`), or for both at once.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import Any

import numpy as np

from compare.distances import distance
from compare.formulas.arithmetic import Tracked
from compare.formulas.stepping import Formulas
from compare.operands import stated
from compare.traces import PARAMETERS, Array, Trace, kind


def judge(
    formulas: Formulas,
    trace: Trace,
    state: Trace,
    X: Array,
    Y: Array,
    *,
    measure: Callable[..., Any] = distance,
    u: float = 0.0,
    missing: list[str] | None = None,
    only: Container[str] | None = None,
) -> dict[str, Any]:
    """Return, for each entry of the trace, its Distance (or what `measure` makes of it) from its own formula.

    `u` as in Operands; where `only` says which, of these entries alone. Entries that
    are stated and not on the trace are appended to `missing`.
    """
    out = {}
    for name, expected in stated(formulas, trace, state, X, Y, own=True, u=u):
        if only is not None and name not in only:
            continue
        if name in trace:
            out[name] = measure(trace[name], expected)
        elif missing is not None:
            missing.append(name)
    return out


def judge_pair(
    formulas: Formulas,
    trace: Trace,
    reference: Trace,
    state: Trace,
    X: Array,
    Y: Array,
    *,
    measure: Callable[..., Any] = distance,
    **read: Any,
) -> dict[str, Any]:
    """Return, for each entry, the Distance between two traces in units of the error grown along the step.

    `measure` as in `judge`, `read` as in Operands.
    """
    out: dict[str, Any] = {}
    for name, expected in stated(formulas, reference, state, X, Y, own=False, **read):
        out.update(paired(name, expected, trace, reference, state, measure))
    return out


def judge_both(
    formulas: Formulas,
    trace: Trace,
    reference: Trace,
    state: Trace,
    X: Array,
    Y: Array,
    *,
    measure: Callable[..., Any],
    missing: list[str],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `judge` and `judge_pair` do, for half the work: each formula is evaluated once.

    Errors grow here along the candidate's step instead of the reference's; of two that agree, they are the same.
    """
    own: dict[str, Any] = {}
    pairs: dict[str, Any] = {}
    for name, expected in stated(
        formulas, trace, state, X, Y, own=False, screened=True, fresh=True
    ):
        if name in trace:
            own[name] = measure(trace[name], expected.alone)
            pairs.update(paired(name, expected, trace, reference, state, measure))
        else:
            missing.append(name)
    return own, pairs


def paired(
    name: str,
    expected: Tracked,
    trace: Trace,
    reference: Trace,
    state: Trace,
    measure: Callable[..., Any],
) -> Iterator[tuple[str, Any]]:
    """Yield how far apart two traces are in an entry, and of a parameter in its update."""
    if name not in trace or name not in reference:
        return
    yield name, measure(trace[name], expected, against=reference[name])
    if kind(name) in PARAMETERS and "." not in name:
        before = state[name]
        moved = expected - Tracked(np.asarray(before, np.float64), None, expected.u)
        mine, theirs = trace[name] - before, reference[name] - before
        yield f"update.{name}", measure(mine, moved, against=theirs)
