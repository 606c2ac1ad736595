r"""The course of quantities over a run of any length, in a bounded number of spans of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from math import isnan, nan

MOST = 200


def fmax(a: float, b: float) -> float:
    """Return the larger of two numbers; of a number and NaN, the number."""
    return b if isnan(a) or b > a else a


@dataclass
class Spans:
    """The largest value of each quantity in each span of `width` steps; NaN where there was none.

    Spans start one step wide. Whenever there would be more than MOST of them, each two become one,
    so that what is kept does not grow with the run.

    >>> spans = Spans()
    >>> for step in range(500):
    ...     spans.add(step, {"loss": 1.0 / (1 + step)})
    >>> spans.width, len(spans.rows["loss"]), spans.rows["loss"][:2]
    (4, 125, [1.0, 0.2])
    """

    width: int = 1
    rows: dict[str, list[float]] = field(default_factory=dict)

    def add(self, step: int, values: Mapping[str, float] | Iterable[tuple[str, float]]) -> None:
        """Take in the values of one step; of two with the same name, the larger."""
        while step // self.width >= MOST:
            self.widen()
        place = step // self.width
        for name, value in values.items() if isinstance(values, Mapping) else values:
            row = self.rows.setdefault(name, [])
            row += [nan] * (place + 1 - len(row))
            row[place] = fmax(row[place], value)

    def widen(self) -> None:
        self.width *= 2
        for row in self.rows.values():
            row[:] = [fmax(a, b) for a, b in zip_longest(row[::2], row[1::2], fillvalue=nan)]

    @property
    def count(self) -> int:
        """Return the number of spans."""
        return max(map(len, self.rows.values()), default=0)

    def row(self, name: str) -> list[float]:
        """Return the values of one quantity, one for every span."""
        row = self.rows[name]
        return row + [nan] * (self.count - len(row))
