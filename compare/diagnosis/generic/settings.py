r"""An option at a value that people confuse it with: another framework's default, a swapped pair, float32."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare.diagnosis.generic.factors import constant
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.variant import Variant
from compare.formulas.stepping import Formulas

EPSILONS = (0.0, 1e-16, 1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-1, 1.0)
UNASKED = (
    1e-4,
    5e-4,
    1e-3,
    4e-3,
    5e-3,
    1e-2,
    0.05,
    0.1,
    0.5,
)  # the usual weight decays; 4e-3 is Keras'
RATES = (0.9, 0.95, 0.99, 0.999, 0.9999, 0.5)


def settings(scene: Scene) -> Iterator[Variant]:
    """Yield the rule with one of its options at a value that people confuse it with."""
    if not scene.slots:
        return
    shown = scene.last
    defaults = rule_defaults(shown.formulas)
    for option, default in defaults.items():
        value = shown.formulas.hyperparameters.get(option, default)
        for other in dict.fromkeys(confused(option, value, shown, defaults)):
            if other != value:
                yield setting(option, value, other)
    if "lr" in shown.formulas.hyperparameters:
        yield from other_rate(scene)
        yield from other_steps(scene)


DIGITS = 4  # of a number that somebody has written


def other_rate(scene: Scene) -> Iterator[Variant]:
    """Yield the rule with the learning rate that makes its update, where that is a number of few digits."""
    lr, c = float(scene.last.formulas.hyperparameters["lr"]), None
    if scene.moved and not scene.target and lr:
        c = constant(scene)
    if c is None:
        return
    other = float(f"{lr * c:.{DIGITS}g}")
    if abs(other / (lr * c) - 1.0) < 1e-6:
        yield setting("lr", lr, other)


PLAIN = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)


def written(scene: Scene) -> Iterator[Variant]:
    """Yield the rule with one of its options at any other number that people write: 0.98, 3e-7, ..."""
    if not scene.slots:
        return
    formulas = scene.last.formulas
    for option, default in rule_defaults(formulas).items():
        value = formulas.hyperparameters.get(option, default)
        if isinstance(value, float) and option != "lr":
            yield from (setting(option, value, x) for x in numerals(value) if x != value)
        elif isinstance(value, tuple) and all(isinstance(x, float) for x in value):
            others = ((k, x) for k, y in enumerate(value) for x in numerals(y) if x != y)
            yield from (setting(option, value, (*value[:k], x, *value[k + 1 :])) for k, x in others)


def numerals(like: float) -> list[float]:
    """Return plain numbers in the place of one: shares such as 0.98 for a share, small ones for a small one, for 0 both.

    >>> 0.98 in numerals(0.9), 3e-7 in numerals(1e-8), 0.85 in numerals(0.0)
    (True, True, True)
    """
    small = [float(f"{d * 10.0**-k:.2g}") for k in range(13) for d in PLAIN]
    near = [float(f"{1.0 - d * 10.0**-k:.6g}") for k in range(1, 5) for d in PLAIN]
    shares = [*near, *(k / 20 for k in range(1, 20))]
    found = shares if 0.1 < like < 1.0 else [*small, *shares] if like == 0.0 else small
    return list(dict.fromkeys(found))


def setting(option: str, value: Any, other: Any) -> Variant:
    told = f"{option}={show(other)}"
    return Variant(
        f"{told} where {option}={show(value)} was asked for",
        told,
        f"{option}={show(value)}",
        formulas=partial(relative, factor=other / value)
        if option == "lr" and value
        else partial(with_option, option=option, value=other),
        generic=True,
    )


def relative(formulas: Formulas, shown: Shown, *, factor: float) -> Formulas:
    """Return the formulas with another lr; one that changes from step to step is as much larger at each."""
    lr = float(formulas.hyperparameters["lr"])
    return with_option(formulas, shown, option="lr", value=lr * factor)


def with_option(formulas: Formulas, shown: Shown, *, option: str, value: Any) -> Formulas:
    return replace(formulas, hyperparameters={**formulas.hyperparameters, option: value})


def show(value: Any) -> str:
    """Return a value as it is written, short.

    >>> show(0.1), show((0.9, 0.999)), show(True)
    ('0.1', '(0.9, 0.999)', 'True')
    """
    if isinstance(value, tuple):
        return f"({', '.join(map(show, value))})"
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def rule_defaults(formulas: Formulas) -> dict[str, Any]:
    """Return the options of the rule with their defaults."""
    parameters = inspect.signature(formulas.rule).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def confused(option: str, value: Any, shown: Shown, defaults: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what people put in place of an option's value."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, tuple):
        yield from pairs(*value)
        yield from defaulted(value, defaults[option])
    elif isinstance(value, int | float):
        yield from numbers(option, float(value), shown)
        yield defaults[option]


def defaulted(given: Any, default: Any) -> Iterator[Any]:
    """Yield a pair's default, and the pair with one of its numbers at the default."""
    yield from (default, (default[0], given[1]), (given[0], default[1]))


def pairs(a: float, b: float) -> Iterator[tuple[float, float]]:
    yield from ((b, a), (a, a), (b, b), (1 - a, b), (a, 1 - b), (1 - a, 1 - b))
    yield from ((a, r) for r in RATES)
    yield from ((r, b) for r in RATES)
    yield float(np.float32(a)), float(np.float32(b))


def numbers(option: str, x: float, shown: Shown) -> Iterator[float]:
    yield float(np.float32(x))
    if option == "eps":
        yield from EPSILONS
        yield from (x * x, x**0.5)
        return
    if option != "lr":  # without it nothing is updated, and that has a name
        yield 0.0
    if option == "weight_decay":
        yield from UNASKED
    m, n_y = shown.X.shape[1], shown.Y.shape[0]
    lr, k = float(shown.formulas.hyperparameters.get("lr", 1.0)), shown.formulas.accumulate
    yield from (x * k, x / k)
    yield from (x * c for c in (2, 0.5, m, 1 / m, n_y, 1 / n_y, m * n_y, 1 / (m * n_y), -1, lr))
    yield from (x / c for c in (lr,) if c)
    yield x * x
    if x > 0.0:
        yield x**0.5
    if 0.0 < x < 1.0 and option != "lr":
        yield 1.0 - x
        yield from RATES


def other_steps(scene: Scene) -> Iterator[Variant]:
    """Yield the rule with the learning rate of another step: a schedule that is late, early, or not there."""
    shown = scene.last
    rates = {float(s.formulas.hyperparameters.get("lr", 0.0)) for s in (*scene.steps, *scene.after)}
    if len(rates) < 2:
        return
    for back in (1, 2, -1, -2):
        when = f"{abs(back)} step{'s' * (abs(back) > 1)} {'late' if back > 0 else 'early'}"
        yield Variant(
            f"the schedule is {when}",
            f"lr of step t {'-' if back > 0 else '+'} {abs(back)}",
            "lr of step t",
            formulas=partial(rate_of, scene=scene, back=back),
        )
    first = float(scene.steps[0].formulas.hyperparameters["lr"])
    yield Variant(
        "the learning rate is not scheduled",
        f"lr = {show(first)} at every step",
        f"lr = {show(float(shown.formulas.hyperparameters['lr']))} at this one",
        formulas=partial(with_option, option="lr", value=first),
    )


def rate_of(formulas: Formulas, shown: Shown, *, scene: Scene, back: int) -> Formulas:
    """Return the formulas with the rate of another step; its own where there is no such step."""
    other = scene.stamp(shown, back) or shown
    return with_option(formulas, shown, option="lr", value=other.formulas.hyperparameters.get("lr"))
