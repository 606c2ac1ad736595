r"""`parity sweep`: many small nets, each trained by hand and by PyTorch and verified at every step."""

from __future__ import annotations

import inspect
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compare.commands.refusals import destinations, refusing, writable
from compare.reports.files import DASH

if TYPE_CHECKING:
    from compare.sweeping.grid import Grid
    from compare.sweeping.outcomes import Outcome

O = typer.Option
Axis = str | None
OUT = Path("sweep.sqlite")


def sweep(
    declaration: Annotated[Path | None, typer.Argument(help="the grid, a TOML file")] = None,
    activation: Annotated[Axis, O(help="hidden: relu,tanh,elu(alpha=1.7)")] = None,
    output: Annotated[Axis, O(help="output activations; auto is what the loss takes")] = None,
    loss: Annotated[Axis, O(help="mse,bce,cross_entropy,...")] = None,
    optimizer: Annotated[Axis, O(help="adam,sgd(lr=0.1, momentum=0.9),...")] = None,
    lr: Annotated[Axis, O(help="rates of the rules that name none")] = None,
    init: Annotated[Axis, O(help="linear_default,xavier_uniform,...")] = None,
    clip: Annotated[Axis, O(help="none,norm 1.0,value 0.5")] = None,
    batch_norm: Annotated[Axis, O(help="on,off")] = None,
    dropout: Annotated[Axis, O(help="probabilities: 0,0.5")] = None,
    accumulate: Annotated[Axis, O(help="micro-batches an update: 1,2")] = None,
    depth: Annotated[Axis, O(help="hidden layers: 0..3")] = None,
    width: Annotated[Axis, O(help="units of each: 4,8")] = None,
    hidden: Annotated[
        Axis, O(help='in place of both: 4,16 are two nets; in TOML "16,8" is one')
    ] = None,
    data: Annotated[Axis, O(help="random, wine-sample, diabetes, ...")] = None,
    inputs: Annotated[Axis, O(help="of random data: 11")] = None,
    outputs: Annotated[Axis, O(help="of random data: 1,3")] = None,
    examples: Annotated[Axis, O(help="of random data: 32")] = None,
    batch_size: Annotated[Axis, O(help="full,16")] = None,
    dtype: Annotated[Axis, O(help="float64,float32")] = None,
    seed: Annotated[Axis, O(help="of weights, batches and random data: 0..99")] = None,
    steps: Annotated[Axis, O(help="verified steps a cell: 100")] = None,
    out: Annotated[Path, O("-o", "--out", help="the results, an SQLite file")] = OUT,
    resume: Annotated[bool, O("--resume", help="go on with the results in --out")] = False,
    jobs: Annotated[int, O(help="processes; 0: one a core", min=0)] = 0,
    backend: Annotated[str, O(help="loky (this machine) or dask (a cluster)")] = "loky",
    scheduler: Annotated[str | None, O(help="of dask: tcp://host:8786")] = None,
    html: Annotated[Path | None, O(help="write the summary as one page")] = None,
    json: Annotated[Path | None, O(help="write the summary as JSON; - is standard output")] = None,
    cell: Annotated[str | None, O(help="verify one cell, given as JSON, and explain")] = None,
) -> None:
    """Verify every combination of a grid: many small nets, each by hand and by PyTorch, step by step.

    The grid is a TOML file, flags with commas and ranges, or both (a flag replaces the file's axis).
    Results go to an SQLite file as they come; a sweep that was stopped, however it was, goes on with
    --resume. A cell that fails is kept with the command that verifies it again, and the rest go on.

    Examples:

    parity sweep --optimizer "adam,sgd(momentum=0.9)" --depth 1..3 --seed 0..99

    parity sweep grid.toml -o results.sqlite --html sweep.html
    """
    given = dict(locals())
    if cell is not None:
        with refusing():
            check_alone(given)
        raise typer.Exit(one(cell))
    with refusing():
        destinations(out, html, json, read=[declaration])
        if out == DASH:
            raise ValueError("--out is -; the results are an SQLite file: name one")
        check_backend(backend, scheduler)
        grid = asked(given, out, resume=resume)
        stopped = swept(grid, out, resume=resume, jobs=jobs, scheduler=scheduler)
        code = summarised(out, grid.size, html, json)
    if stopped:
        print(f"parity: {shlex.join(resuming(out))} goes on with the rest", file=sys.stderr)
    raise typer.Exit(130 if stopped else code)


def resuming(out: Path) -> list[str]:
    """Return the command that goes on with a sweep.

    >>> resuming(OUT), resuming(Path("a.sqlite"))[-2:]
    (['parity', 'sweep', '--resume'], ['-o', 'a.sqlite'])
    """
    return ["parity", "sweep", "--resume", *(["-o", str(out)] if out != OUT else [])]


