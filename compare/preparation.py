r"""From what a user asks for to a task that can run; everything that can be refused is refused here."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import manual.activations
import manual.initialization
import manual.losses
import manual.optimizers
import manual.schedules
from compare.commands.options import check_options, known_function
from compare.configuration import Configuration, parse
from compare.datasets import load
from compare.tasks import Task

LOSSES = {"regression": "mse", "binary": "bce", "multiclass": "cross_entropy"}
OUTPUTS = {"bce": "sigmoid", "cross_entropy_on_probabilities": "softmax"}  # what a loss takes; identity for all others
SCHEMES = (
    "zeros",
    "linear_default",
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "orthogonal",
)


def prepare(
    *,
    data: str,
    path: Path | None,
    target: str | None,
    task: str | None,
    threshold: float,
    hidden: str,
    activation: str,
    output: str | None,
    loss: str | None,
    optimizer: str,
    options: dict[str, Any],
    schedule: str,
    clip: float | None,
    clip_value: float | None,
    batch_norm: bool,
    dropout: float,
    accumulate: int,
    batch_size: int | None,
    steps: int,
    init: str,
    dtype: str,
    seed: int,
) -> Task:
    """Return the task that the options of `parity run` describe; ValueError says what to mend."""
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype {dtype!r} is not known; choose float64 or float32")
    dataset = load(data, path=path, target=target, task=task, threshold=threshold, dtype=dtype, seed=seed)
    loss = loss or LOSSES[dataset.task]
    output = output or OUTPUTS.get(parse(loss)[0], "identity")
    widths = layer_widths(hidden)
    configuration = Configuration(
        activations=(*layer_activations(activation, len(widths)), output),
        loss=loss,
        optimizer=optimizer,
        options=options,
        clip=clipping(clip, clip_value),
        batch_norm={} if batch_norm else None,
        dropout=dropout,
        accumulate=accumulate,
    )
    check_configuration(configuration, schedule, init)
    check_targets(loss, dataset.Y_train.min(), dataset.Y_train.max(), dataset.task)
    if seed < 0:
        raise ValueError(f"seed {seed} is negative; choose 0 or more")
    return Task(configuration, dataset, widths, init, batch_size, steps, seed, schedule)


def check_configuration(c: Configuration, schedule: str, init: str) -> None:
    for text in c.activations:
        check_named(manual.activations, text, "activation")
    check_named(manual.losses, c.loss, "loss")
    rule = known_function(manual.optimizers, c.optimizer, "optimizer")
    check_options(rule, dict(c.options), f"optimizer {c.optimizer}")
    for name, value in c.options.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"option {name} is {value}; expected a finite number")
    if schedule != "constant":
        name, _ = parse(schedule)
        known_function(manual.schedules, name, "schedule")
    if init not in SCHEMES:
        raise ValueError(f"unknown initialisation {init!r}; there are {', '.join(SCHEMES)}")
    if not 0.0 <= c.dropout < 1.0:
        raise ValueError(f"dropout is {c.dropout}; expected 0 <= p < 1")


def check_named(module: Any, text: str, what: str) -> None:
    name, options = parse(text)
    function = known_function(module, name, what)
    check_options(function, options, f"{what} {name}")


def check_targets(loss: str, low: float, high: float, task: str) -> None:
    """Refuse a loss for labels on targets that are not labels."""
    name = parse(loss)[0]
    if name in ("bce", "bce_with_logits") and not 0.0 <= low <= high <= 1.0:
        raise ValueError(
            f"loss {name} takes targets from 0 to 1, but these run from {low:g} to {high:g}; "
            "use --task binary, or a loss for regression such as mse"
        )
    if name == "cross_entropy" and task != "multiclass":
        raise ValueError("loss cross_entropy takes one class of several; use --task multiclass")


def layer_widths(text: str) -> tuple[int, ...]:
    """Read hidden widths.

    >>> layer_widths("16,8")
    (16, 8)
    """
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = ()
    if not widths or min(widths) < 1:
        raise ValueError(f"cannot read hidden widths {text!r}; write 8, or 16,8 for two layers")
    return widths


def layer_activations(text: str, hidden: int) -> tuple[str, ...]:
    """Read one activation for all hidden layers, or one for each.

    >>> layer_activations("relu", 2), layer_activations("relu,tanh", 2)
    (('relu', 'relu'), ('relu', 'tanh'))
    """
    depth, parts = 0, [""]
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    if len(parts) == 1:
        parts *= hidden
    if len(parts) != hidden:
        raise ValueError(f"{len(parts)} activations {text!r} for {hidden} hidden layers; give one, or one each")
    return tuple(part.strip() for part in parts)


def clipping(norm: float | None, value: float | None) -> dict[str, float] | None:
    if norm is not None and value is not None:
        raise ValueError("clip by norm or by value, not both: give --clip or --clip-value")
    for limit in (norm, value):
        if limit is not None and not limit > 0.0:
            raise ValueError(f"clipping to {limit} leaves nothing; expected a number above 0")
    return {"norm": norm} if norm is not None else {"value": value} if value is not None else None
