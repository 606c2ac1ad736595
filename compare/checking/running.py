r"""An optimiser run: a function or an object of somebody's, called step by step, whatever it takes and gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from compare.checking import tensors, transforms
from compare.checking.calling import options_for
from compare.checking.elsewhere import Step
from compare.checking.numbers import fresh, same
from compare.checking.objects import Advance, stateful
from compare.traces import Array
from compare.verification import Batch


def stepped(
    rule: Any,
    options: Mapping[str, Any],
    initial: Mapping[str, Array],
    sequence: Sequence[Array],
    changed: Sequence[Mapping[str, Any]],
    *,
    reused: bool = False,
) -> Iterator[Step]:
    """Yield the rule's state and parameters after each of the gradients, with its `changed` options.

    With `reused` all gradients come in the same arrays, overwritten at each step.
    """
    advance = stepping(rule, options)(rule, options, initial)
    empty, room = np.zeros((1, 1), sequence[0].dtype), dict[str, Array]()
    for joint, now in zip(sequence, changed, strict=True):
        g = {"W1": joint[:, :4].copy(), "b1": joint[:, 4:].copy()}
        given = {n: x.copy() for n, x in g.items()}
        if reused:
            room = room or given
            for n, x in given.items():
                room[n][:] = x
            given = dict(room)
        with np.errstate(all="ignore"):
            shown = advance(given, now)
        given = {f"d{n}": x for n, x in g.items()}
        yield shown, Batch(empty, empty, dict(now), given)


def has_step(rule: Any) -> bool:
    """Tell whether what steps is an object, given or made."""
    return isinstance(rule, tensors.Optimizer) or hasattr(rule, "step") or hasattr(rule, "update")


def stepping(rule: Any, options: Mapping[str, Any]) -> Callable[..., Advance]:
    """Return what makes the step of a rule, by what it is: torch's, init and update, an object, or a function."""
    if isinstance(rule, tensors.Optimizer):
        return tensors.Optimizer.stepping
    if transforms.made(rule, options) is not None:
        return transforms.transforming
    return stateful if has_step(rule) else functional


def functional(rule: Any, options: Mapping[str, Any], initial: Mapping[str, Array]) -> Advance:
    """Return the step of `rule(param, grad, slots, ...) -> (param, slots)`, which shows its slots."""
    params = {n: x.copy() for n, x in initial.items()}
    slots: dict[str, Any] = {n: {} for n in initial}

    def advance(g: dict[str, Array], changed: Mapping[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        changed = options_for(rule, changed)[0]
        for n in params:
            result = rule(params[n].copy(), g[n], slots[n], **{**options, **changed})
            if not (isinstance(result, tuple) and len(result) == 2):
                raise ValueError(
                    f"the rule returned a {type(result).__name__}; expected (param, slots), the new "
                    "parameter and its new state"
                )
            params[n], slots[n] = np.array(fresh(result[0])), result[1]
            if isinstance(slots[n], Mapping):
                shown |= {f"{slot}.{n}": fresh(x) for slot, x in slots[n].items() if x is not None}
        return shown | {n: x.copy() for n, x in params.items()}

    return advance


def takes_rate(rule: Any, options: Mapping[str, Any], initial: Mapping[str, Array]) -> bool:
    """Tell whether each step of a rule is given its lr, or reads it off an object, so that it can change.

    An object whose lr is changed must step as one that was made with it: else it has been made use of before.
    """
    if not has_step(rule):
        return callable(rule) and not options_for(rule, {"lr": 1.0})[2]
    if not isinstance(rule, type | tensors.Optimizer):
        return False  # what it has made of its lr already is not known
    less = {"lr": 0.5 * options["lr"]}
    try:
        plain, changed = (moved(rule, options, initial, now) for now in ({}, less))
        made = moved(rule, {**options, **less}, initial, {})
    except Exception:  # it says so itself when it is checked
        return False
    return same(changed, made) and not same(changed, plain)


def moved(
    rule: Any, options: Mapping[str, Any], initial: Mapping[str, Array], now: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the parameters after one step of an object, whose lr may be changed before it."""
    given = options_for(rule, options)[0]
    gradient = {n: np.ones_like(x) for n, x in initial.items()}
    return stepping(rule, given)(rule, given, initial)(gradient, now)
