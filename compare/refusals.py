r"""What is refused before a run starts: each function raises ValueError, one sentence that says what to mend."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

import manual
import manual.activations
import manual.initialization
import manual.losses
import manual.optimizers
import manual.schedules
import reference
import reference.schedules
from compare.configuration import LOGITS, Configuration, parse, resolve
from compare.datasets import Dataset
from compare.options import check_options, known_function
from compare.pacing import Unequal, rates
from compare.tasks import Task
from compare.traces import kind, nonfinite, parameters

SCHEMES = (
    "zeros",
    "uniform",
    "normal",
    "trunc_normal",
    "linear_default",
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "orthogonal",
    "sparse",
)
PROBABILITIES = {  # losses that take them, and the outputs that give them
    "bce": ("sigmoid", "softmax"),
    "cross_entropy_on_probabilities": ("softmax",),
}
GIVEN = ("k", "lr", "state", "metric")  # what a schedule is given by the run
FAILURES = (ValueError, TypeError, ArithmeticError, RuntimeError)


def check_configuration(c: Configuration, schedule: str, init: str) -> None:
    """Refuse names and options that there are not, and values out of range."""
    for text in c.activations:
        check_named(manual.activations, text, "activation")
    check_named(manual.losses, c.loss, "loss")
    check_logits(c.activations[-1], c.loss)
    rule = known_function(manual.optimizers, c.optimizer, "optimizer")
    check_options(rule, c.options, f"optimizer {c.optimizer}")
    if schedule != "constant":
        check_schedule(schedule)
    if parse(init)[0] not in SCHEMES:
        raise ValueError(f"unknown initialisation {init!r}; there are {', '.join(SCHEMES)}")
    if not 0.0 <= c.dropout < 1.0:
        raise ValueError(f"dropout is {c.dropout}; expected 0 <= p < 1")


def check_logits(output: str, loss: str) -> None:
    """Refuse an output that is part of its loss already."""
    inside, other = LOGITS.get(parse(loss)[0], ("", ""))
    if inside and parse(output)[0] == inside:
        raise ValueError(
            f"the loss {loss} takes logits, and has the {inside} in it; after the activation {inside} "
            f"take {other}, or leave the last activation out (identity)"
        )


def check_named(module: ModuleType, text: str, what: str) -> None:
    name, options = parse(text)
    function = known_function(module, name, what)
    check_options(function, options, f"{what} {name}")


def check_schedule(text: str) -> None:
    """Refuse a schedule that is unknown, lacks an option, or has one it has not."""
    check_named(manual.schedules, text, "schedule")
    name, options = parse(text)
    wanted = inspect.signature(getattr(manual.schedules, name)).parameters.values()
    missing = [p.name for p in wanted if p.default is p.empty and p.name not in (*options, *GIVEN)]
    if missing:
        raise ValueError(f"schedule {name} needs {missing[0]}; write '{name}({missing[0]}=...)'")
    if taken := [n for n in options if n in GIVEN]:
        raise ValueError(f"schedule {name} got {taken[0]}, which the run gives it; use --lr")


def check_depth(c: Configuration) -> None:
    """Refuse what acts on hidden layers where there are none."""
    for name, given in (("batch norm", c.batch_norm is not None), ("dropout", c.dropout > 0.0)):
        if given and len(c.activations) == 1:
            raise ValueError(f"{name} acts on hidden layers, and there are none; give --hidden")


def check_targets(c: Configuration, dataset: Dataset) -> None:
    """Refuse a loss for labels on targets that are not labels, or for probabilities on outputs that are not."""
    name, output = parse(c.loss)[0], parse(c.activations[-1])[0]
    low, high = dataset.Y_train.min(), dataset.Y_train.max()
    if name in ("bce", "bce_with_logits") and not 0.0 <= low <= high <= 1.0:
        raise ValueError(
            f"loss {name} takes targets from 0 to 1, but these run from {low:g} to {high:g}; "
            "use --task binary, or a loss for regression such as mse"
        )
    if name.startswith("cross_entropy") and dataset.task != "multiclass":
        raise ValueError(f"loss {name} takes one class of several; use --task multiclass")
    if output not in PROBABILITIES.get(name, (output,)):
        raise ValueError(
            f"loss {name} takes probabilities, which the output activation {output} does not give; "
            f"use --output {PROBABILITIES[name][0]}, or the loss that takes logits"
        )


def check_batches(c: Configuration, m: int, batch_size: int | None) -> None:
    """Refuse batches of one example where batch norm needs two."""
    last = m % (batch_size or m) or batch_size or m
    if c.batch_norm is not None and last == 1:
        raise ValueError(
            f"batch norm needs at least 2 examples a batch, but of {m} examples batches of "
            f"{batch_size or m} leave 1 alone; choose another --batch-size"
        )


def check_updates(c: Configuration, steps: int) -> None:
    """Refuse a run that ends before the first update."""
    if c.accumulate > steps:
        raise ValueError(
            f"{steps} steps end before the first update, which takes {c.accumulate} micro-batches; "
            "give more --steps or a smaller --accumulate"
        )


def check_names(c: Configuration, state: Mapping[str, Any]) -> None:
    """Refuse names of parameters, or kinds of them, that the net has not, and decay where there is none."""
    names = parameters(state)
    kinds = sorted({kind(n) for n in names})
    for wanted, known, what in ((c.undecayed, kinds, "undecayed"), (c.frozen, names, "frozen")):
        check_known(wanted, known, what)
    if set(c.frozen) == set(names):
        raise ValueError("--frozen names every parameter of the net: nothing would be trained")
    if c.undecayed:
        check_decay(c)


def check_decay(c: Configuration) -> None:
    """Refuse to leave parameters out of a weight decay that there is not."""
    taken = inspect.signature(getattr(manual.optimizers, c.optimizer)).parameters
    if "weight_decay" not in taken:
        raise ValueError(
            f"optimizer {c.optimizer} has no weight decay, so nothing can be left out of it"
        )
    if not c.options.get("weight_decay", taken["weight_decay"].default):
        raise ValueError(
            f"--undecayed names {c.undecayed[0]!r}, but the weight decay of {c.optimizer} is 0; "
            "give one, --set weight_decay=0.1, or leave out --undecayed"
        )


def check_known(wanted: Sequence[str], known: Sequence[str], what: str) -> None:
    for name in wanted:
        if name not in known:
            raise ValueError(f"--{what} names {name!r}; this net has {', '.join(known)}")


def check_rates(task: Task) -> None:
    """Refuse a schedule that fails at some step of the run, by asking it for every one."""
    lr = task.configuration.options["lr"]
    try:
        if parse(task.schedule)[0] == "reduce_on_plateau":
            for package in (manual, reference):
                resolve(package.schedules, task.schedule)({"lr": lr}, 1.0)
        for _ in zip(range(task.steps), rates(task.schedule, lr, task.per_epoch), strict=False):
            pass
    except Unequal:
        pass  # no bad input: the run itself meets it, and tells
    except FAILURES as error:
        raise ValueError(f"schedule {task.schedule} cannot be used: {error}") from None


def check_trial(task: Task) -> None:
    """Refuse what either side refuses at its first step: a value out of range, a number too large for the type."""
    c = replace(task.configuration, accumulate=1)
    try:
        with np.errstate(all="ignore"):
            state, batch = task.initial(), next(task.batches())
        check_names(c, state)
        for step in (c.by_hand(), c.by_torch()):
            with np.errstate(all="ignore"):
                trace = step({**state, **batch.state}, batch.X, batch.Y, **batch.options)
            if (first := nonfinite(trace)) == "Z1":
                raise ValueError(
                    f"the first step overflows at once, in {first}: give smaller weights by --init"
                )
    except Unequal:
        pass
    except FAILURES as error:
        raise ValueError(str(error)) from None
