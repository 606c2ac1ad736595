r"""`parity bench`: what a step, its verification, memory and a start cost, as ratios measured in one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compare.commands.progress import saying
from compare.commands.refusals import destinations, refusing
from compare.options import whole_numbers

if TYPE_CHECKING:
    from compare.benchmarks.loops import Size
    from compare.benchmarks.measures import Effort, Row

O = typer.Option
WIDTHS, EXAMPLES = "8,32,128,512,2048", "32,256,1599,6497"
QUICK_WIDTHS, QUICK_EXAMPLES = "8,32", "32,256"


def bench(
    quick: Annotated[bool, O("--quick", help="small sizes, few rounds: a minute or so")] = False,
    width: Annotated[str | None, O(help=f"hidden units: {WIDTHS}")] = None,
    examples: Annotated[str | None, O(help=f"of a batch: {EXAMPLES}")] = None,
    dtype: Annotated[str, O(help="one, or both with a comma")] = "float64,float32",
    rounds: Annotated[int | None, O(help="turns of each contestant: 9, quick 5", min=1)] = None,
    seconds: Annotated[
        float | None, O(help="least processor time of a turn: 0.05", min=0.0)
    ] = None,
    json: Annotated[Path | None, O(help="write every number as JSON")] = None,
    markdown: Annotated[Path | None, O(help="write the tables as Markdown")] = None,
) -> None:
    """Measure steps by hand, by PyTorch and by scikit-learn, and what verification adds.

    Contestants take turns in one run, each on one thread, timed in processor time: ratios hold on a
    busy machine, seconds do not carry over to another. The full grid takes long (nets of 2048 x 6497).

    Examples:

    parity bench --quick

    parity bench --width 8,32 --examples 32,256 --json bench.json
    """
    with refusing():
        destinations(json, markdown)
        sizes = asked(
            width or (QUICK_WIDTHS if quick else WIDTHS),
            examples or (QUICK_EXAMPLES if quick else EXAMPLES),
            dtype,
        )
        written(measured(effort(sizes, quick, rounds, seconds)), json, markdown)


def asked(width: str, examples: str, dtype: str) -> list[Size]:
    """Return the sizes that the flags name."""
    from compare.benchmarks.loops import Size

    types = [text.strip() for text in dtype.split(",")]
    if wrong := [t for t in types if t not in ("float32", "float64")]:
        raise ValueError(f"--dtype got {wrong[0]!r}; choose float64, float32, or both with a comma")
    refusal = "{} is {!r}; expected whole numbers above 0, as in 8,32"
    widths = whole_numbers(width, refusal.format("--width", width))
    numbers = whole_numbers(examples, refusal.format("--examples", examples))
    return [Size(n, m, t) for t in types for n in widths for m in numbers]


def effort(sizes: list[Size], quick: bool, rounds: int | None, seconds: float | None) -> Effort:
    """Return how much is measured; what is not told is as `quick` has it."""
    from compare.benchmarks.measures import Effort

    turns, time, steps = (5, 0.02, (128, 256)) if quick else (9, 0.05, (128, 1024))
    return Effort(sizes, rounds or turns, time if seconds is None else seconds, steps)


def measured(effort: Effort) -> list[Row]:
    """Return every row, with progress on a terminal's stderr."""
    from compare import memory
    from compare.benchmarks.measures import rows
    from compare.benchmarks.tables import shape
    from compare.benchmarks.timing import pinned

    memory.keep()
    found = []
    with pinned(), saying("warming up") as say:
        for row in rows(effort):
            say(f"{row.section}: {shape(row)}")
            found.append(row)
    return found


def written(rows: list[Row], json: Path | None, markdown: Path | None) -> None:
    """Print the tables and the targets, and write the files that were asked for."""
    from compare.benchmarks import tables
    from compare.benchmarks.targets import standings
    from compare.reports.console import standard_output
    from compare.reports.files import write_json, write_text

    console = standard_output()
    console.print(tables.METHOD)
    for name, value in tables.machine().items():
        console.print(f"{name}: {value}", markup=False)
    for title, chosen in tables.sections(rows):
        console.print()
        console.print(tables.table(title, chosen))
    console.print("\nTargets, by the largest ratio in their range:")
    for line in tables.verdicts(standings(rows)):
        console.print(line, markup=False)
    if json is not None:
        write_json(json, tables.declared(rows))
    if markdown is not None:
        write_text(markdown, tables.markdown(rows))
