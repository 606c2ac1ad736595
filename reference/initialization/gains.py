r"""Gains by torch.nn.init."""

from __future__ import annotations

from typing import Any, cast

from torch.nn import init


def calculate_gain(nonlinearity: str, *, param: float | None = None) -> float:
    r"""Return `torch.nn.init.calculate_gain(nonlinearity, param)`.

    >>> calculate_gain("selu")
    0.75
    """
    return init.calculate_gain(cast(Any, nonlinearity), param)
