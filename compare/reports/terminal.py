r"""The report for people, at 80 columns, in colour where there is a terminal and NO_COLOR is not set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from compare.reports import free_running, witnesses
from compare.reports.console import columns, headline
from compare.reports.report import Report, provenance
from compare.standing import Judged
from compare.summary import Quantity
from compare.tolerances import STEP


def show(report: Report, console: Console) -> None:
    """Print the report: verdict first, then where it comes from, the quantities, the losses, the metrics."""
    console.print(Group(*sections(report)), crop=False)


def sections(report: Report) -> Iterator[RenderableType]:
    colour = "bold red" if report.verdict == "divergence" else "bold green"
    yield headline(report.sentence, colour)
    if report.divergence:
        yield Text("\n".join(report.divergence.details()))
    if report.diagnosis:
        yield Text(str(report.diagnosis))
    yield Text()
    yield provenance_table(report)
    for note in report.task.dataset.notes:
        yield Text(f"note: {note}", style="yellow")
    if report.failing:
        yield Text()
        yield failing_table(report.failing.judged)
        yield Text(STANDINGS, style="dim")
    if report.summary.quantities:
        yield Text()
        yield quantity_table(report)
        alone = ",\n         at the first step alone" * (report.task.level == "step")
        yield Text(
            "used: |manual - torch| over what rounding along the step allows.\n"
            "formula: each entry recomputed from its own inputs, its error over the limit"
            f"{alone}.\n"
            "Above 1 either is a divergence.",
            style="dim",
        )
    if report.summary.unjudged:
        yield Text(report.summary.unjudged, style="yellow")
    if report.summary.losses:
        yield Text()
        yield loss_table(report)
    if report.metrics:
        yield Text()
        yield metric_table(report)
    if report.testimonies:
        yield Text()
        yield from witnesses.sections(report.testimonies)
    if report.drift:
        yield Text()
        yield from free_running.sections(report.drift)


def provenance_table(report: Report) -> Table:
    facts = provenance(report.task)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    label = "SYNTHETIC" if facts["synthetic"] else "real"
    examples = facts["examples"]
    table.add_row(
        "data", f"{facts['data']} ({label}), {facts['task']} of {facts['target']}, {examples['train']} train, "
        f"{examples['test']} test"
    )  # fmt: skip
    table.add_row("source", facts["data_source"])
    sizes = " -> ".join(map(str, facts["sizes"]))
    table.add_row("net", f"{sizes}: {report.task.configuration.title}")
    batch = facts["batch_size"] or "full"
    table.add_row(
        "run", f"batch {batch}, init {facts['initialization']}, seed {facts['seed']}, "
        f"{facts['dtype']}, schedule {facts['schedule']}"
    )  # fmt: skip
    table.add_row("seed", facts["derivation"])
    table.add_row(
        "with", f"torch {facts['torch']}, NumPy {facts['numpy']}, Python {facts['python']}, "
        f"{facts['machine']}, threads {facts['threads']}, oracle {facts['oracle']}"
    )  # fmt: skip
    return table


STANDINGS = (
    "The step that failed. origin: on its own inputs, its formula gives something\n"
    "else. inherited: its formula agrees; the difference came in with its inputs."
)


def failing_table(judged: Iterable[Judged]) -> Table:
    """Return the entries of the failing step, each with its standing."""
    names = "entry", "|manual - torch|", "allowed", "used", "formula", "standing"
    table = columns(*names, left=("entry", "standing"), no_wrap=True)
    for j in judged:
        error, bound = abs(j.pair.value - j.pair.expected), STEP * j.pair.allowed
        formula = f"{j.formula.ratio / j.limit:.3g}" if j.formula else ""
        row = j.name, f"{error:.1e}", f"{bound:.1e}", f"{j.pair.ratio / STEP:.3g}", formula
        table.add_row(*row, j.standing, style=STYLES.get(j.standing))
    return table


STYLES = {"origin": "bold red", "reference": "bold red", "inherited": "yellow"}


def quantity_table(report: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in (
        "entry",
        "worst |manual - torch|",
        "allowed",
        "used",
        "formula",
        "at step",
        "index",
    ):
        right = name not in ("entry", "index")
        table.add_column(
            name, justify="right" if right else "left", no_wrap=name != "worst |manual - torch|"
        )
    for q in report.summary.quantities.values():
        table.add_row(*quantity_row(q), style="red" if max(q.pair, q.formula) > 1 else None)
    return table


def quantity_row(q: Quantity) -> tuple[str, ...]:
    formula = "" if q.name.startswith("update.") else f"{q.formula:.2f}"
    index = ", ".join(map(str, q.index))
    return q.name, f"{q.error:.1e}", f"{q.bound:.1e}", f"{q.pair:.2f}", formula, str(q.step), index


def loss_table(report: Report) -> Table:
    losses = report.summary.losses
    table = columns("step", "loss, manual", "loss, torch", "difference")
    last = len(losses) - 1
    for k in sorted({round(i * last / 7) for i in range(8)}):
        mine, theirs = losses[k]
        table.add_row(str(k), f"{mine:.12g}", f"{theirs:.12g}", f"{mine - theirs:.1e}")
    return table


def metric_table(report: Report) -> Table:
    table = columns("metric", "manual", "torch", left=("metric",))
    for part, values in report.metrics.items():
        for name, (mine, theirs) in values.items():
            table.add_row(f"{part} {name}", f"{mine:.6f}", f"{theirs:.6f}")
    return table
