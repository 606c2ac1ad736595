r"""The table of the verifier's own accuracy, for a terminal and for the README."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from compare.reports.console import columns
from compare.selftest.accuracy import ENTRIES, Row, overall, rows, sentences
from compare.selftest.measuring import Measured

MEANING = (
    "99 %, all: a relative fault of this size, put into a whole array, is caught in\n"
    "99 of 100 arrays, in all. det.: the arrays that their operands determine to the\n"
    "target; in the others rounding an operand does more than such a fault would."
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


def others(sides: Sequence[Measured]) -> Iterator[list[str]]:
    """Yield a line for each way of comparing: of each dtype its false alarms and the faults it catches."""
    yield ["false alarms", *(x for m in sides for x in (m.dtype, "99 %"))]
    ours = (x for m in sides for x in (f"{len(m.alarms):,}", f"{overall(m).p99 or 0.0:.1e}"))
    yield ["this verifier", *ours]
    for name in sides[0].practices:
        found = [m.practices[name] for m in sides]
        yield [name, *(x for p in found for x in (f"{p.alarms:,}", seen(p.p99)))]


def seen(p99: float) -> str:
    """Return the smallest fault caught; where one as large as the array may pass, that none is."""
    return f"{p99:.1e}" if p99 < 1.0 else "none"


def plain(lines: Iterable[Sequence[str]]) -> Table:
    """Return lines, of which the first is the header, as a table for a terminal."""
    head, *body = lines
    table = columns(*head, left=head[:1], no_wrap=True)
    for line in body:
        table.add_row(*line, style="bold" if line[0] in ("all", "this verifier") else None)
    return table


def terminal(sides: Sequence[Measured]) -> Table:
    """Return the table for a terminal, at 80 columns."""
    return plain([header(sides), *lines(sides)])


def markdown(sides: Sequence[Measured]) -> str:
    """Return both tables with their sentences as Markdown, as the README has it between its marks."""
    told = "\n".join(f"- {'; '.join(sentences(m))}." for m in sides)
    compared, formulas = barred(list(others(sides))), barred([header(sides), *lines(sides)])
    folded = f"<details><summary>Formula by formula</summary>\n\n{formulas}\n\n</details>"
    return f"{told}\n\n{compared}\n\n{folded}\n"


def barred(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, of which the first is the header, as a Markdown table."""
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    cells = (" | ".join(row).replace("*", "\\*") for row in (rows[0], rule, *rows[1:]))
    return "\n".join(f"| {line} |" for line in cells)
