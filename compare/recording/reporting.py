r"""The report on a recorded run, at 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, Group
from rich.table import Table

from compare.recording.findings import Entry, Findings
from compare.reports.console import columns, headline


def show(found: Findings, console: Console) -> None:
    """Print the verdict, where it went wrong, the entries, and what is not shown."""
    verdict = headline(found.sentence, "bold red" if found.wrong else "bold green")
    console.print(Group(verdict), crop=False)
    if found.wrong:
        console.print("\n".join(found.wrong.details()), markup=False)
    if found.diagnosis:
        console.print(str(found.diagnosis), markup=False)
    if found.entries:
        console.print()
        console.print(table(found.entries.values()))
    for line in notes(found):
        console.print(line, style="yellow", markup=False)


def table(entries: Iterable[Entry]) -> Table:
    names = "entry", "steps", "worst error", "allowed", "used", "torch", "at step", "index"
    out = columns(*names, left=("entry", "index"))
    for e in entries:
        numbers = (f"{e.error:.1e}", f"{e.allowed:.1e}", share(e.used), share(e.torch))
        index = ", ".join(map(str, e.index))
        style = "red" if max(e.used, e.torch or 0.0) > 1 else None
        out.add_row(e.name, str(e.shown), *numbers, str(e.step), index, style=style)
    return out


def share(x: float | None) -> str:
    """Return how much of what is allowed was used; "-" where nothing was compared.

    >>> share(0.123), share(6.6e14), share(None)
    ('0.12', '7e+14', '-')
    """
    if x is None:
        return "-"
    return f"{x:.2f}" if x < 1000 else f"{x:.0e}"


def notes(found: Findings) -> Iterator[str]:
    yield from (f"note: {note}" for note in found.notes)
    if found.hidden:
        names = ", ".join(
            n if n not in found.entries else f"{n} ({k} steps)" for n, k in found.hidden.items()
        )
        yield f"not shown, so not passed: {names}"
    unjudged = {e.name: e.unjudged for e in found.entries.values() if e.unjudged}
    if unjudged:
        names = ", ".join(f"{count} of {name}" for name, count in unjudged.items())
        yield f"not judged, as rounding alone may have made them anything: {names}"
