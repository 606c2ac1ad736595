r"""The update rules, both sides given the same gradients."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from compare.book.measurement.measured import DTYPES, Measured, between, gathered
from compare.formulas import optimizers
from compare.judgement import judge
from compare.traces import Array, kind

STEPS = 4


def rule(name: str) -> list[Measured]:
    """Measure an update rule: its state and the parameter, both sides given the same gradients."""
    return gathered(row for dtype in DTYPES for row in rule_in(name, dtype))


def rule_in(name: str, dtype: str) -> Iterator[Measured]:
    from compare.checking.operations import bare

    options = {"lr": 0.01}
    formulas = bare(rule=getattr(optimizers, name), only="update", hyperparameters=options)
    random = np.random.default_rng(0)
    state = {"W1": random.normal(size=(6, 8)).astype(dtype)}
    for k in range(3 * STEPS):
        g = (random.normal(size=(6, 8)) * 10.0 ** (k % 3 - 1)).astype(dtype)
        sides = tuple(
            ruled(package, name, state, g, options) for package in ("manual", "reference")
        )
        distances = [judge(formulas, {"dW1": g, **side}, state, g, g) for side in sides]
        rows = between(distances[0], distances[1], (sides[0], sides[1]), dtype)
        yield from (replace(row, name=kind(row.name)) for row in rows)
        state = sides[0]


def ruled(
    package: str, name: str, state: Mapping[str, Array], g: Array, options: Mapping[str, Any]
) -> dict[str, Array]:
    """Return the state after one update by one of the packages."""
    import torch

    rules = importlib.import_module(f"{package}.optimizers")
    take: Any = np.array if package == "manual" else torch.tensor
    slots = {key.partition(".")[0]: take(x) for key, x in state.items() if "." in key}
    W, after = getattr(rules, name)(take(state["W1"]), take(g), slots, **options)
    return {f"{key}.W1": np.asarray(x) for key, x in after.items()} | {"W1": np.asarray(W)}
