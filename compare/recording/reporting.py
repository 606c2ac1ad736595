r"""The report on a recorded run, at 80 columns, and the exit code that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from compare.recording.findings import Entry, Findings, findings
from compare.recording.replaying import scene

if TYPE_CHECKING:
    from compare.diagnosis.scene import Scene


def check_file(
    path: Path | str,
    console: Console,
    *,
    jobs: int = 1,
    explain: Callable[[Scene], object] | None = None,
) -> int:
    """Verify a recording, print the report, and return the exit code: 0 right, 1 wrong, 2 not to be read.

    `explain` is given the steps up to a wrong formula; what it returns is printed.
    """
    try:
        found = findings(path, jobs=jobs)
    except (ValueError, OSError, MemoryError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        sentence = " ".join(str(reason or "it cannot be read").split())
        console.print(f"parity: {path}: {sentence}", markup=False, highlight=False, soft_wrap=True)
        return 2
    show(found, console)
    if explain and found.wrong and found.wrong.kind == "formula":
        console.print(explain(scene(path, found.wrong)), markup=False)
    return found.code


def show(found: Findings, console: Console) -> None:
    """Print the verdict, where it went wrong, the entries, and what is not shown."""
    console.print(found.sentence, style="bold red" if found.wrong else "bold green", markup=False)
    if found.wrong:
        console.print("\n".join(found.wrong.details()), markup=False)
    if found.entries:
        console.print()
        console.print(table(found.entries.values()))
    for line in notes(found):
        console.print(line, style="yellow", markup=False)


def table(entries: Iterable[Entry]) -> Table:
    out = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("entry", "steps", "worst error", "allowed", "used", "torch", "at step", "index"):
        out.add_column(name, justify="left" if name in ("entry", "index") else "right")
    for e in entries:
        numbers = (f"{e.error:.1e}", f"{e.allowed:.1e}", share(e.used), share(e.torch))
        index = ", ".join(map(str, e.index))
        style = "red" if max(e.used, e.torch) > 1 else None
        out.add_row(e.name, str(e.shown), *numbers, str(e.step), index, style=style)
    return out


def share(x: float) -> str:
    """Return how much of what is allowed was used.

    >>> share(0.123), share(6.6e14)
    ('0.12', '7e+14')
    """
    return f"{x:.2f}" if x < 1000 else f"{x:.0e}"


def notes(found: Findings) -> Iterator[str]:
    if found.hidden:
        names = ", ".join(
            n if n not in found.entries else f"{n} ({k} steps)" for n, k in found.hidden.items()
        )
        yield f"not shown, so not passed: {names}"
    unjudged = {e.name: e.unjudged for e in found.entries.values() if e.unjudged}
    if unjudged:
        names = ", ".join(f"{count} of {name}" for name, count in unjudged.items())
        yield f"not judged, as rounding alone may have made them anything: {names}"