def check_alone(given: Mapping[str, Any]) -> None:
    """Refuse what a single cell does not read."""
    usual = inspect.signature(sweep).parameters
    if other := next((n for n, x in given.items() if n != "cell" and x != usual[n].default), ""):
        raise ValueError(f"--{other.replace('_', '-')} is not for --cell, which says all of itself")


def check_backend(backend: str, scheduler: str | None) -> None:
    if backend not in ("loky", "dask"):
        raise ValueError(f"--backend is {backend!r}; choose loky or dask")
    if (backend == "dask") != (scheduler is not None):
        raise ValueError(
            "--backend dask and --scheduler ADDRESS go together, as in "
            "--backend dask --scheduler tcp://127.0.0.1:8786"
        )


def asked(given: Mapping[str, Any], out: Path, *, resume: bool) -> Grid:
    """Return the grid of the file, the flags, or the results to go on with."""
    from compare.sweeping import declaration, results
    from compare.sweeping.axes import AXES

    flags = {name: given[name] for name in AXES if given[name] is not None}
    path = given["declaration"]
    axes = declaration.from_file(path) if path else {}
    axes |= declaration.from_flags(flags)
    if resume:
        before = declaration.grid(declaration.from_json(results.declared(out), str(out)), str(out))
        if axes and declaration.grid(axes, "the grid").declared() != before.declared():
            raise ValueError(
                f"{out} holds the results of another grid; --resume alone goes on with it"
            )
        return before
    grid = declaration.grid(axes, str(path or "parity sweep"))
    if out.exists():
        raise ValueError(f"{out} exists; --resume goes on with it, -o names another file")
    writable(out)
    return grid


def swept(grid: Grid, out: Path, *, resume: bool, jobs: int, scheduler: str | None) -> bool:
    """Verify the cells that are not in the file yet; return whether Ctrl-C stopped it."""
    from compare.sweeping import results
    from compare.sweeping.pools import connected, cores, spread

    with connected(scheduler), results.opened(out) as connection:
        if not resume:
            results.create(connection, grid.declared())
        done = results.keys(connection)
        outcomes = spread(grid.remaining(done), jobs=jobs or cores(), cluster=bool(scheduler))
        try:
            for _ in progress(results.kept(connection, outcomes), grid.size, len(done)):
                pass
        except KeyboardInterrupt:
            return True
    return False


def progress(outcomes: Iterable[Outcome], total: int, done: int) -> Iterator[Outcome]:
    """Show on a terminal's stderr how many cells are done, how fast, and how long the rest will take."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.completed:,}/{task.total:,} cells"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[failed]:,} failed, {task.fields[rate]:.1f} a second"),
        TimeRemainingColumn(),
    )
    from compare.sweeping.outcomes import FAILED

    failed, start = 0, time.monotonic()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total, completed=done, failed=0, rate=0.0)
        for number, outcome in enumerate(outcomes, 1):
            failed += outcome.verdict in FAILED
            rate = number / (time.monotonic() - start)
            bar.update(task, advance=1, failed=failed, rate=rate)
            yield outcome


def summarised(out: Path, size: int, html: Path | None, json: Path | None) -> int:
    """Print the summary, write the files that were asked for, and return the exit code."""
    from compare.reports.console import standard_output
    from compare.reports.files import write_json, write_text
    from compare.sweeping.summaries import declared, page, show, summary

    found = summary(out, size)
    show(found, standard_output())
    if html is not None:
        write_text(html, page(found))
    if json is not None:
        write_json(json, declared(found))
    return {"parity": 0, "divergence": 1, "nothing": 2}[found.totals.verdict]


def one(text: str) -> int:
    """Verify one cell, and print what came of it."""
    from compare.divergence import Divergence
    from compare.sweeping import declaration
    from compare.sweeping.outcomes import FAILED, Outcome, progressing, verified
    from compare.sweeping.trials import trial

    with refusing():
        cell = declaration.cell(text)
        task = trial(cell)
    outcome = verified(cell)
    nothing = not outcome.arrays and outcome.verdict not in FAILED
    says = outcome.says or f"{outcome.steps:,} steps agree"
    print(f"{outcome.verdict}: {says}{'; nothing was compared' * nothing}")
    if outcome.verdict == "divergence":
        try:
            for _ in progressing(task, Outcome("", "", "")):
                pass
        except Divergence as divergence:
            print("\n".join(divergence.details()))
        except AssertionError:
            pass
    return 1 if outcome.verdict in FAILED else 2 if nothing else 0
