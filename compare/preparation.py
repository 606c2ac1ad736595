r"""From what a user asks for to a task that can run; everything that can be refused is refused here."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from compare.commands.options import value
from compare.configuration import Configuration, parse
from compare.datasets import load
from compare.refusals import (
    check_batches,
    check_configuration,
    check_depth,
    check_rates,
    check_targets,
    check_trial,
)
from compare.tasks import Task

LOSSES = {"regression": "mse", "binary": "bce", "multiclass": "cross_entropy"}
OUTPUTS = {  # what a loss takes; identity for all others
    "bce": "sigmoid",
    "cross_entropy_on_probabilities": "softmax",
}
STEPS = 200


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
    lr: float,
    options: dict[str, Any],
    schedule: str,
    clip: float | None,
    clip_value: float | None,
    batch_norm: bool,
    batch_norm_momentum: str,
    dropout: float,
    accumulate: int,
    undecayed: str,
    frozen: str,
    batch_size: int | None,
    steps: int | None,
    epochs: int | None,
    patience: int | None,
    init: str,
    dtype: str,
    seed: int,
) -> Task:
    """Return the task that the options of `parity run` describe; ValueError says what to mend."""
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype {dtype!r} is not known; choose float64 or float32")
    dataset = load(
        data, path=path, target=target, task=task, threshold=threshold, dtype=dtype, seed=seed
    )
    loss = loss or LOSSES[dataset.task]
    output = output or OUTPUTS.get(parse(loss)[0], "identity")
    widths = layer_widths(hidden)
    configuration = Configuration(
        activations=(*layer_activations(activation, len(widths)), output),
        loss=loss,
        optimizer=optimizer,
        options=hyperparameters(lr, options),
        clip=clipping(clip, clip_value),
        batch_norm=normalization(batch_norm, batch_norm_momentum),
        dropout=dropout,
        accumulate=accumulate,
        undecayed=listed(undecayed),
        frozen=listed(frozen),
    )
    check_configuration(configuration, schedule, init)
    check_depth(configuration)
    check_targets(configuration, dataset)
    m = dataset.X_train.shape[1]
    check_batches(configuration, m, batch_size)
    size = batch_size if batch_size is not None and batch_size < m else None
    whole = Task(configuration, dataset, widths, init, size, 0, seed, schedule, patience)
    prepared = replace(whole, steps=duration(steps, epochs, whole.per_epoch))
    check_rates(prepared)
    check_trial(prepared)
    return prepared


def hyperparameters(lr: float, options: dict[str, Any]) -> dict[str, Any]:
    if "lr" in options:
        raise ValueError("the learning rate is given by --lr, not by --set lr=...")
    return {"lr": lr} | options


def duration(steps: int | None, epochs: int | None, per_epoch: int) -> int:
    """Return the number of steps.

    >>> duration(None, None, 7), duration(30, None, 7), duration(None, 3, 7)
    (200, 30, 21)
    """
    if steps is not None and epochs is not None:
        raise ValueError("give --steps or --epochs, not both")
    return steps or (epochs * per_epoch if epochs else STEPS)


def normalization(on: bool, momentum: str) -> dict[str, Any] | None:
    """Return the options of batch norm, None for none.

    >>> normalization(True, "none"), normalization(True, "0.01"), normalization(False, "0.1")
    ({'momentum': None}, {'momentum': 0.01}, None)
    """
    share = value("--batch-norm-momentum", momentum)
    number = isinstance(share, int | float) and 0.0 <= share <= 1.0
    if share is not None and not number:
        raise ValueError(
            f"--batch-norm-momentum is {momentum}; expected a number from 0 to 1, or none for the "
            "average of all batches"
        )
    return {"momentum": share} if on else None


def listed(text: str) -> tuple[str, ...]:
    """Return the names in a list such as "W1,b1".

    >>> listed("W1, b1"), listed("")
    (('W1', 'b1'), ())
    """
    return tuple(part.strip() for part in text.split(",")) if text else ()


def layer_widths(text: str) -> tuple[int, ...]:
    """Read hidden widths.

    >>> layer_widths("16,8"), layer_widths("none")
    ((16, 8), ())
    """
    if text == "none":
        return ()
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = (0,)
    if min(widths) < 1:
        raise ValueError(
            f"cannot read hidden widths {text!r}; write 8, or 16,8 for two layers, or none"
        )
    return widths


def layer_activations(text: str, hidden: int) -> tuple[str, ...]:
    """Read one activation for all hidden layers, or one for each.

    >>> layer_activations("relu", 2), layer_activations("relu,tanh", 2), layer_activations("relu", 0)
    (('relu', 'relu'), ('relu', 'tanh'), ())
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
        raise ValueError(
            f"{len(parts)} activations {text!r} for {hidden} hidden layers; give one, or one each"
        )
    return tuple(part.strip() for part in parts)


def clipping(norm: float | None, limit: float | None) -> dict[str, float] | None:
    if norm is not None and limit is not None:
        raise ValueError("clip by norm or by value, not both: give --clip or --clip-value")
    for given in (norm, limit):
        if given is not None and not 0.0 < given < math.inf:
            raise ValueError(f"clipping to {given}: expected a finite number above 0")
    return {"norm": norm} if norm is not None else {"value": limit} if limit is not None else None
