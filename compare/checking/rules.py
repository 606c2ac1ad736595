r"""Checking an optimiser: its own update, step by step, from its own state."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.checking import tensors
from compare.checking.calling import options_for
from compare.checking.courses import Course, courses, variations
from compare.checking.elsewhere import Run, told_apart
from compare.checking.examination import examine
from compare.checking.inputs import gradients
from compare.checking.likeness import RULES, single
from compare.checking.numbers import same
from compare.checking.operations import bare
from compare.checking.refusals import check_function
from compare.checking.running import stepped, takes_rate
from compare.checking.steps import passed
from compare.checking.verdict import Verdict
from compare.configuration import resolve
from compare.formulas import optimizers
from compare.options import check_dtype
from compare.traces import Array

SHAPES = {"W1": (3, 4), "b1": (3, 1)}
STEPS = 12


def check_rule(
    rule: Any,
    like: str,
    *,
    dtype: str = "float64",
    seed: int = 0,
    steps: int = STEPS,
    name: str = "",
    **options: Any,
) -> Verdict:
    r"""Check an optimiser against the formula of torch's that `like` names; raise Wrong where it differs.

    `rule` is a function `rule(param, grad, slots, lr=..., ...) -> (param, slots)`, of arrays or of
    tensors; or a class whose objects have `step(params, grads)`, updating the dict (or list) of arrays
    in place or returning it; or a class of torch's optimisers; or, as optax has it, what has
    `init(params)` and `update(grads, state, params)`, or a function of the options that makes it. It
    is tried over many steps on gradients ordinary, tiny, zero, large, constant and of changing sign,
    with its options as given, with a learning rate that falls, and then with each option varied that
    it has, and each two of them.

    Args:
        rule: the function, the class, or an object of it.
        like: "adam", or with options: "adam lr=0.1 eps=1e-3".
        options: hyperparameters, as torch names them; lr is 0.01 if not given; for a rule that
            takes none 0.01 or torch's default, whichever is nearer.
    """
    return passed(
        examine_rule(rule, like, dtype=dtype, seed=seed, steps=steps, name=name, **options)
    )


def examine_rule(
    rule: Any,
    like: str,
    *,
    dtype: str = "float64",
    seed: int = 0,
    steps: int = STEPS,
    name: str = "",
    **options: Any,
) -> Verdict:
    """Return the verdict on an optimiser, whatever it is."""
    check_dtype(dtype)
    known, given = single(like)
    if known not in RULES:
        raise ValueError(f"unknown optimiser {known!r}; there are {', '.join(RULES)}")
    base = {"lr": 0.01, **given, **options}
    check_function("rule", known, base)
    subject = name or getattr(rule, "__name__", type(rule).__name__)
    rule = tensors.rule(rule, options_for(rule, base, known)[0])
    verdict = Verdict(subject, f"torch.optim's {known}" if known != "rmsprop_eps_inside" else known)
    random = np.random.default_rng(seed)
    initial = {n: random.normal(size=shape).astype(dtype) for n, shape in SHAPES.items()}
    candidate, course = Candidate(rule, known, base, initial), first(dtype, seed)
    if "lr" not in {**given, **options} and keeps_rate(rule):
        base["lr"] = nearest_rate(candidate, course)
        verdict = replace(verdict, notes=(UNNAMED.format(lr=base["lr"], known=known),))
    if (entry := differing(candidate, course)) is not None:
        return replace(verdict, error=REMEMBERS.format(entry=entry))
    falls = takes_rate(rule, base, initial)
    if not falls:
        verdict = replace(verdict, notes=(*verdict.notes, STEADY_ALONE))
    for varied in (base, *variations(rule, known, base)):
        candidate = Candidate(rule, known, varied, initial)
        runs = gradients((3, 5), steps, dtype, seed + 1, long=varied is base)
        for course in courses(runs, falls=falls and varied is base):
            verdict = candidate.judged(verdict, course)
            if not verdict.right:
                others = (o for o in courses(runs, falls=False) if o.case != course.case)
                return told_apart(verdict, map(candidate.run, others))
    kept = differing(Candidate(rule, known, base, initial), first(dtype, seed), reused=True)
    return replace(verdict, notes=(*verdict.notes, KEEPS)) if kept else verdict


def first(dtype: str, seed: int) -> Course:
    """Return the first three of the ordinary gradients."""
    return Course("", gradients((3, 5), 3, dtype, seed + 1)["ordinary gradients"])


REMEMBERS = (
    "it cannot be judged: run twice from the same start it gives another {entry}. It keeps something "
    "outside of its objects, such as a mutable default or an attribute of the class: make it in __init__"
)
KEEPS = (
    "it keeps the array of a gradient as part of its state: right as long as the gradient of each step is a "
    "new array, wrong where one is overwritten; keep a copy"
)


def differing(candidate: Candidate, course: Course, *, reused: bool = False) -> str | None:
    """Return the first parameter that another run from the same start gives otherwise; None if none is."""
    try:
        runs = candidate.run(course), candidate.run(course, reused=reused)
        once, again = ([x for x, _ in steps] for _, _, steps in runs)
    except Exception:  # it says so itself when it is checked
        return None
    pairs = zip(once, again, strict=True)
    return next((n for a, b in pairs for n, x in a.items() if not same(x, b.get(n))), None)


UNNAMED = "it takes no lr and none is named: held against {lr:g}; if its own is another, write it: {known} lr=..."


def keeps_rate(rule: Any) -> bool:
    """Tell whether a rule has a learning rate of its own, which it cannot be given."""
    return not callable(rule) or bool(options_for(rule, {"lr": 0.01})[2])


def nearest_rate(candidate: Candidate, course: Course) -> float:
    """Return 0.01 or torch's default, whichever the first step of a rule is nearer to."""
    known = candidate.known
    usual = float(inspect.signature(getattr(optimizers, known)).parameters["lr"].default)

    def off(lr: float) -> float:
        given = {**candidate.options, "lr": lr}
        _, start, steps = replace(candidate, options=given).run(course)
        shown, batch = next(iter(steps))
        right = torch_rule(known, given)({**start, **batch.state}, batch.X, batch.Y)
        return float(np.abs(shown["W1"] - right["W1"]).max())

    try:
        return min((0.01, usual), key=off)
    except Exception:  # it says so itself when it is checked
        return 0.01


