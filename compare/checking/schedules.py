r"""Checking a learning-rate schedule: its rate at each step, beside that of torch's scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from math import inf
from typing import Any

import numpy as np

import manual.schedules
from compare.checking import tensors
from compare.checking.calling import arguments, options_for
from compare.checking.likeness import SCHEDULES, single
from compare.checking.operations import bare
from compare.checking.rates import FORMS
from compare.checking.steps import passed
from compare.checking.verdict import Verdict
from compare.configuration import resolve
from compare.diagnosis import Explained, Scene, Shown, Variant, diagnose
from compare.distances import Distance
from compare.divergence import Divergence
from compare.tolerances import EPSILON, rate_limit

LEAST, MOST, LR = 60, 20_000, 0.1  # steps; the rate
SPANS = 4  # of the longest that an option counts: whether it starts anew shows after some
NEAR = 1e-12, 1e-15
ONE = np.ones((1, 1))


def check_schedule(
    function: Any, like: str, *, steps: int | None = None, name: str = "", **options: Any
) -> Verdict:
    r"""Check a schedule `f(k, lr=..., ...)`, the rate of step k from 0 on; raise Wrong where it differs from torch's.

    Options are passed by the names that the function has for them; what it does not take must be its
    own. Rates may be apart by the roundings of a recurrence.

    Args:
        function: the schedule, or the class of a scheduler as torch has them.
        like: such as "exponential(gamma=0.9)", "cosine(T_max=50) lr=0.1"; lr is 0.1 if not given.
        steps: how many steps are asked for; if not given, 60 or four times the longest span (T_max,
            step_size, ...), whichever is more, at most 20,000.
    """
    return passed(examine_schedule(function, like, steps=steps, name=name, **options))


def examine_schedule(
    function: Any, like: str, *, steps: int | None = None, name: str = "", **options: Any
) -> Verdict:
    """Return the verdict on a schedule, whatever it is."""
    known, given = single(like)
    if known not in SCHEDULES:
        raise ValueError(f"unknown schedule {known!r}; there are {', '.join(SCHEDULES)}")
    given = {"lr": LR, **given, **options}
    steps = enough(given) if steps is None else steps
    steps = min(steps, given.get("total_steps", steps))  # of a cycle there are no more
    if steps < 1:
        raise ValueError(f"steps is {steps}; expected at least 1")
    subject = name or getattr(function, "__name__", type(function).__name__)
    function = tensors.schedule(function)
    verdict = Verdict(subject, f"the schedule {known} as in PyTorch")
    if not callable(function):
        return replace(verdict, error="it is no function of the step; hand over f(k, lr=...)")
    right, theirs = expected(known, given, steps)
    passed_on, notes, lacking = options_for(function, given)
    notes += [f"it takes no {n}: its own must be {given[n]}" for n in lacking]
    verdict = replace(verdict, notes=tuple(notes))
    others = confused(known, given, steps)
    try:
        at = counter(function, passed_on)
        asked = (lambda k, **o: function(**{at: k}, **o)) if at else function
        mine = rates(asked, passed_on, steps)
    except Exception as error:
        return verdict.stopped("steps from 0 on", error)
    return judged(verdict, mine, right, theirs, others)


def enough(given: dict[str, Any]) -> int:
    """Return how many steps show all of a schedule.

    >>> enough({"lr": 0.1, "gamma": 0.9}), enough({"step_size": 30})
    (60, 120)
    """
    spans = [x for n, x in given.items() if n != "lr" and type(x) is int]
    return min(max(LEAST, SPANS * max(spans, default=0)), MOST)


def counter(function: Any, passed_on: dict[str, Any]) -> str:
    """Return the name of the argument that counts the steps, where it is not the first; "" where it is, or is not known.

    >>> counter(lambda lr, epoch: lr, {"lr": 0.1}), counter(lambda k, lr: lr, {"lr": 0.1})
    ('epoch', '')
    """
    names = [p.name for p in arguments(function)]
    left = [n for n in names if n not in passed_on]
    return left[0] if left and names[0] in passed_on else ""


def expected(known: str, given: dict[str, Any], steps: int) -> tuple[list[float], list[float]]:
    """Return the rates by hand and by torch; ValueError where there are none for an option, or a step."""
    import reference.schedules

    try:
        sides = [resolve(p, known) for p in (manual.schedules, reference.schedules)]
        mine, theirs = (rates(rate, given, steps) for rate in sides)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"schedule {known} cannot be used so: {error}") from None
    return mine, theirs


def confused(
    known: str, given: dict[str, Any], steps: int
) -> Iterator[tuple[Variant, list[float]]]:
    """Yield the schedule with one of its options misread, and in other forms, each with its rates."""
    for variant, rate, options in chain(misread(known, given), misshaped(known, given)):
        with suppress(TypeError, ValueError, ArithmeticError):
            yield variant, rates(rate, options, steps)


Confusion = tuple[Variant, Callable[..., Any], dict[str, Any]]


def misread(known: str, given: dict[str, Any]) -> Iterator[Confusion]:
    """Yield the schedule with one of its options misread, and its options then."""
    rate = resolve(manual.schedules, known)
    for option, value in given.items():
        for other in misreadings(value):
            told, asked = f"{option}={other:g}", f"{option}={value:g}"
            variant = Variant(f"{told} where {asked} was asked for", told, asked)
            yield variant, rate, {**given, option: other}


def misshaped(known: str, given: dict[str, Any]) -> Iterator[Confusion]:
    """Yield other forms of the schedule."""
    for name, rate in FORMS.get(known, {}).items():
        yield Variant(name), rate, given


def rates(rate: Callable[..., Any], options: dict[str, Any], steps: int) -> list[float]:
    """Return the rate of every step."""
    return [float(rate(k, **options)) for k in range(steps)]


def misreadings(value: Any) -> list[Any]:
    """Return what people put in place of an option's value.

    >>> misreadings(30)
    [29, 31, 60, 15]
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return []
    if isinstance(value, int):
        return [value - 1, value + 1, 2 * value, value // 2]
    factors = (0.1, 0.5, 2.0, 10.0)
    return [
        1.0 - value,
        value * value,
        *([value**0.5] if value > 0.0 else []),
        *(c * value for c in factors),
    ]


def judged(
    verdict: Verdict,
    mine: list[float],
    right: list[float],
    theirs: list[float],
    others: Iterator[tuple[Variant, list[float]]],
) -> Verdict:
    """Return the verdict on rates beside the right ones; `others` are those of options misread."""
    apart = [distance(x, r, right[0]) for x, r in zip(mine, right, strict=True)]
    k = next((k for k, d in enumerate(apart) if not d.ratio <= rate_limit(k) / EPSILON), None)
    verdict = replace(verdict, shown=("lr",), arrays=len(mine) if k is None else k + 1)
    if k is None:
        return verdict
    shown = [rated(x, r) for x, r in zip(mine, right, strict=True)]
    scene = Scene(tuple(shown[: k + 1]), "lr", after=tuple(shown[k + 1 :]))
    limit = rate_limit(k) / EPSILON
    before = (f"the {'rates' if k > 1 else 'rate'} of {k} step{'s' * (k > 1)} before",) if k else ()
    found = Divergence(k, "lr", "formula", apart[k], limit, theirs[k], before, (), verdict.subject)
    case = f"{len(mine)} steps"
    d = diagnose(scene)
    if not d.named:
        alike = [Explained(v, inf, 0.0) for v, rates in others if np.allclose(mine, rates, *NEAR)]
        d = replace(d, named=tuple(alike))
    return replace(verdict, divergence=found, diagnosis=d, scene=scene, case=case)


def distance(x: float, right: float, first: float) -> Distance:
    """Return how far a rate is from the right one, in roundings of the larger of it and the first."""
    unit = EPSILON * max(abs(right), abs(first))
    apart = abs(x - right)
    ratio = apart / unit if unit else np.inf if apart else 0.0
    return Distance(ratio, (), x, right, unit, 1)


def rated(mine: float, right: float) -> Shown:
    return Shown({"lr": np.array(mine)}, {}, ONE, ONE, bare(hyperparameters={"lr": right}))
