r"""What may vary in a sweep: each axis, how its values are read, and the value it has where nobody names it."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

import manual.activations
import manual.initialization
import manual.losses
import manual.optimizers
from compare.configuration import parse
from compare.options import check_options, known_function

Reader = Callable[[Any], Any]
FAILURES = (ValueError, TypeError, ArithmeticError)
LONGEST = 200  # characters of a name with its options
HALF, ONE_HOT = np.full((2, 1), 0.5), np.array([[1.0], [0.0]])


@dataclass(frozen=True)
class Axis:
    """One axis: `read` turns what was written, text or a TOML value, into the one way of writing it."""

    read: Reader
    default: Any


def spelled(name: str, options: Mapping[str, Any]) -> str:
    """Return a name with its options in one way of writing.

    >>> spelled("adam", {"eps": 1e-3, "betas": [0.5, 0.9]})
    'adam(betas=(0.5, 0.9), eps=0.001)'
    """
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in sorted(options.items())}
    written = ", ".join(f"{k}={v!r}" for k, v in plain.items())
    return f"{name}({written})" if written else name


def parsed(text: Any) -> tuple[str, dict[str, Any]]:
    """Return the name and options in `text`; ValueError where it is too long or cannot be read."""
    if not isinstance(text, str) or len(text) > LONGEST:
        raise ValueError("expected a name, or name(option=value), in quotes")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a doubtful literal is no literal
        return parse(text)


def named(module: ModuleType, what: str, attempt: Callable[..., Any]) -> Reader:
    """Return the reader of functions of `module`; `attempt` calls one, so that it can refuse its options."""

    def read(text: Any) -> str:
        name, options = parsed(text)
        function = known_function(module, name, what)
        check_options(function, options, f"{what} {name}")
        tried(lambda: attempt(function, **options))
        return spelled(name, options)

    return read


def scheme(text: Any) -> str:
    """Read an initialiser."""
    name, options = parsed(text)
    initialize = manual.initialization.initialize
    tried(lambda: initialize((2, 2), scheme=name, seed=0, options=options))
    return spelled(name, options)


def tried(attempt: Callable[[], Any]) -> None:
    with np.errstate(all="ignore"):
        try:
            attempt()
        except FAILURES as error:
            raise ValueError(str(error)) from None


def output(text: Any) -> str:
    """Read an output activation; auto is what the loss takes."""
    return "auto" if text == "auto" else str(ACTIVATION(text))


def whole(low: int, high: int) -> Reader:
    """Return the reader of whole numbers in a range.

    >>> whole(1, 9)("7")
    7
    """

    def read(x: Any) -> int:
        n = int(x) if isinstance(x, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", x) else x
        if not isinstance(n, int) or isinstance(n, bool) or not low <= n <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return n

    return read


def number(low: float, high: float, expected: str) -> Reader:
    """Return the reader of numbers in [low, high).

    >>> number(0.0, 1.0, "a probability")("0.5")
    0.5
    """

    def read(x: Any) -> float:
        try:
            value = math.nan if isinstance(x, bool) else float(x)
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if not low <= value < high:
            raise ValueError(f"expected {expected}")
        return value

    return read


def one_of(*values: Any) -> Reader:
    """Return the reader of one of the values."""

    def read(x: Any) -> Any:
        if isinstance(x, str) and x in values:
            return x
        raise ValueError(f"expected one of {', '.join(values)}")

    return read


def switch(x: Any) -> bool:
    """Read true or false.

    >>> switch("on"), switch(False)
    (True, False)
    """
    words = {"true": True, "on": True, "false": False, "off": False}
    found = words.get(x.strip().lower()) if isinstance(x, str) else x
    if not isinstance(found, bool):
        raise ValueError("expected true or false")
    return found


def clip(x: Any) -> str:
    """Read how gradients are clipped.

    >>> clip("norm 1"), clip("none")
    ('norm 1.0', 'none')
    """
    if x == "none":
        return "none"
    kind, _, limit = x.strip().partition(" ") if isinstance(x, str) else ("", "", "")
    try:
        value = POSITIVE(limit)
    except ValueError:
        value = 0.0
    if kind not in ("norm", "value") or not value:
        raise ValueError('expected "none", "norm 1.0" or "value 0.5", with a number above 0')
    return f"{kind} {value!r}"


def hidden(x: Any) -> str:
    """Read hidden widths.

    >>> hidden("16, 8"), hidden("none")
    ('16,8', 'none')
    """
    parts = x.split(",") if isinstance(x, str) else [x]
    try:
        return "none" if x == "none" else ",".join(str(WIDTH(part)) for part in parts)
    except ValueError:
        raise ValueError('expected widths such as "8" or "16,8", or "none"') from None


def batch_size(x: Any) -> int | str:
    """Read a batch size; full is all examples at once."""
    try:
        return "full" if x == "full" else int(whole(1, 10**6)(x))
    except ValueError:
        raise ValueError('expected a whole number from 1 to 1000000, or "full"') from None


def loss_attempt(f: Callable[..., Any], **options: Any) -> None:
    f(HALF, ONE_HOT, **options)


def rule_attempt(f: Callable[..., Any], **options: Any) -> None:
    f(np.ones(1), np.ones(1), {}, **options)


ACTIVATION = named(manual.activations, "activation", lambda f, **options: f(HALF, **options))
POSITIVE = number(5e-324, math.inf, "a finite number above 0")
WIDTH = whole(1, 16384)
DATA = ("random", "wine-sample", "wine-red", "wine-white", "diabetes", "breast-cancer")
AXES: Mapping[str, Axis] = {
    "activation": Axis(ACTIVATION, "relu"),
    "output": Axis(output, "auto"),
    "loss": Axis(named(manual.losses, "loss", loss_attempt), "mse"),
    "optimizer": Axis(named(manual.optimizers, "optimizer", rule_attempt), "adam"),
    "lr": Axis(number(0.0, math.inf, "a finite number, at least 0"), 0.01),
    "init": Axis(scheme, "linear_default"),
    "clip": Axis(clip, "none"),
    "batch_norm": Axis(switch, False),
    "dropout": Axis(number(0.0, 1.0, "a probability, 0 <= p < 1"), 0.0),
    "accumulate": Axis(whole(1, 1000), 1),
    "hidden": Axis(hidden, "8"),
    "depth": Axis(whole(0, 64), 1),
    "width": Axis(WIDTH, 8),
    "data": Axis(one_of(*DATA), "random"),
    "inputs": Axis(whole(1, 16384), 11),
    "outputs": Axis(whole(1, 16384), 1),
    "examples": Axis(whole(1, 10**6), 32),
    "batch_size": Axis(batch_size, "full"),
    "dtype": Axis(one_of("float64", "float32"), "float64"),
    "seed": Axis(whole(0, 2**32 - 1), 0),
    "steps": Axis(whole(1, 10**6), 100),
}
SHAPES = ("depth", "width")  # another way to say hidden
COUNTED = ("accumulate", "depth", "width", "inputs", "outputs", "examples", "seed", "steps")


def values(name: str, written: Any) -> Sequence[Any]:
    """Return the values that one entry of a list stands for: itself, or a range such as "0..9".

    >>> values("seed", "0..9"), values("seed", 3)
    (range(0, 10), [3])
    """
    first, dots, last = written.partition("..") if isinstance(written, str) else ("", "", "")
    if name not in COUNTED or not dots:
        return [AXES[name].read(written)]
    low, high = AXES[name].read(first), AXES[name].read(last)
    if low > high:
        raise ValueError(f"expected the smaller number first, as in {high}..{low}")
    return range(low, high + 1)
