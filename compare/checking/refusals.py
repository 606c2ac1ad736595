r"""What cannot be meant is refused before anything of a candidate is run: ValueError, one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import manual.activations
import manual.losses
import manual.optimizers
from compare.configuration import Configuration, parse
from compare.options import COUNT, MOMENTUM, POSITIVE, PROBABILITY, Kind, check_options

MODULES = {"activation": manual.activations, "loss": manual.losses, "rule": manual.optimizers}
ONE, HALF, LABELS = np.ones((1, 1)), np.full((2, 1), 0.5), np.array([[1.0], [0.0]])


SETTINGS: Mapping[str, Kind] = {
    **dict.fromkeys(("clip", "clip_norm", "clip_value"), POSITIVE),
    "dropout": PROBABILITY,
    "accumulate": COUNT,
    "bn_eps": POSITIVE,
    "bn_momentum": MOMENTUM,
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
