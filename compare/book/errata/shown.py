r"""What a page shows of a computation: a small table and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

EXACT = 1e-12  # relative: both sides compute the same formula, but for rounding


@dataclass(frozen=True)
class Shown:
    """A table that was computed, what it says, and whether it came out as the text claims."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    conclusion: str
    holds: bool


def number(x: float, *, digits: int = 4) -> str:
    """Return a number for a table: short, and exact where it is whole.

    >>> number(12.0), number(0.707107), number(1e-12), number(9765625.0)
    ('12', '0.7071', '1e-12', '9765625')
    """
    x = float(x)
    if x == round(x) and abs(x) < 1e9:
        return str(round(x))
    return f"{x:.{digits}g}"


def shape(x: object) -> str:
    """Return the shape of an array in words.

    >>> import numpy as np
    >>> shape(np.zeros((2, 3)))
    '(2, 3)'
    """
    return "(" + ", ".join(map(str, getattr(x, "shape", ()))) + ")"


def gap(a: Any, b: Any) -> float:
    """Return the largest difference of two arrays over the largest entry of the second."""
    a, b = np.asarray(a), np.asarray(b)
    return float(np.abs(a - b).max() / np.abs(b).max())
