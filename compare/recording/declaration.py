r"""A configuration read back from JSON, with nothing in it taken on trust: one sentence for whatever is wrong."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

import numpy as np

import manual.activations
import manual.losses
import manual.optimizers
from compare.configuration import CLIPS, Configuration, parse, resolve
from compare.preparation import check_configuration
from compare.recording.container import read_json, short
from compare.recording.names import PARAMETERS, whole
from compare.traces import kind

WHAT = "the configuration"
REQUIRED = ("activations", "loss", "optimizer", "options")
LONGEST = 200  # characters of a name with its options
DEEPEST = 1000  # layers


def configured(text: str) -> Configuration:
    """Return the configuration that `Configuration.declared` gave, or a program of another language wrote.

    Raises ValueError for a field missing or unknown, a value of the wrong kind, a name or an option
    that there is not, and an option that the rule, activation or loss itself refuses.

    >>> configured('{"activations": ["identity"], "loss": "mse", "optimizer": "sgd", "options": {"lr": 1}}').title
    'identity | mse | sgd(lr=1)'
    """
    data = read_json(text, WHAT)
    if not isinstance(data, dict):
        raise ValueError(f"{WHAT} is {short(data)}; expected a JSON object with {known()}")
    for name in data:
        if name not in KINDS:
            near = get_close_matches(name, KINDS, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ValueError(f"{WHAT} has {short(name)}; {hint}It may have {known()}")
    for name in REQUIRED:
        if name not in data:
            raise ValueError(f"{WHAT} lacks {name}: {KINDS[name][1]}")
    for name, value in data.items():
        check, expected = KINDS[name]
        if not check(value):
            raise ValueError(f"{name} of {WHAT} is {short(value)}; expected {expected}")
    configuration = Configuration(**{name: frozen(value) for name, value in data.items()})
    check_configuration(configuration, "constant", "zeros")
    attempt(configuration)
    return configuration


def known() -> str:
    return ", ".join(KINDS)


def texts(x: Any) -> bool:
    return isinstance(x, list) and all(isinstance(item, str) for item in x)


def short_text(x: Any) -> bool:
    return isinstance(x, str) and 0 < len(x) <= LONGEST


def number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= 1e308


def setting(x: Any) -> bool:
    """Tell whether a value is one that an option can have: a number, true, false, null or a list of numbers."""
    return x is None or isinstance(x, bool) or number(x) or numbers(x)


def numbers(x: Any) -> bool:
    return isinstance(x, list) and len(x) <= 10 and all(map(number, x))


def settings(x: Any) -> bool:
    return isinstance(x, dict) and all(map(setting, x.values()))


def clips(x: Any) -> bool:
    return isinstance(x, dict) and len(x) == 1 and all(n in CLIPS and number(v) and v > 0 for n, v in x.items())


def normalizes(x: Any) -> bool:
    return settings(x) and x.keys() <= {"eps", "momentum"} and (
        number(x.get("eps", 1e-5)) and x.get("eps", 1e-5) > 0
        and (x.get("momentum") is None or (number(x["momentum"]) and 0 <= x["momentum"] <= 1))
    )  # fmt: skip


def parameter(name: str) -> bool:
    return kind(name) in PARAMETERS and whole(name.removeprefix(kind(name)))


def layers(x: Any) -> bool:
    return texts(x) and 0 < len(x) <= DEEPEST and all(map(short_text, x))


KINDS: Mapping[str, tuple[Any, str]] = {
    "activations": (layers, 'a list of names, one a layer, such as ["relu", "identity"]'),
    "loss": (short_text, 'a name such as "mse"'),
    "optimizer": (short_text, 'a name such as "adam"'),
    "options": (settings, 'the hyperparameters, such as {"lr": 0.01, "betas": [0.9, 0.999]}'),
    "clip": (lambda x: x is None or clips(x), 'null, {"norm": limit} or {"value": limit} above 0'),
    "batch_norm": (
        lambda x: x is None or normalizes(x),
        'null, or {} with eps above 0 and momentum from 0 to 1, or null',
    ),
    "dropout": (lambda x: number(x) and 0 <= x < 1, "a number p, 0 <= p < 1"),
    "accumulate": (
        lambda x: isinstance(x, int) and not isinstance(x, bool) and 1 <= x <= 2**31,
        "the number of micro-batches of an update, 1 or more",
    ),
    "undecayed": (
        lambda x: texts(x) and {*x} <= {*PARAMETERS},
        f"a list of kinds among {', '.join(PARAMETERS)}",
    ),
    "frozen": (lambda x: texts(x) and all(map(parameter, x)), 'a list of names such as ["W1"]'),
}
assert KINDS.keys() == {f.name for f in fields(Configuration)}


def frozen(value: Any) -> Any:
    """Return lists as tuples, which is how a configuration holds them."""
    if isinstance(value, list):
        return tuple(map(frozen, value))
    return {n: frozen(v) for n, v in value.items()} if isinstance(value, dict) else value


def attempt(c: Configuration) -> None:
    """Evaluate every function of the configuration on one number: what it refuses, is refused here."""
    one = np.ones((1, 1))
    for text in {*c.activations, c.loss, c.optimizer}:
        settled(parse(text)[1], text)
    options = dict(c.options) | ({"weight_decay": 0.0} if c.undecayed else {})
    trials = [(text, lambda text=text: resolve(manual.activations, text)(one)) for text in c.activations]
    trials.append((c.loss, lambda: resolve(manual.losses, c.loss)(one, one)))
    trials.append((c.optimizer, lambda: slots(c, options)))
    trials.append(("the stated formulas", c.formulas))
    for text, trial in trials:
        try:
            with np.errstate(all="ignore"):
                trial()
        except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise ValueError(f"{WHAT} cannot be used, in {text}: {error}") from None


def settled(options: Mapping[str, Any], text: str) -> None:
    for name, value in options.items():
        if not setting(list(value) if isinstance(value, tuple) else value):
            raise ValueError(f"{WHAT} gives {short(text)}, whose {name} is not a finite number")


def slots(c: Configuration, options: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Return the names of what the rule keeps for each parameter, by letting it step once.

    >>> slots(Configuration(optimizer="adam"))
    ('t', 'm', 'v')
    """
    one = np.ones((1, 1))
    rule = resolve(manual.optimizers, c.optimizer)
    return tuple(rule(one, one, {}, **(c.options if options is None else options))[1])


def varying(c: Configuration) -> tuple[str, ...]:
    """Return the hyperparameters of the rule that may change from step to step: those that are real numbers."""
    rule = resolve(manual.optimizers, c.optimizer)
    parameters = inspect.signature(rule).parameters.values()
    return tuple(p.name for p in parameters if isinstance(p.default, float))
