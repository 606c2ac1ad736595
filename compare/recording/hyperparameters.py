r"""What the functions of a configuration take and keep, found by asking them: signatures, and a step on one number."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import manual.activations
import manual.losses
import manual.optimizers
from compare.configuration import Configuration, resolve

FAILURES = (TypeError, ValueError, ArithmeticError, AttributeError)


def slots(c: Configuration, **changed: Any) -> tuple[str, ...]:
    """Return the names of what the rule keeps for each parameter, by letting it step once.

    >>> slots(Configuration(optimizer="adam"))
    ('t', 'm', 'v')
    """
    one = np.ones((1, 1))
    rule = resolve(manual.optimizers, c.optimizer)
    _, kept = rule(one, one, {}, **{**c.options, **changed})
    return tuple(kept)


def varying(c: Configuration) -> tuple[str, ...]:
    """Return the hyperparameters of the rule that may change from step to step: those that are real numbers.

    >>> varying(Configuration(optimizer="adagrad"))[:2]
    ('lr', 'lr_decay')
    """
    rule = resolve(manual.optimizers, c.optimizer)
    defaults: Mapping[str, Any] = {
        p.name: p.default for p in inspect.signature(rule).parameters.values()
    }
    return tuple(name for name, default in defaults.items() if isinstance(default, float))


def attempt(c: Configuration) -> None:
    """Try every function of the configuration on one number; ValueError tells what it refuses.

    >>> attempt(Configuration(optimizer="adam", options={"betas": (0.9, 1.0)}))
    Traceback (most recent call last):
    ...
    ValueError: adam cannot be used: betas[1] is 1.0: a decay rate must be at least 0 and below 1
    """
    for name, trial in trials(c):
        try:
            with np.errstate(all="ignore"):
                trial()
        except FAILURES as error:
            raise ValueError(f"{name} cannot be used: {error}") from None


def trials(c: Configuration) -> Iterator[tuple[str, Callable[[], Any]]]:
    one = np.ones((1, 1))
    for text in dict.fromkeys(c.activations):
        yield text, lambda text=text: resolve(manual.activations, text)(one)[1](one)  # type: ignore[misc]
    yield c.loss, lambda: resolve(manual.losses, c.loss)(one, one)[1]()
    undecayed = {"weight_decay": 0.0} if c.undecayed else {}
    yield c.optimizer, lambda: slots(c, **undecayed)
    yield "the configuration", c.formulas
