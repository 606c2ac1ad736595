r"""An optimiser run: a function or an object of somebody's, called step by step, whatever it takes and gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from compare.checking import tensors, transforms
from compare.checking.calling import GRADIENTS, accepted, arguments, options_for, rerate
from compare.checking.elsewhere import Step
from compare.checking.numbers import fresh
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


Advance = Callable[[dict[str, Array], Mapping[str, Any]], dict[str, Any]]


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
    return equal(changed, made) and not equal(changed, plain)


def equal(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return all(np.array_equal(a[n], b[n]) for n in a)


def moved(
    rule: Any, options: Mapping[str, Any], initial: Mapping[str, Array], now: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the parameters after one step of an object, whose lr may be changed before it."""
    given = options_for(rule, options)[0]
    gradient = {n: np.ones_like(x) for n, x in initial.items()}
    return stepping(rule, given)(rule, given, initial)(gradient, now)


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


HELD = ("params", "parameters")


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
