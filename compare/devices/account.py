r"""What a device or a precision did to each formula, told: a sentence, a table, and plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from compare.devices.measurement import Measured, Step, gathered, measured
from compare.devices.places import Place
from compare.divergence import few
from compare.reports.console import columns, headline
from compare.tasks import Task


@dataclass
class Account:
    """A measured run: where the reference computed, and the worst of each entry."""

    task: Task
    place: Place
    entries: dict[str, Measured] = field(default_factory=dict)
    steps: int = 0
    # the step and the entry in which the run left the finite numbers
    blown: tuple[int, str] | None = None
    interrupted: bool = False
    command: str = ""  # that makes the run again

    @property
    def beyond(self) -> list[str]:
        return [e.name for e in self.entries.values() if e.beyond]

    @property
    def sentence(self) -> str:
        where = f"torch on {self.place.device} in {self.place.precision}"
        counted = f"{len(self.entries)} formulas, {self.steps:,} steps"
        stopped = ", interrupted" if self.interrupted else ""
        if self.blown:
            stopped += ", until it blew up at step {} in {}".format(*self.blown)
        if self.beyond:
            names = few(self.beyond, 6)
            return f"BEYOND what its rounding explains: {where}, in {names} ({counted}{stopped})"
        return f"WITHIN its own rounding: {where}, every formula ({counted}{stopped})"

    def declared(self) -> dict[str, Any]:
        """Return the same as plain data, for JSON."""
        return {
            "format": "parity-device/1",
            "verdict": "beyond" if self.beyond else "within",
            "sentence": self.sentence,
            "command": self.command,
            "device": self.place.device,
            "precision": self.place.precision,
            "unit_roundoff": self.place.u,
            "steps": self.steps,
            "blown_up": self.blown,
            "interrupted": self.interrupted,
            "configuration": self.task.configuration.declared(),
            "entries": [
                {
                    "entry": e.name,
                    "formula_error": e.formula,
                    "limit": e.limit,
                    "relative_error": e.relative,
                    "error_over_bound": e.pair,
                    "step": e.step,
                    "not_finite": e.lost,
                }
                for e in self.entries.values()
            ],
        }

    def shown(self) -> Group:
        return Group(*self.sections())

    def sections(self) -> Iterator[RenderableType]:
        yield headline(self.sentence, "bold red" if self.beyond else "bold green")
        yield Text(f"net {self.task.configuration.title}, run in {self.task.dataset.X_train.dtype}")
        yield Text()
        yield self.table()
        if lost := [f"{e.name} ({e.lost})" for e in self.entries.values() if e.lost]:
            yield Text(
                f"Not finite, where rounding in {self.place.precision} may make a number anything: "
                + ", ".join(lost),
                style="yellow",
            )
        yield Text(
            f"error: of torch's entry, from its formula on its own inputs, in units of\n"
            f"u = {self.place.u:.2g} times the error estimate, against its limit.\n"
            "relative: the same error over the entry's largest number.\n"
            "used: |manual - torch| over what rounding along the step allows.",
            style="dim",
        )

    def table(self) -> Table:
        names = "entry", "error", "limit", "relative", "used", "at step"
        table = columns(*names, left=("entry",))
        for e in self.entries.values():
            numbers = f"{e.formula:.2f}", f"{e.limit:.1f}", f"{e.relative:.1e}", f"{e.pair:.2f}"
            table.add_row(e.name, *numbers, str(e.step), style="red" if e.beyond else None)
        return table


def account(
    task: Task, place: Place, watched: Callable[[Iterator[Step]], Iterable[Step]]
) -> Account:
    """Measure a task; Ctrl-C keeps what was found so far.

    ValueError where torch lacks an operation there, and where no entry could be compared.
    """
    found = Account(task, place)
    try:
        for step in watched(measured(task, place)):
            gathered(found.entries, step)
            found.steps += 1
            found.blown = (step.number, step.blown) if step.blown else None
    except KeyboardInterrupt:
        if not found.entries:
            raise
        found.interrupted = True
    except (RuntimeError, NotImplementedError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(
            f"torch cannot take this step on {place.device} in {place.precision}: {first}"
        ) from None
    if not found.entries:
        first = f"{found.blown[1]} is not finite in {place.precision}" if found.blown else "no step"
        raise ValueError(f"nothing was compared: {first}")
    return found
