r"""From what a user asks for to a task that can run; everything that can be refused is refused here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from compare.configuration import Configuration, output_of
from compare.datasets import Dataset, load
from compare.options import check_dtype, split, value, whole_numbers
from compare.refusals import (
    check_batches,
    check_configuration,
    check_depth,
    check_rates,
    check_targets,
    check_trial,
    check_updates,
)
from compare.request import Request
from compare.tasks import Task

LOSSES = {"regression": "mse", "binary": "bce", "multiclass": "cross_entropy"}
STEPS = 200


def prepare(r: Request) -> Task:
    """Return the task that is asked for; ValueError says what to mend.

    >>> prepare(Request(hidden="5,3", epochs=2, batch_size=100)).steps
    6
    """
    check_dtype(r.dtype)
    if r.level not in ("formula", "step"):
        raise ValueError(f"level {r.level!r} is not known; choose formula or step")
    dataset = loaded(r)
    check_threshold(r, dataset)
    configuration = configured(r, dataset.task)
    check_configuration(configuration, r.schedule, r.init)
    check_depth(configuration)
    check_targets(configuration, dataset)
    m = dataset.X_train.shape[1]
    check_batches(configuration, m, r.batch_size)
    size = r.batch_size if r.batch_size is not None and r.batch_size < m else None
    widths = layer_widths(r.hidden)
    task = Task(configuration, dataset, widths, r.init, size, 0, r.seed, r.schedule, r.patience)
    steps = duration(r.steps, r.epochs, task.per_epoch)
    task = replace(task, steps=steps, affine=affine(r.batch_norm, r.no_affine), level=r.level)
    check_updates(configuration, steps)
    check_rates(task)
    check_trial(task)
    return task


def check_threshold(r: Request, dataset: Dataset) -> None:
    """Refuse a threshold where no labels are made by it."""
    if r.threshold == Request.threshold:
        return
    if dataset.task != "binary":
        told = f"this task is {dataset.task}: use --task binary, or leave it out"
    elif dataset.classes == ("0", "1"):
        told = f"the target {dataset.target} is made of zeros and ones already: leave it out"
    else:
        return
    raise ValueError(f"--threshold {r.threshold:g} makes labels of numbers; {told}")


def loaded(r: Request) -> Dataset:
    return load(
        r.data,
        path=r.path,
        task=r.task,
        target=r.target,
        threshold=r.threshold,
        dtype=r.dtype,
        seed=r.seed,
    )


def configured(r: Request, task: str) -> Configuration:
    """Return the configuration asked for; loss and output are what the task takes where none is named."""
    loss = r.loss or LOSSES[task]
    output = r.output or output_of(loss)
    hidden = layer_activations(r.activation, len(layer_widths(r.hidden)))
    return Configuration(
        activations=(*hidden, output),
        loss=loss,
        optimizer=r.optimizer,
        options=hyperparameters(r.lr, r.options),
        clip=clipping(r.clip, r.clip_value),
        batch_norm=normalization(r.batch_norm, r.batch_norm_momentum),
        dropout=r.dropout,
        accumulate=r.accumulate,
        undecayed=listed(r.undecayed),
        frozen=listed(r.frozen),
    )


def hyperparameters(lr: float, options: Mapping[str, Any]) -> dict[str, Any]:
    if "lr" in options:
        raise ValueError("the learning rate is given by --lr, not by --set lr=...")
    return {"lr": lr, **options}


def duration(steps: int | None, epochs: int | None, per_epoch: int) -> int:
    """Return the number of steps.

    >>> duration(None, None, 7), duration(30, None, 7), duration(None, 3, 7)
    (200, 30, 21)
    """
    if steps is not None and epochs is not None:
        raise ValueError("give --steps or --epochs, not both")
    return steps or (epochs * per_epoch if epochs else STEPS)


def normalization(on: bool, momentum: str | None) -> dict[str, Any] | None:
    """Return the options of batch norm, None for none.

    >>> normalization(True, "none"), normalization(True, None), normalization(False, None)
    ({'momentum': None}, {'momentum': 0.1}, None)
    """
    if momentum is not None and not on:
        raise ValueError(
            "--batch-norm-momentum is of batch norm, and there is none; give --batch-norm too"
        )
    share = value("--batch-norm-momentum", momentum or "0.1")
    number = isinstance(share, int | float) and 0.0 <= share <= 1.0
    if share is not None and not number:
        raise ValueError(
            f"--batch-norm-momentum is {momentum}; expected a number from 0 to 1, or none for the "
            "average of all batches"
        )
    return {"momentum": share} if on else None


def affine(batch_norm: bool, without: bool) -> bool:
    """Return whether batch norm has gamma and beta."""
    if without and not batch_norm:
        raise ValueError("--no-affine is of batch norm, and there is none; give --batch-norm too")
    return not without


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
    refusal = f"cannot read hidden widths {text!r}; write 8, or 16,8 for two layers, or none"
    return whole_numbers(text, refusal)


def layer_activations(text: str, hidden: int) -> tuple[str, ...]:
    """Read one activation for all hidden layers, or one for each.

    >>> layer_activations("relu", 2), layer_activations("relu,tanh", 2), layer_activations("relu", 0)
    (('relu', 'relu'), ('relu', 'tanh'), ())
    """
    parts = split(text)
    if len(parts) == 1:
        parts *= hidden
    if len(parts) != hidden:
        raise ValueError(
            f"{len(parts)} activations {text!r} for {hidden} hidden layers; give one, or one each"
        )
    return tuple(parts)


def clipping(norm: float | None, limit: float | None) -> dict[str, float] | None:
    if norm is not None and limit is not None:
        raise ValueError("clip by norm or by value, not both: give --clip or --clip-value")
    for given in (norm, limit):
        if given is not None and not 0.0 < given < math.inf:
            raise ValueError(f"clipping to {given}: expected a finite number above 0")
    return {"norm": norm} if norm is not None else {"value": limit} if limit is not None else None
