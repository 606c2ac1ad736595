r"""Mistakes of the update rules: each family of rules once, with a switch for every choice that varies.

A switch at its first value is the right formula; a mistake is one switch turned. The families have
the contract of `compare.formulas.optimizers`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare.diagnosis.generic.settings import UNASKED, rule_defaults
from compare.diagnosis.rules import (
    adadelta,
    adagrad,
    adam,
    adamax,
    nadam,
    radam,
    rmsprop,
    rprop,
    sgd,
)
from compare.diagnosis.rules.mistake import ASCENTS, FALLING, Mistake, Rule, decays, decoupled
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.variant import Variant, plain
from compare.formulas import optimizers
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.stepping import Formulas

FAMILIES: Mapping[str, tuple[Rule, Sequence[Mistake]]] = {
    "sgd": (sgd.sgd, sgd.MISTAKES),
    "momentum": (sgd.sgd, sgd.MISTAKES),
    "adagrad": (adagrad.adagrad, adagrad.MISTAKES),
    "rmsprop": (rmsprop.rmsprop, rmsprop.MISTAKES),
    "rmsprop_eps_inside": (rmsprop.rmsprop_eps_inside, rmsprop.EPS_INSIDE),
    "adadelta": (adadelta.adadelta, adadelta.MISTAKES),
    "adam": (adam.adam, adam.MISTAKES),
    "adamw": (adam.adam, adam.MISTAKES),
    "adamax": (adamax.adamax, adamax.MISTAKES),
    "nadam": (nadam.nadam, nadam.MISTAKES),
    "radam": (radam.radam, radam.MISTAKES),
    "rprop": (rprop.rprop, rprop.MISTAKES),
}
UNCOUNTED = ("sgd", "momentum", "rmsprop_eps_inside")  # rules that keep no step number


def counted_on(s: Shown) -> Mapping[str, Tracked]:
    """Return the counter of each parameter before its step, where all count in one."""
    names = s.parameters
    before = {**{n: s.then(n) for n in s.state if n.startswith("t.")}, **s.carried}
    last = before.get(f"t.{names[-1]}")
    zero = exact(np.zeros(()), s.X.dtype)
    return {f"t.{n}": (zero if last is None else last) + float(k) for k, n in enumerate(names)}


def mistakes(scene: Scene) -> Iterator[Variant]:
    """Yield the mistakes that the rule of this scene can have, where its options let them show."""
    if not scene.slots:
        return
    formulas = scene.last.formulas
    options = rule_defaults(formulas) | dict(formulas.hyperparameters)
    rule, known = FAMILIES[formulas.rule.__name__]
    yield from counters(scene)
    if "weight_decay" in options:
        yield from undecayed(formulas) if options["weight_decay"] else unasked()
    rates = FALLING if formulas.rule.__name__ not in UNCOUNTED else ()
    yield from others(formulas)
    for mistake in (*known, *decays(decoupled=decoupled(scene)), *ASCENTS, *rates):
        if mistake.shows(options):
            yield mistake.variant(rule)


def others(formulas: Formulas) -> Iterator[Variant]:
    """Yield another rule in place of this one, with the options that both have, its own at their defaults."""
    name = formulas.rule.__name__
    for other in FAMILIES:
        rule = getattr(optimizers, other)
        taken = inspect.signature(rule).parameters
        options = {n: x for n, x in formulas.hyperparameters.items() if n in taken}
        if FAMILIES[other][0] is not FAMILIES[name][0]:  # else an option tells them apart
            yield Variant(f"{other} in place of {name}", other, name,
                          formulas=partial(ruled, rule=rule, options=options))  # fmt: skip


def ruled(formulas: Formulas, shown: Shown, *, rule: Rule, options: Mapping[str, Any]) -> Formulas:
    lr = formulas.hyperparameters.get("lr", 0.01)
    return replace(formulas, rule=rule, hyperparameters={"lr": lr, **options})


def undecayed(formulas: Formulas) -> Iterator[Variant]:
    """Yield the kinds of parameters that weight decay is applied to, otherwise than asked."""
    kinds = {
        "the biases": ("b",),
        "biases, gamma and beta": ("b", "gamma", "beta"),
        "the weights": ("W",),
    }
    right = (
        "every parameter" if not formulas.undecayed else f"all but {', '.join(formulas.undecayed)}"
    )
    source = "many training scripts; torch.optim decays every parameter of its group"
    for what, spared in (kinds | {"nothing": ()}).items():
        if set(spared) != set(formulas.undecayed):
            name = f"weight decay is left out of {what}" if spared else "every parameter is decayed"
            yield Variant(name, f"weight decay of all but {what}", right, source,
                          formulas=partial(sparing, kinds=spared))  # fmt: skip


def unasked() -> Iterator[Variant]:
    """Yield weight decay of the weights alone where none was asked for."""
    for amount in UNASKED:
        yield Variant(f"weight decay of the weights by {amount:g}, though none was asked for",
                      f"g + {amount:g} * W", "g", formulas=partial(decaying, amount=amount))  # fmt: skip


def decaying(formulas: Formulas, shown: Shown, *, amount: float) -> Formulas:
    options = {**formulas.hyperparameters, "weight_decay": amount}
    return replace(formulas, hyperparameters=options, undecayed=("b", "gamma", "beta"))


def sparing(formulas: Formulas, shown: Shown, *, kinds: tuple[str, ...]) -> Formulas:
    return replace(formulas, undecayed=kinds)


def counters(scene: Scene) -> Iterator[Variant]:
    """Yield one step counter for all parameters, counted once for each of them."""
    names = scene.last.parameters
    if scene.kind != "t":
        if scene.last.formulas.rule.__name__ not in UNCOUNTED and scene.origin != f"t.{names[0]}":
            yield Variant("the step counter is shared, and counted once a parameter",
                          "t = t + 1 inside the loop over the parameters", "t = t + 1 once a step",
                          then=counted_on)  # fmt: skip
        return
    place, shared = float(names.index(scene.entry.removeprefix("t.")) + 1), f"t.{names[-1]}"
    yield plain(
        "the step counter is shared, and counted once a parameter",
        lambda r, s: (r.before(shared) if r.has(shared) else 0.0 * s.then(names[0]).sum()) + place,
        "t = t + 1 inside the loop over the parameters",
        "t = t + 1 once a step",
    )
    yield plain("the step counter stays at 1", lambda r, s: 0.0 * s.now(scene.entry) + 1.0,
                "t = 1", "t = t + 1", source="a state made anew at every step")  # fmt: skip
