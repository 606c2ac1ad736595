r"""A configuration read back from JSON, with nothing in it taken on trust: one sentence for whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from compare.configuration import CLIPS, Configuration
from compare.options import COUNT, MOMENTUM, POSITIVE, PROBABILITY, Kind, is_number, meant
from compare.recording.container import read_json, short
from compare.recording.hyperparameters import attempt
from compare.recording.names import PARAMETERS, whole
from compare.refusals import check_configuration
from compare.traces import kind

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
    data = read_json(text, "the configuration")
    check_fields(data)
    for name, value in data.items():
        fits, expected = KINDS[name]
        if not fits(value):
            raise ValueError(f"{name} of the configuration is {short(value)}; expected {expected}")
    configuration = Configuration(**{name: frozen(value) for name, value in data.items()})
    check_configuration(configuration, "constant", "zeros")
    attempt(configuration)
    return configuration


def check_fields(data: Any) -> None:
    """Refuse what is no object, a field that there is not, and the lack of one that must be."""
    known = ", ".join(KINDS)
    if not isinstance(data, dict):
        raise ValueError(f"the configuration is {short(data)}; expected an object with {known}")
    for name in data:
        if name not in KINDS:
            hint = f"did you mean {near}? " if (near := meant(name, list(KINDS), 0.75)) else ""
            raise ValueError(f"the configuration has {short(name)}; {hint}it may have {known}")
    for name in REQUIRED:
        if name not in data:
            raise ValueError(f"the configuration lacks {name}: {KINDS[name][1]}")


def frozen(value: Any) -> Any:
    """Return lists as tuples, which is how a configuration holds them.

    >>> frozen({"betas": [0.9, 0.999]})
    {'betas': (0.9, 0.999)}
    """
    if isinstance(value, list):
        return tuple(map(frozen, value))
    return {n: frozen(v) for n, v in value.items()} if isinstance(value, dict) else value


def text(x: Any) -> bool:
    return isinstance(x, str) and 0 < len(x) <= LONGEST


def each(fits: Callable[[Any], bool], x: Any, most: int = DEEPEST) -> bool:
    return isinstance(x, list) and len(x) <= most and all(map(fits, x))


def setting(x: Any) -> bool:
    return x is None or isinstance(x, bool) or is_number(x) or each(is_number, x, most=10)


def settings(x: Any) -> bool:
    return isinstance(x, dict) and all(map(setting, x.values()))


def clips(x: Any) -> bool:
    return (
        settings(x)
        and len(x) == 1
        and x.keys() <= CLIPS.keys()
        and all(map(POSITIVE[0], x.values()))
    )


def normalizes(x: Any) -> bool:
    known = settings(x) and x.keys() <= {"eps", "momentum"}
    return known and POSITIVE[0](x.get("eps", 1e-5)) and MOMENTUM[0](x.get("momentum"))


def parameter(x: Any) -> bool:
    return text(x) and kind(x) in PARAMETERS and whole(x.removeprefix(kind(x)))


NAMES = 'a list of names, one a layer, such as ["relu", "identity"]'
KINDS: Mapping[str, Kind] = {
    "activations": (lambda x: x != [] and each(text, x), NAMES),
    "loss": (text, 'a name such as "mse"'),
    "optimizer": (text, 'a name such as "adam"'),
    "options": (settings, 'hyperparameters, such as {"lr": 0.01, "betas": [0.9, 0.999]}'),
    "clip": (lambda x: x is None or clips(x), 'null, {"norm": limit} or {"value": limit} above 0'),
    "batch_norm": (
        lambda x: x is None or normalizes(x),
        'null, or {"eps": above 0, "momentum": from 0 to 1 or null}',
    ),
    "dropout": PROBABILITY,
    "accumulate": COUNT,
    "undecayed": (lambda x: each(PARAMETERS.__contains__, x), f"a list of {', '.join(PARAMETERS)}"),
    "frozen": (lambda x: each(parameter, x), 'a list of parameters, such as ["W1"]'),
}
