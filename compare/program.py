r"""A program made from formulas: each entry computed by its formula, rounded to the program's type, and stored.

With the right formulas it is a third implementation of a step. With one of them changed it is a
program with that mistake in it, which is what the diagnosis is tried on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compare.diagnosis.scene import Shown
from compare.diagnosis.variant import Variant
from compare.formulas import stepping
from compare.formulas.arithmetic import Tracked
from compare.formulas.precision import narrowed
from compare.formulas.stepping import Formulas
from compare.operands import Operands
from compare.traces import Array, Trace, parameters


def step(formulas: Formulas, state: Trace, X: Array, Y: Array) -> dict[str, Array]:
    """Return the trace of one step of the formulas' own program."""
    return planted(formulas, Variant(""), (), state, X, Y)


def planted(
    formulas: Formulas, variant: Variant, origins: tuple[str, ...], state: Trace, X: Array, Y: Array
) -> dict[str, Array]:
    """Return the trace of one step with a mistake in the entries named `origins`, in all where there are none.

    A mistake that reads what comes later in the step (a weight already updated) takes it from a
    right step, made first.
    """
    trace: dict[str, Array] = {}
    right = Shown(trace, state, X, Y, formulas)
    if variant.then or variant.now or variant.direct or variant.result:
        right = Shown(planted(formulas, Variant(""), (), state, X, Y), state, X, Y, formulas)
    changed = variant.formulas(formulas, right) if variant.formulas else formulas
    now = variant.now(right) if variant.now else {}
    then = variant.then(right) if variant.then else {}
    plain = Operands(trace, state, X, Y, own=True)
    bent = Operands(trace, state, X, Y, own=True, now=now, then=then)
    names = parameters(state)
    right_steps = stepping.step(formulas, names, plain.read, plain.before, plain.has)
    wrong_steps = stepping.step(changed, names, bent.read, bent.before, bent.has)
    if not origins:  # a mistake of the formulas as a whole
        for name, value in wrong_steps:
            trace[name] = rounded(value, name, X.dtype)
        return in_order(trace, names)
    for (name, good), (_, bad) in zip(right_steps, wrong_steps, strict=True):
        value = good
        if name in origins:
            value = variant.direct(plain, right) if variant.direct else bad
            value = variant.result(value, right) if variant.result else value
        plain.stated[name] = bent.stated[name] = good
        trace[name] = rounded(value, name, X.dtype)
    return in_order(trace, names)


def in_order(trace: dict[str, Array], names: list[str]) -> dict[str, Array]:
    """Return the trace with each parameter's state together, as the two sides have it."""
    slots = [k for n in names for k in trace if is_slot(k, n)]
    others = [k for k in trace if k not in slots and k not in names]
    return {k: trace[k] for k in (*others, *slots, *names)}


def is_slot(key: str, name: str) -> bool:
    return key.endswith(f".{name}") and not key.startswith(("a.", "g."))


def rounded(x: Tracked, name: str, dtype: np.dtype[Any]) -> Array:
    if name.split(".")[0].rstrip("0123456789") in ("t", "batches", "micro"):
        return np.asarray(int(x.value))
    with np.errstate(all="ignore"):
        return np.array(narrowed(x.value, dtype))
