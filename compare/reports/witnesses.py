r"""What the witnesses say, told in text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from compare.reports.console import columns
from compare.witnesses.testimony import Testimony


def sections(testimonies: Sequence[Testimony]) -> Iterator[RenderableType]:
    """Yield a line for each witness, what disagrees, and the table of digits."""
    yield Text("more witnesses, asked about the first step", style="bold")
    for t in testimonies:
        yield Text(f"{t.sentence}{worst(t)}", style="" if t.agrees else "bold red")
        yield from (Text(f"  {a.entry}: off by {a.error:.1e}, {a.allowed:.0e} allowed")
                    for a in t.answers if not a.agrees)  # fmt: skip
        yield from (Text(f"  {note}", style="dim") for note in t.notes)
        if t.table:
            yield digits(t)


def worst(t: Testimony) -> str:
    largest = max((a.error for a in t.answers), default=0.0)
    return f", to {largest:.1e}" if t.agrees and largest else ""


def digits(t: Testimony) -> Table:
    """Return the table of correct digits: a line an entry, a column a program."""
    who = list(dict.fromkeys(name for row in t.table.values() for name in row))
    table = columns("correct digits", *who, left=("correct digits",))
    for entry, row in t.table.items():
        table.add_row(entry, *(f"{row[w]:.1f}" if w in row else "" for w in who))
    return table
