r"""Optimisers that are objects: made of options, or of the parameters too; stepped with mappings, lists or single arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from compare.checking.calling import GRADIENTS, HELD, accepted, arguments, rerate
from compare.traces import Array

Advance = Callable[[dict[str, Array], Mapping[str, Any]], dict[str, Any]]


def stateful(rule: Any, options: Mapping[str, Any], initial: Mapping[str, Array]) -> Advance:
    """Return the step of an object with `step(params, grads)`; its parameters are what it shows."""
    params: Any = {n: x.copy() for n, x in initial.items()}
    as_list = takes_lists(rule, options, initial)
    if as_list and takes_arrays(rule, options):
        return one_each(rule, options, initial)
    made, given = made_of(rule, options, params, as_list)
    step = step_of(made)

    def advance(g: dict[str, Array], changed: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal params
        rerate(made, changed)
        result = call(step, params, g, as_list)
        if result is None and alone(step):
            result = held(made, given)
        if result is not None:
            params = taken(result, params)
        return {n: np.array(x) for n, x in params.items()}

    return advance


def takes_arrays(rule: Any, options: Mapping[str, Any]) -> bool:
    """Tell whether a step takes one parameter and its gradient, and returns the parameter."""
    if not isinstance(rule, type) or accepted(rule)[0] & set(HELD):
        return False
    one = np.ones((2, 3))
    try:
        result = step_of(rule(**options))(one.copy(), one.copy())
    except Exception:  # it says so itself when it is checked
        return False
    return isinstance(result, np.ndarray) and result.shape == one.shape


def one_each(rule: Any, options: Mapping[str, Any], initial: Mapping[str, Array]) -> Advance:
    """Return the step of an object for each parameter, which is given that and its gradient."""
    params = {n: x.copy() for n, x in initial.items()}
    made = {n: rule(**options) for n in initial}

    def advance(g: dict[str, Array], changed: Mapping[str, Any]) -> dict[str, Any]:
        for n, each in made.items():
            rerate(each, changed)
            params[n] = np.array(step_of(each)(params[n].copy(), g[n]))
        return {n: x.copy() for n, x in params.items()}

    return advance


UNREADABLE = object()


def takes_lists(rule: Any, options: Mapping[str, Any], initial: Mapping[str, Array]) -> bool:
    """Tell whether a step reads lists of arrays, not mappings, on an object of its own: a trial leaves traces."""
    params: Any = {n: x.copy() for n, x in initial.items()}
    try:
        step = step_of(made_of(rule, options, params, False)[0])
    except Exception:  # it reads the parameters that it is made of otherwise
        return True
    return call(step, params, {n: np.ones_like(x) for n, x in initial.items()}, False) is UNREADABLE


def made_of(
    rule: Any, options: Mapping[str, Any], params: Mapping[str, Array], as_list: bool
) -> tuple[Any, Any]:
    """Return an object, made from its options, or as torch does it from parameters and options; and these."""
    if not isinstance(rule, type):
        return deepcopy(rule), None
    if not accepted(rule)[0] & set(HELD):
        return rule(**options), None
    given = list(params.values()) if as_list else params
    return rule(given, **options), given


def held(made: Any, given: Any) -> Any:
    """Return the parameters of an object that was made from them: its own, or the container it was given."""
    if given is None:
        return None
    own = (getattr(made, name, None) for name in HELD)
    return next((x for x in own if isinstance(x, list | dict) and len(x) == len(given)), given)


def step_of(made: Any) -> Any:
    return getattr(made, "step", None) or made.update


def gradients_first(step: Any) -> bool:
    """Tell whether a step names its gradients before its parameters.

    >>> gradients_first(lambda grads, params: None), gradients_first(lambda p, g: None)
    (True, False)
    """
    names = [p.name for p in arguments(step)]
    return len(names) > 1 and names[0] in (*GRADIENTS, "g") and names[1] not in (*GRADIENTS, "g")


def alone(step: Any) -> bool:
    """Tell whether a step takes gradients alone."""
    return len(accepted(step)[0]) == 1


@np.errstate(all="ignore")
def call(step: Any, params: Any, g: Any, as_list: bool) -> Any:
    """Call step(params, grads), or step(grads) where it holds the parameters; lists where dicts do not do."""
    names = list(params)
    both = (list(params.values()), [g[n] for n in names]) if as_list else (params, g)
    turn = -1 if gradients_first(step) else 1
    try:
        result = step(both[1]) if alone(step) else step(*both[::turn])
    except (KeyError, TypeError, AttributeError, IndexError):
        if as_list:
            raise
        return UNREADABLE
    in_place = as_list and result is None and not alone(step)
    return dict(zip(names, both[0], strict=True)) if in_place else result


def taken(result: Any, params: Mapping[str, Array]) -> dict[str, Array]:
    """Return the parameters that a step returned, as a mapping or as a list in the order they were given."""
    if isinstance(result, Mapping):
        return dict(result)
    if isinstance(result, list | tuple) and len(result) == len(params):
        return dict(zip(params, result, strict=True))
    raise ValueError(
        f"step returned a {type(result).__name__}; expected the parameters, or nothing if it updates in place"
    )
