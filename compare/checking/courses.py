r"""What a rule is run on: sequences of gradients, a rate that falls, its options one and two at a time."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, cycle
from typing import Any

from compare.checking.calling import options_for
from compare.formulas import optimizers
from compare.traces import Array

VARIED: Mapping[str, Any] = {  # tried alone and two at a time, where the candidate has the options
    "lr": 0.1,
    "momentum": 0.9,
    "dampening": 0.3,
    "nesterov": True,
    "weight_decay": 0.1,
    "betas": (0.8, 0.9),
    "alpha": 0.9,
    "rho": 0.7,
    "eps": 1e-3,
    "amsgrad": True,
    "centered": True,
    "lr_decay": 0.1,
    "initial_accumulator_value": 0.1,
    "momentum_decay": 0.1,
    "etas": (0.4, 1.3),
    "step_sizes": (5e-3, 2e-2),
    "decoupled_weight_decay": True,
    "maximize": True,
}
FALLING = (1.0, 0.5, 0.1)


@dataclass(frozen=True)
class Course:
    """A sequence of gradients, and the share of lr at its steps, again and again; None: lr is not given anew."""

    case: str
    gradients: Sequence[Array]
    shares: Sequence[float] | None = None

    def changed(self, lr: float) -> list[dict[str, Any]]:
        """Return the options that change, of each step."""
        if self.shares is None:
            return [{} for _ in self.gradients]
        return [{"lr": lr * c} for c, _ in zip(cycle(self.shares), self.gradients)]


def courses(runs: Mapping[str, list[Array]], *, falls: bool) -> Iterator[Course]:
    """Yield the sequences of gradients; the first with a learning rate that falls, too, if it `falls`."""
    for case, grads in runs.items():
        yield Course(case, grads)
        if falls:
            yield Course(f"{case}, a falling learning rate", grads, FALLING)
            falls = False


def variations(rule: Any, known: str, base: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the options with one or two of them varied, where rule and formula both have them."""
    if not callable(rule):
        return
    has = {
        p.name
        for p in inspect.signature(getattr(optimizers, known)).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }
    varied = [
        {option: value}
        for option, value in VARIED.items()
        if option in has
        and not options_for(rule, {option: value}, known)[2]
        and base.get(option) != value
    ]
    for one in varied:
        yield from possible({**base, **one})
    for one, other in combinations(varied, 2):
        yield from possible({**base, **one, **other})


def possible(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the options as torch takes them: Nesterov's momentum needs some, and no dampening."""
    if options.get("nesterov"):
        options = {"momentum": 0.9, **options}
    if not (options.get("nesterov") and (options.get("dampening") or not options["momentum"])):
        yield options
