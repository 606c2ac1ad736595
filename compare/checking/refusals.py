r"""What cannot be meant is refused before anything of a candidate is run: ValueError, one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import manual.activations
import manual.losses
import manual.optimizers
from compare.configuration import Configuration, parse
from compare.options import check_options, is_number

MODULES = {"activation": manual.activations, "loss": manual.losses, "rule": manual.optimizers}
ONE, HALF, LABELS = np.ones((1, 1)), np.full((2, 1), 0.5), np.array([[1.0], [0.0]])


def above_zero(x: Any) -> bool:
    return is_number(x) and x > 0.0


def share(x: Any) -> bool:
    return is_number(x) and 0.0 <= x <= 1.0


SETTINGS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("clip", "clip_norm", "clip_value"), (above_zero, "a number above 0")),
    "dropout": (lambda x: share(x) and x < 1.0, "a number p, 0 <= p < 1"),
    "accumulate": (lambda x: isinstance(x, int) and above_zero(x), "a whole number, 1 or more"),
    "bn_eps": (above_zero, "a number above 0"),
    "bn_momentum": (lambda x: x is None or share(x), "a number from 0 to 1, or none"),
}


def check_setting(option: str, given: Any) -> None:
    """Refuse a value that an option of the step, not of its rule, cannot have.

    >>> check_setting("dropout", 2)
    Traceback (most recent call last):
    ...
    ValueError: dropout is 2; expected a number p, 0 <= p < 1
    """
    fits, expected = SETTINGS.get(option, (lambda x: False, ""))
    if not expected:
        known = ", ".join(n for n in SETTINGS if n.startswith("bn_"))
        raise ValueError(f"batch norm has no option {option!r}; write one of {known}")
    if not fits(given):
        raise ValueError(f"{option} is {given!r}; expected {expected}")


def check_function(what: str, name: str, options: Mapping[str, Any]) -> None:
    """Refuse an option that an activation, loss or rule does not have, or a value that it cannot take.

    >>> check_function("rule", "adam", {"betas": (0.9, 1.5)})
    Traceback (most recent call last):
    ...
    ValueError: betas[1] is 1.5: a decay rate must be at least 0 and below 1
    """
    function = getattr(MODULES[what], name)
    check_options(function, options, f"{'optimizer' if what == 'rule' else what} {name}")
    if what == "activation":
        function(ONE, **options)
    elif what == "loss":
        function(HALF, LABELS, **options)
    else:
        function(ONE, ONE, {}, **{"lr": 0.01, **options})


def check_step(c: Configuration) -> None:
    """Refuse a training step whose parts have options that they cannot have."""
    for text in c.activations:
        check_function("activation", *parse(text))
    check_function("loss", *parse(c.loss))
    check_function("rule", c.optimizer, c.options)


def check_sizes(c: Configuration, sizes: Sequence[int] | None) -> None:
    """Refuse sizes that are not those of the net's layers, input and output."""
    needed = len(c.activations) + 1
    if sizes is not None and len(sizes) != needed:
        raise ValueError(
            f"sizes are {', '.join(map(str, sizes))}, {len(sizes)} numbers; a net of {needed - 1} "
            f"layers has {needed}: n_x, n_1, ..., n_y"
        )
