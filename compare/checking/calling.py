r"""Calling what is handed over: whatever its form, as long as that is unambiguous; what was adapted is said."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from compare.checking.numbers import same
from compare.traces import Array

ALIASES: Mapping[str, tuple[str, ...]] = {
    "lr": (
        "lr",
        "learning_rate",
        "eta",
        "step_size",
        "alpha_lr",
        "initial_lr",
        "base_lr",
        "lr0",
        "lr_0",
        "learning_rate0",
        "initial_learning_rate",
        "eta0",
        "max_lr",
    ),
    "momentum": ("momentum", "mu", "beta"),  # but see SMOOTHED
    "weight_decay": ("weight_decay", "wd", "lambd", "l2"),
    "eps": ("eps", "epsilon"),
    "alpha": ("alpha", "rho", "decay", "decay_rate", "smoothing"),
    "rho": ("rho", "decay"),
    "negative_slope": ("negative_slope", "slope", "alpha", "leak"),
    "decay": ("decay", "decay_rate"),
    "gamma": ("gamma", "decay_rate", "decay", "factor", "drop"),
    "T_max": ("T_max", "t_max", "T", "total_steps", "max_steps", "period"),
    "total_iters": ("total_iters", "warmup_steps", "warmup_iters", "warmup"),
    "betas": ("betas",),
    "beta1": ("beta1", "beta_1", "b1"),
    "beta2": ("beta2", "beta_2", "b2"),
}
OPTIONS = {n for names in ALIASES.values() for n in names}
SMOOTHED = {"momentum": ("momentum", "mu"), "alpha": (*ALIASES["alpha"], "beta")}  # of rmsprop


def arguments(function: Any) -> list[inspect.Parameter]:
    """Return the arguments a callable takes, in order; none where they are not known."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def positional(function: Any) -> list[inspect.Parameter]:
    """Return the arguments that a callable can be given by position, one by one."""
    usual = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in arguments(function) if p.kind in usual]


def required(function: Any) -> list[str]:
    """Return the names of the arguments that a function must be given by position.

    >>> required(lambda z, slope=0.2: z), required(np.exp)
    (['z'], ['x'])
    """
    return [p.name for p in positional(function) if p.default is p.empty]


def accepted(function: Any) -> tuple[set[str], bool]:
    """Return the names of the arguments a callable takes, and whether it takes any keyword."""
    parameters = arguments(function)
    return {p.name for p in parameters}, any(p.kind is p.VAR_KEYWORD for p in parameters)


def options_for(
    function: Any, options: Mapping[str, Any], rule: str = ""
) -> tuple[dict[str, Any], list[str], list[str]]:
    """Return the options under the names the candidate has for them, notes, and those it has no name for.

    `rule` is what they are options of: the beta of RMSprop is no momentum.
    """
    names, anything = accepted(function)
    aliases = {**ALIASES, **(SMOOTHED if rule.startswith("rmsprop") else {})}
    given, notes, lacking = {}, [], []
    for option, value in spelled(options, names):
        known = aliases.get(option, (option,))
        chosen = next((n for n in known if n in names and (n == option or n not in options)), None)
        if chosen is None and anything:
            chosen = option
        if chosen is None:
            lacking.append(option)
            continue
        given[chosen] = value
        if chosen != option:
            notes.append(f"{option} is passed as {chosen}")
    return given, notes, lacking


def spelled(options: Mapping[str, Any], names: set[str]) -> list[tuple[str, Any]]:
    """Return the options, betas as beta1 and beta2 where the candidate takes them one by one."""
    out = []
    for option, value in options.items():
        if (
            option == "betas"
            and "betas" not in names
            and names & {*ALIASES["beta1"], *ALIASES["beta2"]}
        ):
            out += [("beta1", value[0]), ("beta2", value[1])]
        else:
            out.append((option, value))
    return out


def rerate(made: Any, changed: Mapping[str, Any]) -> None:
    """Give an object another learning rate, where it has one and it changes."""
    held = (n for n in ALIASES["lr"] if isinstance(getattr(made, n, None), int | float))
    if "lr" in changed and (rate := next(held, "")):
        setattr(made, rate, changed["lr"])


STATE = ("state", "params", "parameters", "weights", "theta", "p", "net", "model")
INPUTS = ("X", "x", "inputs", "data", "batch")
TARGETS = ("Y", "y", "targets", "target", "labels", "t", "T")


def targets_first(function: Any) -> bool:
    """Tell whether the arguments of a loss are named such that the targets come first."""
    names = [p.name.lower() for p in arguments(function)]
    if names[:2] == ["t", "y"]:
        return True
    return len(names) > 1 and names[0] in TRUE and names[1] not in TRUE


TRUE = {n.lower() for n in TARGETS} | {
    "y_true", "true", "actual", "label", "truth", "ground_truth", "expected", "gt", "ytrue", "y_t",
}  # fmt: skip


