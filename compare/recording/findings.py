r"""What was found in a recording, gathered as it streams by, and the report of it at 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare.divergence import Divergence
from compare.recording.verification import Checked, scene, verify_recording
from compare.tolerances import STEP
from compare.verification import Judged

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from compare.diagnosis.scene import Scene


@dataclass
class Entry:
    """The worst that was seen of one entry: error over what is allowed, by its formula and against torch."""

    name: str
    shown: int = 0  # steps
    elements: int = 0
    unjudged: int = 0  # elements that rounding alone may have made anything
    used: float = 0.0  # error of its formula over what is allowed
    torch: float = 0.0  # distance from torch's step over what is allowed
    error: float = 0.0
    allowed: float = 0.0
    step: int = 0
    index: tuple[int, ...] = ()

    def add(self, judged: Judged, step: int, size: int) -> None:
        self.torch = max(self.torch, judged.pair.ratio / STEP)
        near = judged.formula
        if near is None:
            return
        self.shown, self.elements = self.shown + 1, self.elements + size
        self.unjudged += near.unjudged
        used = near.ratio / judged.limit
        if used >= self.used:
            self.used, self.step, self.index = used, step, near.index
            self.error, self.allowed = abs(near.value - near.expected), judged.limit * near.allowed


@dataclass
class Findings:
    """A verified recording: its entries, those it does not show with in how many steps, and the verdict."""

    name: str
    steps: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)
    hidden: dict[str, int] = field(default_factory=dict)
    wrong: Divergence | None = None
    blown: tuple[int, str] | None = None

    def add(self, checked: Checked) -> None:
        self.steps += 1
        for name in checked.hidden:
            self.hidden[name] = self.hidden.get(name, 0) + 1
        for judged in checked.judged:
            name = judged.name.removeprefix("update.")
            entry = self.entries.setdefault(name, Entry(name))
            entry.add(judged, checked.number, checked.sizes[name])
        self.wrong = checked.wrong
        if checked.blown:
            self.blown = checked.number, checked.blown

    @property
    def code(self) -> int:
        """Return the exit code: 0 right, 1 wrong."""
        return 1 if self.wrong else 0

    @property
    def counted(self) -> str:
        arrays = sum(e.shown for e in self.entries.values())
        numbers = sum(e.elements for e in self.entries.values())
        return f"{self.steps:,} steps, {arrays:,} arrays, {numbers:,} numbers"

    @property
    def sentence(self) -> str:
        """Return the one sentence that says it all."""
        if self.wrong:
            return f"DIVERGENCE at {self.wrong.headline}"
        if self.blown:
            step, entry = self.blown
            return (
                f"PARITY until it blew up as torch does: step {step}, first in {entry} "
                f"({self.counted}); the learning rate is too large"
            )
        return f"PARITY: all that {self.name} shows agrees with formula and torch in {self.counted}"

    def declared(self) -> dict[str, Any]:
        """Return the same as plain data, for JSON."""
        return {
            "format": "parity-findings/1",
            "file": self.name,
            "verdict": "divergence" if self.wrong else "parity",
            "sentence": self.sentence,
            "steps": self.steps,
            "blown_up": self.blown,
            "divergence": self.wrong.declared() if self.wrong else None,
            "not_shown": self.hidden,
            "entries": [vars(e) | {"index": list(e.index)} for e in self.entries.values()],
        }


def findings(path: Path | str, *, jobs: int = 1) -> Findings:
    """Return what verifying a recording finds; ValueError for a file that is no sound recording."""
    found = Findings(Path(path).name)
    for checked in verify_recording(path, jobs=jobs):
        found.add(checked)
    return found


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
        console.print(f"parity: {path}: {' '.join(str(error).split())}", markup=False, soft_wrap=True)
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
    from rich.table import Table

    out = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("entry", "steps", "worst error", "allowed", "used", "torch", "at step", "index"):
        out.add_column(name, justify="left" if name in ("entry", "index") else "right")
    for e in entries:
        numbers = (f"{e.error:.1e}", f"{e.allowed:.1e}", f"{e.used:.2f}", f"{e.torch:.2f}")
        index = ", ".join(map(str, e.index))
        style = "red" if max(e.used, e.torch) > 1 else None
        out.add_row(e.name, str(e.shown), *numbers, str(e.step), index, style=style)
    return out


def notes(found: Findings) -> Iterator[str]:
    if found.hidden:
        names = ", ".join(n if n not in found.entries else f"{n} ({k} steps)" for n, k in found.hidden.items())
        yield f"not shown, so not passed: {names}"
    unjudged = {e.name: e.unjudged for e in found.entries.values() if e.unjudged}
    if unjudged:
        names = ", ".join(f"{count} of {name}" for name, count in unjudged.items())
        yield f"not judged, as rounding alone may have made them anything: {names}"
