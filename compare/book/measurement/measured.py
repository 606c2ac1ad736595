r"""What was measured of one quantity: the worst errors of both sides, and how many numbers were compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from compare.distances import Distance
from compare.tolerances import formula_limit
from compare.traces import Array

DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Measured:
    """One quantity in one precision: the worst errors of both sides, in units of u times the sum of magnitudes."""

    name: str
    dtype: str
    compared: int = 0
    manual: float = 0.0
    torch: float = 0.0
    unequal: int = 0  # of the numbers compared, how many differ between the sides at all
    margin: float = 0.0  # the worst error of the hand-written side over what is allowed

    @property
    def agrees(self) -> bool:
        return self.compared > 0 and self.margin <= 1.0

    def joined(self, other: Measured) -> Measured:
        return replace(
            self,
            compared=self.compared + other.compared,
            manual=max(self.manual, other.manual),
            torch=max(self.torch, other.torch),
            unequal=self.unequal + other.unequal,
            margin=max(self.margin, other.margin),
        )


def gathered(rows: Iterable[Measured]) -> list[Measured]:
    """Return the rows with those of one quantity and precision joined."""
    out: dict[tuple[str, str], Measured] = {}
    for row in rows:
        key = row.name, row.dtype
        out[key] = out[key].joined(row) if key in out else row
    return list(out.values())


def unequal(a: Array, b: Array) -> int:
    return int(np.sum((a != b) & ~(np.isnan(a) & np.isnan(b))))


def between(
    mine: Mapping[str, Distance],
    theirs: Mapping[str, Distance],
    sides: tuple[Mapping[str, Array], Mapping[str, Array]],
    dtype: str,
) -> Iterator[Measured]:
    for name, d in mine.items():
        a, b = (np.asarray(side[name]) for side in sides)
        margin = d.ratio / formula_limit(theirs[name].ratio, d.terms)
        other = theirs[name].ratio
        yield Measured(name, dtype, d.elements, d.ratio, other, unequal(a, b), margin)


def same(pairs: Iterable[tuple[str, Array, Array]]) -> list[Measured]:
    """Measure what is to be equal bit for bit, such as random draws; errors in units of the last place."""
    rows = []
    for name, a, b in pairs:
        u = np.finfo(a.dtype).eps / 2 if a.dtype.kind == "f" else 1.0
        wide = a.astype(np.float64), b.astype(np.float64)
        apart = np.abs(wide[0] - wide[1]) / (u * np.maximum(np.abs(wide[1]), 1e-300))
        worst = float(apart.max(initial=0.0))
        rows.append(Measured(name, str(a.dtype), a.size, worst, 0.0, unequal(a, b), worst / 4.0))
    return gathered(rows)
