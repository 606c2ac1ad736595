r"""A cell made into a task that can be verified: its net, and its data, drawn from the cell's own seed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from compare.configuration import Configuration, output_of, parse
from compare.datasets import Dataset, load
from compare.preparation import layer_widths
from compare.refusals import check_batches, check_configuration, check_depth, check_targets
from compare.sweeping.grid import Cell
from compare.targets import TARGETS, real
from compare.tasks import Task, frozen

TASKS = {"bce": "binary", "cross": "multiclass"}  # by the first word of the loss; else regression


def trial(cell: Cell) -> Task:
    """Return the task of a cell; ValueError where its values cannot go together.

    >>> from compare.sweeping.grid import settled
    >>> trial(settled({"depth": 2, "width": 3, "inputs": 5})).sizes
    (5, 3, 3, 1)
    """
    c, hidden = configured(cell), layer_widths(cell["hidden"])
    check_configuration(c, "constant", cell["init"])
    check_depth(c)
    dataset = data(cell)
    check_targets(c, dataset)
    m = dataset.X_train.shape[1]
    size = None if cell["batch_size"] == "full" else min(cell["batch_size"], m)
    check_batches(c, m, size)
    return Task(c, dataset, hidden, cell["init"], size, cell["steps"], cell["seed"])


def configured(cell: Cell) -> Configuration:
    loss, output = cell["loss"], cell["output"]
    if output == "auto":
        output = output_of(loss)
    hidden = (cell.get("activation", ""),) * len(layer_widths(cell["hidden"]))
    rule, options = parse(cell["optimizer"])
    kind, _, limit = cell["clip"].partition(" ")
    return Configuration(
        activations=(*hidden, output),
        loss=loss,
        optimizer=rule,
        options={"lr": cell["lr"], **options},
        clip={kind: float(limit)} if limit else None,
        batch_norm={} if cell["batch_norm"] else None,
        dropout=cell["dropout"],
        accumulate=cell["accumulate"],
    )


def data(cell: Cell) -> Dataset:
    """Return the cell's data: a named set, or one drawn from its seed."""
    loss = parse(cell["loss"])[0]
    task = TASKS.get(loss.split("_")[0], "regression")
    if cell["data"] != "random":
        return named(cell["data"], task, cell["dtype"])
    if task == "multiclass" and cell["outputs"] < 2:
        raise ValueError(f"loss {loss} takes one class of several; give outputs = 2 or more")
    return drawn(loss, task, cell)


@lru_cache(maxsize=32)
def named(name: str, task: str, dtype: str) -> Dataset:
    return load(name, task=task, dtype=dtype)


def drawn(loss: str, task: str, cell: Cell) -> Dataset:
    """Return random data for a loss: standard normal inputs, and targets of the kind it takes."""
    random = np.random.default_rng(cell["seed"])
    m, dtype = cell["examples"], cell["dtype"]
    X = frozen(random.normal(size=(cell["inputs"], m)), dtype)
    Y = frozen(TARGETS.get(loss, real)(random, cell["outputs"], m), dtype)
    return Dataset(
        name="random",
        task=task,
        features=tuple(f"x{k}" for k in range(len(X))),
        target="y",
        X_train=X,
        Y_train=Y,
        X_test=X[:, :0],
        Y_test=Y[:, :0],
        classes=(),
        target_mean=0.0,
        target_scale=1.0,
        synthetic=True,
        source=f"drawn from seed {cell['seed']}",
        sha256="",
        notes=(),
    )
