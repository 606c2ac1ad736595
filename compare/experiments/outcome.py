r"""What an experiment found: sentences, tables and figures for people, plain data for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compare.experiments.jacobians import Spectra
from compare.experiments.products import Product
from compare.experiments.runs import Run, used
from compare.reports.report import provenance
from compare.tasks import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Say = Callable[[str], object]  # told what is being computed


@dataclass(frozen=True)
class Table:
    """A table for the terminal: the first column is text, the others are numbers as they are to be printed."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""


@dataclass(frozen=True)
class Compared:
    """How much was compared, and how near it came to what is allowed; 1 is the limit."""

    runs: int
    steps: int
    arrays: int
    elements: int
    used: float

    def __str__(self) -> str:
        return (
            f"PARITY: manual and torch agree in {self.runs} runs, {self.steps:,} steps, "
            f"{self.arrays:,} arrays, {self.elements:,} numbers; the largest error is "
            f"{self.used:.2f} of what is allowed"
        )


@dataclass(frozen=True)
class Outcome:
    """A finished experiment; `figures` are drawn when they are asked for."""

    name: str
    task: Task
    compared: Compared
    findings: tuple[str, ...]
    tables: tuple[Table, ...]
    figures: Mapping[str, Callable[[], Figure]]
    data: Mapping[str, Any]

    def declared(self) -> dict[str, Any]:
        """Return everything but the figures as plain data, for JSON."""
        facts = provenance(self.task)
        varied = ("initialization", "schedule", "sizes", "batch_size")
        return {
            "format": "parity-experiment/1",
            "experiment": self.name,
            "verdict": "parity",
            "sentence": str(self.compared),
            "findings": list(self.findings),
            "provenance": {key: value for key, value in facts.items() if key not in varied},
            "compared": vars(self.compared),
            **self.data,
        }


def compared(runs: Iterable[Run], spectra: Iterable[Spectra | Product] = ()) -> Compared:
    """Return how much was compared over verified runs, Jacobians and products of them."""
    runs, spectra = list(runs), list(spectra)
    return Compared(
        len(runs),
        sum(run.summary.steps for run in runs),
        sum(run.summary.arrays for run in runs) + sum(s.arrays for s in spectra),
        sum(run.summary.elements for run in runs) + sum(s.elements for s in spectra),
        max([used(run.summary) for run in runs] + [s.used for s in spectra]),
    )


def show(outcome: Outcome, console: Any) -> None:
    """Print the sentence, the findings and the tables."""
    from rich.table import Table as Grid
    from rich.text import Text

    console.print(Text(str(outcome.compared), style="bold green"))
    for finding in outcome.findings:
        console.print(Text(f"- {finding}"))
    for table in outcome.tables:
        grid = Grid(
            box=None, padding=(0, 2, 0, 0), header_style="bold", title=table.title, title_justify="left",
            title_style="bold",
        )  # fmt: skip
        for k, name in enumerate(table.columns):
            grid.add_column(name, justify="right" if k else "left", vertical="bottom")
        for row in table.rows:
            grid.add_row(*row)
        console.print()
        console.print(grid)
        if table.note:
            console.print(Text(table.note, style="dim"))
    data = outcome.task.dataset
    label = "SYNTHETIC" if data.synthetic else "real"
    console.print(Text(f"\ndata: {data.name} ({label}), {data.source}", style="dim"))
    for note in data.notes:
        console.print(Text(f"note: {note}", style="yellow"))
