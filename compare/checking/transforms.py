r"""Optimisers as optax has them: `init(params)` makes a state, `update(grads, state, params)` what is added."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from compare.checking.calling import ALIASES, GRADIENTS, arguments, options_for, required
from compare.traces import Array


def made(rule: Any, options: Mapping[str, Any]) -> Any:
    """Return what has init and update: the rule itself, or what it makes of its options; None if neither has."""
    if callable(rule) and (isinstance(rule, type) or makes(rule)):
        try:
            rule = rule(**options)
        except Exception:  # it says so itself when it is checked
            return None
    init, update = (None if isinstance(rule, type) else getattr(rule, n, None) for n in METHODS)
    names = [p.name for p in arguments(update)] if callable(init) and callable(update) else []
    return rule if names[1:2] and names[0] in FIRST and names[1] in SECOND else None


METHODS = ("init", "update")
FIRST, SECOND = (*GRADIENTS, "g", "updates"), ("state", "opt_state", "s")


def makes(rule: Any) -> bool:
    """Tell whether a function can be called with its options alone.

    >>> makes(lambda learning_rate, b1=0.9: None), makes(lambda param, grad, slots, lr=0.1: None)
    (True, False)
    """
    return inspect.isfunction(rule) and set(required(rule)) <= set().union(*ALIASES.values())


def transforming(
    rule: Any, options: Mapping[str, Any], initial: Mapping[str, Array]
) -> Callable[[dict[str, Array], Mapping[str, Any]], dict[str, Any]]:
    """Return the step of a transformation; where it is made of its options, with those that change too."""
    params = {n: x.copy() for n, x in initial.items()}
    state = made(rule, options).init(copied(params))

    def advance(g: dict[str, Array], changed: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal state
        changed = options_for(rule, changed)[0] if callable(rule) else {}
        update = made(rule, {**options, **changed}).update
        given = (g, state, copied(params))
        updates, state = update(*given[: len(arguments(update))])
        params.update({n: params[n] + np.asarray(updates[n]) for n in params})
        return copied(params)

    return advance


def copied(params: Mapping[str, Array]) -> dict[str, Array]:
    return {n: x.copy() for n, x in params.items()}