@dataclass(frozen=True)
class Candidate:
    """A rule with its options, the formula it is held against, and the parameters it starts from."""

    rule: Any
    known: str
    options: dict[str, Any]
    initial: Mapping[str, Array]

    def judged(self, verdict: Verdict, course: Course) -> Verdict:
        """Return the verdict after one more course."""
        _, notes, lacking = options_for(self.rule, self.options, self.known)
        if lacking and callable(self.rule):
            notes += [f"it takes no {n}: its own must be {self.options[n]}" for n in lacking]
        verdict = replace(verdict, notes=tuple(dict.fromkeys((*verdict.notes, *notes))))
        case = ", ".join([course.case, *(f"{k}={v}" for k, v in self.options.items())])
        try:
            return examine(
                verdict, *self.run(course), torch_rule(self.known, self.options), case=case
            )
        except Exception as error:
            return verdict.stopped(case, error)

    def run(self, course: Course, *, reused: bool = False) -> Run:
        """Return the rule's run over a course: the formulas of its batches, the start, its steps."""
        rule = getattr(optimizers, self.known)
        formulas = bare(rule=rule, hyperparameters=dict(self.options), only="update")
        given = options_for(self.rule, self.options, self.known)[0]
        changed = course.changed(self.options["lr"])
        steps = stepped(self.rule, given, self.initial, course.gradients, changed, reused=reused)
        return (
            lambda b: replace(formulas, hyperparameters={**self.options, **b.options}),
            self.initial,
            steps,
        )


STEADY_ALONE = "lr cannot be changed from step to step here, so that a falling one was not tried"


def torch_rule(known: str, options: dict[str, Any]) -> Callable[..., dict[str, Array]]:
    """Return what torch.optim makes of the same state and gradients."""

    def reference(state: Mapping[str, Array], X: Array, Y: Array, **now: Any) -> dict[str, Array]:
        import reference.optimizers
        from reference import conversion
        from reference.stepping import slots_by_parameter

        rule = resolve(reference.optimizers, known)
        out: dict[str, Array] = {}
        held: dict[str, dict[str, Any]] = slots_by_parameter(state)
        for n in SHAPES:
            slots = {k: conversion.tensor(x) for k, x in held.get(n, {}).items()}
            p, slots = rule(
                conversion.tensor(state[n]),
                conversion.tensor(state[f"d{n}"]),
                slots,
                **options | now,
            )
            out |= {f"{slot}.{n}": conversion.array(x) for slot, x in slots.items()}
            out[n] = conversion.array(p)
        return out

    return reference
