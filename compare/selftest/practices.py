r"""What the usual comparisons make of the same arrays: an array refused of two right programs, a fault let pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from compare.tolerances import PRACTICES
from compare.traces import Array


@dataclass
class Practice:
    """The arrays that a comparison has seen, those it refused, and the smallest fault it catches in each."""

    arrays: int = 0
    alarms: int = 0
    smallest: list[float] = field(default_factory=list)

    def add(self, mine: Array, theirs: Array, rtol: float, atol: float) -> None:
        r"""Compare as NumPy and PyTorch do, $|a - b| \le atol + rtol\,|b|$; a fault $\delta b$ shows beyond that."""
        size = float(np.abs(theirs).max(initial=0.0))
        self.arrays += 1
        self.alarms += not np.allclose(mine, theirs, rtol=rtol, atol=atol, equal_nan=True)
        if 0.0 < size < np.inf:
            self.smallest.append(rtol + atol / size)

    @property
    def p99(self) -> float:
        return float(np.quantile(self.smallest, 0.99)) if self.smallest else float("nan")


def practised(
    practices: dict[str, Practice],
    mine: Mapping[str, Array],
    theirs: Mapping[str, Array],
    dtype: str,
) -> None:
    """Let every usual comparison compare two traces, entry by entry."""
    for name, tolerances in PRACTICES.items():
        practice = practices.setdefault(name, Practice())
        for entry, x in mine.items():
            if x.dtype.kind == "f":
                practice.add(x, theirs[entry], *tolerances[dtype])
