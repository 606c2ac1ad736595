r"""Calling what is handed over: whatever its form, as long as that is unambiguous; what was adapted is said."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

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

    >>> import numpy as np
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
HELD = (
    "params",
    "parameters",
)  # what an optimiser may call the parameters it is made of, and holds
