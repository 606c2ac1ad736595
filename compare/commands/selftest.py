r"""`parity selftest`: the verifier measured on this machine: what it raises on correct code, what it misses of faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compare.commands.progress import progress
from compare.commands.refusals import refusing, writable

if TYPE_CHECKING:
    from compare.selftest.kills import Kill
    from compare.selftest.measuring import Measured

O = typer.Option
DTYPES = ("float64", "float32")


def selftest(
    arrays: Annotated[
        int | None, O(help="arrays to verify in each dtype: 2000; 20000 is published", min=1)
    ] = None,
    dtype: Annotated[str | None, O(help="float64 or float32; both by default")] = None,
    seed: Annotated[int | None, O(help="of the random configurations: 0", min=0)] = None,
    faults: Annotated[
        bool, O("--faults", help="plant every known mistake instead: the kill matrix")
    ] = False,
    jobs: Annotated[int | None, O(help="processes for --faults; all cores by default")] = None,
    markdown: Annotated[bool, O("--markdown", help="print the README's table")] = False,
    json: Annotated[Path | None, O(help="write what was measured as JSON")] = None,
) -> None:
    """Measure the verifier itself on this machine: false alarms, and the smallest fault it always catches.

    Random nets, losses, rules and options, easy and degenerate (zeros, saturation, tiny and huge
    gradients, exact kinks, cancelling sums), are stepped by hand and by PyTorch, both correct: what
    is raised is a false alarm. For every array the smallest relative fault that would be caught is
    found, and one an array in every step is planted and verified. Exit code 0: no false alarm, every
    fault above the smallest caught, smallest within 1e-12 (float64) and 1e-4 (float32); 1: not so.

    With --faults, every mistake that the diagnosis knows is planted in a right program instead, and
    checked like a stranger's: caught, at its formula, and called by its name? Exit code 0: all are.

    Examples:

    parity selftest --arrays 20000 --json selftest.json

    parity selftest --faults
    """
    with refusing():
        writable(json)
        check_mode(faults, arrays=arrays, dtype=dtype, seed=seed, jobs=jobs)
        dtypes = chosen(dtype or ",".join(DTYPES))
    if faults:
        raise typer.Exit(kill_matrix(jobs or -1, markdown, json))
    from compare.selftest.accuracy import declared, shortfalls
    from compare.selftest.table import markdown as as_markdown

    measured = [measure(name, arrays or 2000, seed or 0) for name in dtypes]
    if markdown:
        print(as_markdown(measured), end="")
    else:
        show(measured)
    if json is not None:
        from compare.reports.files import write_json

        with refusing():
            write_json(json, {"format": "parity-selftest/1", "dtypes": [*map(declared, measured)]})
    raise typer.Exit(int(any(any(shortfalls(m)) for m in measured)))


def check_mode(faults: bool, **given: Any) -> None:
    """Refuse an option that the mode asked for does not read, and a number of processes that is none."""
    jobs = given["jobs"]
    if jobs is not None and jobs != -1 and jobs < 1:
        raise ValueError(f"--jobs is {jobs}; expected 1 or more, or -1 for all cores")
    unread = ("arrays", "dtype", "seed") if faults else ("jobs",)
    if name := next((n for n in unread if given[n] is not None), ""):
        raise ValueError(
            f"--{name} is for runs {'without' if faults else 'with'} --faults; leave it out"
        )


def kill_matrix(jobs: int, markdown: bool, json: Path | None) -> int:
    """Plant every mistake, print the matrix, and return the exit code."""
    from compare.selftest import matrix

    kills = planted(jobs)
    if markdown:
        print(matrix.markdown(kills), end="")
    else:
        show_matrix(kills)
    if json is not None:
        from compare.reports.files import write_json

        with refusing():
            write_json(json, {"format": "parity-kills/1", "mistakes": matrix.declared(kills)})
    return int(bool(matrix.failures(kills)))


def planted(jobs: int) -> list[Kill]:
    """Return what became of every mistake, with a progress bar on a terminal's stderr."""
    from joblib import Parallel, delayed

    from compare.selftest.beds import beds
    from compare.selftest.kills import kills

    places = list(beds())
    found = Parallel(n_jobs=jobs, return_as="generator")(delayed(kills)(bed) for bed in places)
    return [kill for some in progress(found, len(places), "planting") for kill in some]


def show_matrix(kills: list[Kill]) -> None:
    """Print the sentence, the matrix, and every mistake that is not caught, localised or named."""
    from rich.text import Text

    from compare.reports.console import standard_output
    from compare.selftest import matrix

    console = standard_output()
    wrong = matrix.failures(kills)
    console.print(Text(matrix.sentence(kills), style="bold red" if wrong else "bold green"))
    console.print("", matrix.terminal(kills), sep="\n")
    for k in wrong:
        told = f"{k.outcome}: {k.mistake} in {k.entry} of {k.net}, on {k.trial}"
        console.print(Text(f"{told}; named {', '.join(k.names) or 'nothing'}", style="red"))


def chosen(dtype: str) -> list[str]:
    names = [name.strip() for name in dtype.split(",")]
    if unknown := [name for name in names if name not in DTYPES]:
        raise ValueError(f"--dtype has {unknown[0]!r}; choose float64, float32 or float64,float32")
    return list(dict.fromkeys(names))


def measure(dtype: str, arrays: int, seed: int) -> Measured:
    """Measure a dtype to the end, with a progress bar on a terminal's stderr."""
    from rich.console import Console
    from rich.progress import Progress

    from compare.selftest import measuring

    steps: Iterator[Measured] = measuring.measure(dtype, arrays=arrays, seed=seed)
    measured = next(steps)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"verifying {dtype}", total=arrays)
        for measured in steps:
            bar.update(task, completed=measured.arrays)
    return measured


def show(measured: list[Measured]) -> None:
    """Print a sentence for each dtype, the table, and what is not as it should be."""
    from rich.text import Text

    from compare.reports.console import standard_output
    from compare.selftest.accuracy import sentences, shortfalls
    from compare.selftest.audit import findings
    from compare.selftest.table import MEANING, others, plain, terminal

    console = standard_output()
    for m in measured:
        wrong = [*shortfalls(m)]
        first, *more = sentences(m)
        console.print(Text(first, style="bold red" if wrong else "bold green"))
        console.print(Text("\n".join(f"  {text}" for text in more)))
        for text in wrong:
            console.print(Text(f"  {text}", style="red"))
        for text in findings(m.usage):
            console.print(Text(f"  audit: {text}", style="yellow"))
    console.print("", terminal(measured), Text(MEANING, style="dim"), "", sep="\n")
    console.print(plain(others(measured)))
