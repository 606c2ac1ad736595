r"""The table of the verifier's own accuracy, for a terminal and for the README."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from compare.selftest.accuracy import ENTRIES, Row, overall, rows, sentences
from compare.selftest.measuring import Measured

MEANING = (
    "99 %, all: a relative fault of this size, put into a whole array, is caught in 99\n"
    "of 100 arrays, in all. det.: the arrays that are determined by their operands to\n"
    "the target; in the others rounding an operand does more than such a fault would."
)


def header(sides: Iterable[Measured]) -> list[str]:
    parts = [[m.dtype, "det.", "99 %", "all"] for m in sides]
    return ["entry", *(name for part in parts for name in part)]


def lines(sides: Sequence[Measured]) -> Iterator[list[str]]:
    """Yield a line of text for each kind of entry: of each dtype its arrays and the faults caught."""
    tables = [{r.entry: r for r in rows(m)} for m in sides]
    for entry in (e for e in ENTRIES if any(e in table for table in tables)):
        yield [entry, *(cell for table in tables for cell in cells(table.get(entry)))]
    yield ["all", *(cell for m in sides for cell in cells(overall(m)))]


def cells(row: Row | None) -> tuple[str, str, str, str]:
    if row is None:
        return "0", "", "", ""
    known = f"{row.arrays:,}", f"{row.determined / row.arrays:.0%}" if row.arrays else ""
    if row.p99 is None or row.always is None:
        one = "1 count" if row.determined else ""
        return *known, one, one
    return *known, f"{row.p99:.1e}", f"{row.always:.1e}"


def terminal(sides: Sequence[Measured]) -> Table:
    """Return the table for a terminal, at 80 columns."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in header(sides):
        table.add_column(name, justify="left" if name == "entry" else "right", no_wrap=True)
    for line in lines(sides):
        table.add_row(*line, style="bold" if line[0] == "all" else None)
    return table


def markdown(sides: Sequence[Measured]) -> str:
    """Return the table with its sentences as Markdown, as the README has it between its marks."""
    head = header(sides)
    body = [head, ["---", *["---:"] * (len(head) - 1)], *lines(sides)]
    table = "\n".join(
        "| " + " | ".join(cell.replace("*", r"\*") for cell in row) + " |" for row in body
    )
    told = "\n".join(f"- {'; '.join(sentences(m))}." for m in sides)
    return f"{told}\n\n{table}\n"
