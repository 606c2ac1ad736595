r"""A row of a table of conventions, and what PyTorch does in one step, for those that are executed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

CLOSE = 1e-9  # relative: the two forms that are told apart differ by far more at these numbers


@dataclass(frozen=True)
class Row:
    """What one framework does, how that is known, and, where it is run, whether it came out so."""

    where: str
    convention: str
    source: str
    executed: bool = False
    holds: bool = True


@dataclass(frozen=True)
class Table:
    """One choice in which frameworks differ."""

    title: str
    text: str
    rows: tuple[Row, ...]


def run(where: str, convention: str, what: str, check: Callable[[], bool]) -> Row:
    """Return a row that was executed."""
    return Row(where, convention, what, executed=True, holds=bool(check()))


def near(a: Any, b: Any) -> bool:
    return bool(np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=CLOSE, atol=0.0))


def stepped(name: str, gradients: list[float], *, start: float = 0.0, **options: Any) -> float:
    """Return a parameter after steps of one of torch's optimisers on these gradients."""
    import torch

    w = torch.nn.Parameter(torch.tensor([start], dtype=torch.float64))
    optimizer = getattr(torch.optim, name)([w], **options)
    for g in gradients:
        w.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
    return float(w.detach())


def default(name: str, option: str) -> Any:
    import torch

    w = torch.nn.Parameter(torch.zeros(1))
    return getattr(torch.optim, name)([w]).defaults[option]
