r"""What a sweep found, all in all, and for every value of every axis that varied."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from compare.sweeping.axes import AXES
from compare.sweeping.outcomes import FAILED, VERDICTS

MOST = 12  # values of an axis that are listed each; of seeds there may be thousands


@dataclass
class Share:
    """The cells that have something in common: how many of each verdict, and the worst margin."""

    verdicts: Counter[str] = field(default_factory=Counter)
    margin: float = 0.0

    @property
    def cells(self) -> int:
        return self.verdicts.total()

    @property
    def failed(self) -> int:
        return sum(self.verdicts[v] for v in FAILED)

    def add(self, row: Mapping[str, Any]) -> None:
        self.verdicts[row["verdict"]] += 1
        if row["verdict"] != "divergence":  # its error is above 1, or its sentence says what it is
            self.margin = max(self.margin, row["margin"])


@dataclass
class Totals:
    """Counts over all cells, and over each value of each axis."""

    whole: Share = field(default_factory=Share)
    axes: dict[str, dict[str, Share]] = field(default_factory=dict)
    steps: int = 0
    arrays: int = 0
    numbers: int = 0
    seconds: float = 0.0

    def add(self, row: Mapping[str, Any]) -> None:
        self.whole.add(row)
        self.steps += row["steps"]
        self.arrays += row["arrays"]
        self.numbers += row["numbers"]
        self.seconds += row["seconds"]
        for name, value in json.loads(row["cell"]).items():
            self.axes.setdefault(name, {}).setdefault(str(value), Share()).add(row)

    @property
    def varied(self) -> dict[str, dict[str, Share]]:
        """Return the axes that took several values, but few enough to list."""
        few = {n: self.axes[n] for n in AXES if 1 < len(self.axes.get(n, {})) <= MOST}
        return {n: dict(sorted(shares.items(), key=in_order)) for n, shares in few.items()}

    @property
    def seen(self) -> list[str]:
        """Return the verdicts that there were."""
        return [v for v in VERDICTS if self.whole.verdicts[v]]

    @property
    def verdict(self) -> str:
        """Return "divergence", "parity", or "nothing" where nothing was compared."""
        if self.whole.failed:
            return "divergence"
        return "parity" if self.arrays else "nothing"

    @property
    def sentence(self) -> str:
        """Return the one sentence that says it all."""
        cells = f"{self.whole.cells:,} cells"
        if self.verdict == "divergence":
            return f"DIVERGENCE in {self.whole.failed:,} of {cells}"
        if self.verdict == "nothing":
            return f"NOTHING was compared in {cells}"
        others = [
            f"{self.whole.verdicts[v]:,} {v}" for v in VERDICTS[1:3] if self.whole.verdicts[v]
        ]
        aside = f" ({', '.join(others)})" if others else ""
        return f"PARITY in {cells}{aside}: {self.steps:,} steps, {self.arrays:,} arrays, {self.numbers:,} numbers"


def totalled(rows: Iterable[Mapping[str, Any]]) -> Totals:
    """Return the totals of rows of results."""
    totals = Totals()
    for row in rows:
        totals.add(row)
    return totals


def in_order(item: tuple[str, Share]) -> tuple[int, float, str]:
    """Return what sorts values: numbers by size, before words."""
    try:
        return 0, float(item[0]), ""
    except ValueError:
        return 1, 0.0, item[0]
