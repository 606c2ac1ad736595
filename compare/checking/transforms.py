r"""Optimisers as optax has them: `init(params)` makes a state, `update(grads, state, params)` what is added."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from compare.checking.calling import (
    GRADIENTS,
    OPTIONS,
    arguments,
    options_for,
    positional,
    required,
    rerate,
)
from compare.traces import Array

METHODS = ("init", "update")
FIRST, SECOND = (*GRADIENTS, "g", "updates"), ("state", "opt_state", "s")


def made(rule: Any, options: Mapping[str, Any]) -> Any:
    """Return what has init and update: the rule itself, or what it makes of its options; None if neither has.

    A named tuple of both is sure to be meant so; of an object, its update must name gradients and a state.
    """
    if isinstance(rule, type) or makes(rule):
        try:
            rule = rule(**options)
        except Exception:  # it says so itself when it is checked
            return None
    init, update = (None if isinstance(rule, type) else getattr(rule, n, None) for n in METHODS)
    if not (callable(init) and callable(update)):
        return None
    names = [p.name for p in arguments(update)]
    named = bool(names[1:2]) and names[0] in FIRST and names[1] in SECOND
    return rule if named or isinstance(rule, tuple) else None


def makes(rule: Any) -> bool:
    """Tell whether a function can be called with its options alone.

    >>> makes(lambda learning_rate, b1=0.9: None), makes(lambda param, grad, slots, lr=0.1: None)
    (True, False)
    """
    if not inspect.isfunction(rule) or any(p.kind is p.VAR_POSITIONAL for p in arguments(rule)):
        return False
    return set(required(rule)) <= OPTIONS


def transforming(
    rule: Any, options: Mapping[str, Any], initial: Mapping[str, Array]
) -> Callable[[dict[str, Array], Mapping[str, Any]], dict[str, Any]]:
    """Return the step of a transformation; where a function makes it of its options, of those that change too."""
    params, held = copied(initial), made(rule, options)
    state = held.init(copied(params))

    def advance(g: dict[str, Array], changed: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal state, held
        if changed and inspect.isfunction(rule):
            held = made(rule, {**options, **options_for(rule, changed)[0]})
        rerate(held, changed)
        updates, state = updated(held.update, g, state, copied(params))
        params.update({n: params[n] + np.asarray(updates[n]) for n in params})
        return copied(params)

    return advance


def updated(update: Any, g: Any, state: Any, params: Any) -> tuple[Mapping[str, Any], Any]:
    """Call update(grads, state, params), or without params where it takes none; ValueError unless it returns a pair."""
    given = (g, state, params)[: max(2, len(positional(update)))]
    alone = any(p.name == "params" and p.kind is p.KEYWORD_ONLY for p in arguments(update))
    result = update(*given, **({"params": params} if alone else {}))
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], Mapping):
        return result
    raise ValueError(
        f"update returned a {type(result).__name__}; expected (updates, state), the updates a mapping as "
        "the gradients are"
    )


def copied(params: Mapping[str, Array]) -> dict[str, Array]:
    return {n: x.copy() for n, x in params.items()}