def step_arguments(function: Any) -> tuple[str, str, str] | None:
    """Return the candidate's names for (state, X, Y) where it has all three; None: by position."""
    names, _ = accepted(function)
    chosen = [next((n for n in known if n in names), None) for known in (STATE, INPUTS, TARGETS)]
    return tuple(chosen) if all(chosen) else None  # type: ignore[return-value]


def call_step(
    function: Callable[..., Any], state: Any, X: Array, Y: Array, options: Mapping[str, Any]
) -> Any:
    """Call train_step by its argument names if they tell, else as train_step(state, X, Y, ...)."""
    names = step_arguments(function)
    if names is None:
        return function(state, X, Y, **options)
    return function(**{names[0]: state, names[1]: X, names[2]: Y}, **options)


def check_arguments(function: Callable[..., Any]) -> None:
    """Refuse a step that must be given more than the state and a batch; TypeError, as Python's own.

    >>> check_arguments(lambda W1, b1, W2, b2, X, Y: None)
    Traceback (most recent call last):
    ...
    TypeError: it takes W1, b1, W2, b2, X, Y; expected train_step(state, X, Y, lr=...), the state a mapping of W1, b1, ...
    """
    needed = required(function)
    if step_arguments(function) is None and len([n for n in needed if n not in OPTIONS]) > 3:
        raise TypeError(
            f"it takes {', '.join(needed)}; expected train_step(state, X, Y, lr=...), the state a "
            "mapping of W1, b1, ..."
        )


GRADIENTS = ("grads", "gradients", "grad")
GROUPS = ("params", "parameters", "weights", "biases", "cache", "result", "state")


def flattened(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return entries with those of mappings among them: grads' W1 as dW1, m's as m.W1, those of params as they are.

    Raises ValueError where two of one name differ.

    >>> sorted(flattened({"loss": 1.0, "grads": {"W1": 2.0}, "m": {"W1": 3.0}}))
    ['dW1', 'grads', 'loss', 'm', 'm.W1']
    """
    out = dict(shown)
    for group, part in shown.items():
        for name, x in flattened(part).items() if isinstance(part, Mapping) else ():
            text = str(name)
            short = f"d{text}" if group in GRADIENTS and text[:1] != "d" else text
            full = short if group in (*GRADIENTS, *GROUPS) else f"{group}.{text}"
            if full in out and not same(out[full], x):
                raise ValueError(
                    f"it shows {full} twice, once in {group}, and they differ: which is which? Name "
                    "gradients dW1, db1, ... and leave out what is not meant"
                )
            out[full] = x
    return out


def inner(shown: Mapping[str, Any]) -> set[str]:
    """Return the names of entries that stand in a mapping among them: a program finds them there again."""
    groups = {n: x for n, x in shown.items() if isinstance(x, Mapping)}
    return flattened(groups).keys() - groups.keys()


def fields_of(result: Any) -> Any:
    """Return a named tuple or a dataclass as a mapping; anything else as it is."""
    if hasattr(result, "_asdict"):
        return result._asdict()
    if is_dataclass(result) and not isinstance(result, type):
        return dict(vars(result))
    return result


def slopes(part: Mapping[str, Any], changed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return gradients under the names of gradients, where they have those of parameters that changed in place otherwise.

    >>> slopes({"W1": 2.0}, {"W1": 0.9}), slopes({"W1": 0.9}, {"W1": 0.9})
    ({'dW1': 2.0}, {'W1': 0.9})
    """
    named = part.keys() == changed.keys() and not any(same(part[n], changed[n]) for n in part)
    return {f"d{n}": x for n, x in part.items()} if named and part else part


def entries(result: Any, before: Mapping[str, Array], given: Mapping[str, Array]) -> dict[str, Any]:
    """Return what a step shows: the mapping it returns, and what it changed in place of what it was given."""
    shown: dict[str, Any] = {}
    changed = {n: x for n, x in given.items() if not (n in before and same(x, before[n]))}
    result = fields_of(result)
    several = isinstance(result, tuple | list) and any(isinstance(x, Mapping) for x in result)
    for part in result if several else [] if result is None else [result]:
        if isinstance(part, Mapping):
            part = slopes(flattened(part), changed)
            stale = {
                n for n, x in part.items() if n in shown and n in before and same(x, before[n])
            }
            part = {n: x for n, x in part.items() if n not in stale}
            if twice := shown.keys() & part.keys():
                raise ValueError(
                    f"it returned two mappings that both have {min(twice)}: which is which? "
                    "Name gradients dW1, db1, ... and return one mapping"
                )
            shown |= part
        elif part is not None and not isinstance(part, tuple | list) and np.ndim(part) == 0:
            shown["loss"] = part
        elif not several:
            raise ValueError(
                f"it returned a {type(part).__name__}; return a mapping of names to arrays such as "
                '{"Z1": Z1, "loss": loss, "dW1": dW1, "W1": W1}, or update the given state in place'
            )
    return {**flattened({n: x for n, x in changed.items() if n not in shown}), **shown}
