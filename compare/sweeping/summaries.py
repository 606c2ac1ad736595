r"""The end of a sweep: what it found, for people on a terminal and on a page, and as data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from compare.sweeping import results
from compare.sweeping.axes import AXES
from compare.sweeping.grid import reproduction
from compare.sweeping.outcomes import FAILED, VERDICTS
from compare.sweeping.results import Row
from compare.sweeping.totals import Share, Totals, totalled

SHOWN, LISTED = 5, 100  # failing cells on a terminal, and on a page


@dataclass(frozen=True)
class Summary:
    """A sweep's file, read: totals, the cells that failed, and those that came nearest to it."""

    file: str
    grid: dict[str, Any]
    size: int  # combinations of the grid; some may come to the same cell
    totals: Totals
    failing: Sequence[Row]
    tightest: Sequence[Row]

    @property
    def sentence(self) -> str:
        missing = "" if self.totals.whole.cells else "; no cell was done"
        return f"{self.totals.sentence}{missing}"


def summary(path: Path, size: int) -> Summary:
    """Read the results of a sweep."""
    failed = ", ".join(f"'{verdict}'" for verdict in FAILED)
    with results.opened(path) as connection:
        failing = results.selected(connection, f"WHERE verdict IN ({failed})", LISTED)
        near = "WHERE verdict IN ('parity', 'blown up') AND entry != '' ORDER BY margin DESC"
        tightest = results.selected(connection, near, SHOWN)
        totals = totalled(results.selected(connection))
    grid = json.loads(results.declared(path))
    return Summary(str(path), grid, size, totals, told(failing), told(tightest))


def told(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with the command that verifies each cell again, and what it varied in words."""
    return [dict(row) | words(json.loads(row["cell"])) for row in rows]


def words(cell: dict[str, Any]) -> dict[str, str]:
    apart = [f"{n} {x}" for n, x in cell.items() if n in AXES and x != AXES[n].default]
    return {"again": reproduction(cell), "words": ", ".join(apart) or "all defaults"}


def show(found: Summary, console: Console) -> None:
    """Print the summary: the verdict first, then every axis that varied, then what failed."""
    console.print(Group(*sections(found)))


def sections(found: Summary) -> Iterator[RenderableType]:
    failed = found.totals.whole.failed
    style = "bold green" if found.totals.verdict == "parity" else "bold red"
    yield Text(found.sentence, style=style)
    for name, shares in found.totals.varied.items():
        yield Text()
        yield axis_table(name, shares, found.totals.seen)
    for row in found.failing[:SHOWN]:
        yield Text(f"\n{row['verdict']}: {row['says']}", style="red")
        yield Text(f"  {row['again']}")
    if failed > SHOWN:
        yield Text(f"\n{failed - SHOWN:,} more failed: see {found.file}, or --html")
    for row in found.tightest[:1]:
        yield Text(
            f"\nnearest its limit: {row['entry']}, at {row['margin']:.2f} of it, in {row['words']}"
        )
    yield Text(f"results: {found.file}")


def axis_table(name: str, shares: dict[str, Share], seen: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(name, overflow="fold")
    for heading in ("cells", *seen, "worst used"):
        table.add_column(heading, justify="right")
    for value, share in shares.items():
        counts = (f"{share.verdicts[v]:,}" if share.verdicts[v] else "" for v in seen)
        style = "red" if share.failed else None
        table.add_row(value, f"{share.cells:,}", *counts, f"{share.margin:.2f}", style=style)
    return table


def page(found: Summary) -> str:
    """Return the summary as one page."""
    from compare.reports.html.pages import rendered

    return rendered("sweep.html", found=found)


def declared(found: Summary) -> dict[str, Any]:
    """Return the summary as plain data, for JSON."""
    totals = found.totals
    return {
        "format": "parity-sweep/1",
        "verdict": totals.verdict,
        "sentence": found.sentence,
        "grid": found.grid,
        "cells": totals.whole.cells,
        "verdicts": {v: totals.whole.verdicts[v] for v in VERDICTS},
        "steps": totals.steps,
        "arrays": totals.arrays,
        "numbers": totals.numbers,
        "seconds": totals.seconds,
        "axes": {
            n: {v: share(s) for v, s in shares.items()} for n, shares in totals.varied.items()
        },
        "failing": [plain(row) for row in found.failing],
        "tightest": [plain(row) for row in found.tightest],
    }


def share(s: Share) -> dict[str, Any]:
    return {"cells": s.cells, "failed": s.failed, "worst_error_over_allowed": s.margin}


def plain(row: Row) -> dict[str, Any]:
    return {**row, "cell": json.loads(row["cell"])}
