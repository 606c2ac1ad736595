r"""Options given as text: `name=value` read, and what a function does not take refused in one sentence."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from types import ModuleType
from typing import Any


def assigned(pairs: Sequence[str]) -> dict[str, Any]:
    """Read options such as `momentum=0.9`, `nesterov=true`, `betas=(0.9,0.99)`.

    >>> assigned(["momentum=0.9", "nesterov=true"])
    {'momentum': 0.9, 'nesterov': True}
    """
    options = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"cannot read option {pair!r}; write NAME=VALUE, as in momentum=0.9")
        if name in options:
            raise ValueError(f"option {name} is given twice; give it once")
        options[name] = value(name, text)
    return options


def value(name: str, text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return floats(ast.literal_eval(text))
    except (SyntaxError, ValueError):
        raise ValueError(
            f"option {name} got {text!r}; expected a number, true, false, none or (a, b)"
        ) from None


def split(text: str, at: str = ",") -> list[str]:
    """Return the parts of a list, split at the commas, or another sign, that stand in no brackets.

    >>> split("elu(alpha=1.7), relu")
    ['elu(alpha=1.7)', 'relu']
    """
    depth, parts = 0, [""]
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == at and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def whole_numbers(text: str, refusal: str, *, fewest: int = 1) -> tuple[int, ...]:
    """Return the whole numbers above 0 of a list with commas, or refuse it.

    >>> whole_numbers("16, 8", "write 8, or 16,8")
    (16, 8)
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) < fewest or not all(p.isdecimal() and int(p) for p in parts):
        raise ValueError(refusal)
    return tuple(map(int, parts))


def floats(x: Any) -> Any:
    """Return a pair of numbers as a pair of floats, which torch insists on; anything else as it is.

    >>> floats((0, 1)), floats(3)
    ((0.0, 1.0), 3)
    """
    return tuple(map(float, x)) if is_pair(x) else x


def known_function(module: ModuleType, name: str, what: str) -> Any:
    """Return the function `name` that a package offers, or refuse with the names there are."""
    names = module.__all__
    if name in names:
        return getattr(module, name)
    hint = f"did you mean {near}? There" if (near := meant(name, names)) else "there"
    raise ValueError(f"unknown {what} {name!r}; {hint} are {', '.join(names)}")


SYNONYMS: Mapping[str, str] = {
    "linear": "identity", "none": "identity", "swish": "silu", "logistic": "sigmoid", "expit": "sigmoid",
    "mae": "l1", "meansquarederror": "mse", "meanabsoluteerror": "l1", "binarycrossentropy": "bce",
    "categoricalcrossentropy": "cross_entropy", "nll": "cross_entropy", "logloss": "bce",
    "gradientdescent": "sgd", "gd": "sgd", "nesterov": "momentum",
    "learningrate": "lr", "eta": "lr", "stepsize": "lr", "epsilon": "eps", "wd": "weight_decay",
    "l2": "weight_decay", "mu": "momentum", "beta": "momentum", "beta1": "betas", "beta2": "betas",
    "rho": "alpha", "alpha": "negative_slope", "slope": "negative_slope",
}  # fmt: skip


def meant(name: str, names: Sequence[str], cutoff: float = 0.6) -> str:
    """Return the name that is probably meant; "" where none is near.

    >>> meant("BCEWithLogitsLoss", ["bce", "bce_with_logits"]), meant("Swish", ["relu", "silu"])
    ('bce_with_logits', 'silu')
    """
    alike = {bare(n): n for n in names}
    word = bare(name)
    if other := SYNONYMS.get(word, SYNONYMS.get(word.removesuffix("loss"), "")):
        word = bare(other)
    found = alike.get(word, alike.get(word.removesuffix("loss"), ""))
    return found or next(iter(get_close_matches(name, names, 1, cutoff)), "")


def bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def check_dtype(dtype: str) -> None:
    """Refuse a type that no formula is stated for."""
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype {dtype!r} is not known; choose float64 or float32")


def check_options(function: Any, options: Mapping[str, Any], what: str) -> None:
    """Refuse an option that a rule, activation, loss or schedule does not have, and a value of the wrong kind."""
    signature = inspect.signature(function).parameters.values()
    takes = {p.name: p.annotation for p in signature if p.kind is p.KEYWORD_ONLY}
    for name, given in options.items():
        if name not in takes:
            hint = f"did you mean {near}? It" if (near := meant(name, list(takes), 0.75)) else "it"
            raise ValueError(
                f"{what} has no option {name!r}; {hint} has {', '.join(takes) or 'none'}"
            )
        fits, expected = KINDS.get(takes[name], (lambda x: True, ""))
        if not fits(given):
            raise ValueError(f"{what} got {name}={given!r}; expected {expected}")


def is_number(x: Any) -> bool:
    return (
        isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= sys.float_info.max
    )  # also of a whole number beyond it


def is_pair(x: Any) -> bool:
    return isinstance(x, tuple | list) and len(x) == 2 and all(map(is_number, x))


def above_zero(x: Any) -> bool:
    return is_number(x) and x > 0.0


def share(x: Any) -> bool:
    return is_number(x) and 0.0 <= x <= 1.0


Kind = tuple[Callable[[Any], bool], str]  # whether a value can be meant, and what is expected
POSITIVE: Kind = (above_zero, "a number above 0")
PROBABILITY: Kind = (lambda x: share(x) and x < 1.0, "a number p, 0 <= p < 1")
COUNT: Kind = (
    lambda x: isinstance(x, int) and above_zero(x) and x <= 2**31, "a whole number, 1 or more",
)  # fmt: skip
MOMENTUM: Kind = (lambda x: x is None or share(x), "a number from 0 to 1, or none")
KINDS: Mapping[str, Kind] = {
    "float": (is_number, "a finite number"),
    "float | None": (lambda x: x is None or is_number(x), "a finite number or none"),
    "int": (lambda x: is_number(x) and isinstance(x, int), "a whole number"),
    "bool": (lambda x: isinstance(x, bool), "true or false"),
    "str": (lambda x: isinstance(x, str), "a word in quotes"),
    "tuple[float, float]": (is_pair, "two finite numbers, as in (0.9, 0.999)"),
}
