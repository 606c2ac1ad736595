r"""What somebody's program shows: arrays of numbers, or something else, which is kept for it and not judged."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np


def array_kind(x: Any) -> str:
    """Return NumPy's letter for what `x` holds; "O" for what is no array of anything.

    >>> array_kind([1.0, 2j]), array_kind([[1], [1, 2]]), array_kind(None)
    ('c', 'O', 'O')
    """
    try:
        return np.asarray(x).dtype.kind
    except (TypeError, ValueError):
        return "O"


def numeric(x: Any) -> bool:
    """Tell whether `x` is a number, or an array of numbers."""
    return array_kind(x) in "biufc"


def plain(x: Any) -> Any:
    """Return a tensor without its graph; anything else as it is."""
    return x.detach() if hasattr(x, "detach") and hasattr(x, "requires_grad") else x


def fresh(x: Any) -> Any:
    """Return a copy: of numbers an array, of anything else as good a copy as can be had."""
    x = plain(x)
    if numeric(x):
        return np.array(np.asarray(x))
    try:
        return deepcopy(x)
    except Exception:  # it holds what cannot be copied
        return x


def same(x: Any, y: Any) -> bool:
    """Tell whether two entries are equal, NaN for NaN; of what holds no numbers, whether it looks alike."""
    if isinstance(x, Mapping) and isinstance(y, Mapping):
        return x.keys() == y.keys() and all(same(x[n], y[n]) for n in x)
    if isinstance(x, list | tuple) and isinstance(y, list | tuple) and not numeric(x):
        return len(x) == len(y) and all(map(same, x, y))
    if not (numeric(x) and numeric(y)):
        return type(x) is type(y)
    if np.shape(x) != np.shape(y):
        return False
    return bool(np.array_equal(x, y, equal_nan=np.asarray(x).dtype.kind in "fc"))
