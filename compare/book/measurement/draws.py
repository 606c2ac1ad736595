r"""What is made from a seed or a step number: initial weights, schedules."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from compare.book.measurement.measured import DTYPES, Measured, same
from compare.traces import Array, kind

DRAWS = (
    "kaiming_normal", "kaiming_uniform", "linear_default", "normal", "trunc_normal", "uniform",
    "xavier_normal", "xavier_uniform",
)  # fmt: skip
SCHEDULES: Mapping[str, Mapping[str, Any]] = {
    "exponential": {"gamma": 0.9},
    "step_decay": {"step_size": 7},
    "cosine": {"T_max": 40},
    "linear_warmup": {"total_iters": 10},
    "one_cycle": {"total_steps": 40},
}


def drawn(group: str, name: str) -> list[Measured]:
    """Measure what both packages make from a seed or a step number: initial weights, schedules."""
    if group == "initialization" and name in DRAWS:
        return same(pair for dtype in DTYPES for pair in weights(name, dtype))
    if group == "schedules" and name in SCHEDULES:
        mine, theirs = (importlib.import_module(f"{p}.schedules") for p in ("manual", "reference"))
        rates = [
            np.array([getattr(side, name)(k, lr=0.1, **SCHEDULES[name]) for k in range(40)])
            for side in (mine, theirs)
        ]
        return same([("rate", rates[0], rates[1])])
    return []


def weights(name: str, dtype: str) -> Iterator[tuple[str, Array, Array]]:
    """Yield the initial parameters of a net by both packages, from one seed."""
    import manual
    import manual.initialization
    import manual.random
    import reference
    import reference.initialization
    import reference.random
    from compare.seeding import generator

    mine, theirs = (
        package.initialization.initialize(
            (20, 30, 5), scheme=name, seed=generator(package, 0), dtype=np.dtype(dtype)
        )
        for package in (manual, reference)
    )
    yield from ((kind(key), x, theirs[key]) for key, x in mine.items())
