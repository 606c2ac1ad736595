r"""`parity experiment`: what is taught of deep nets, learning rates and optimisers, measured on both sides."""

from __future__ import annotations

import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compare.commands.progress import saying
from compare.commands.refusals import refusing, writable
from compare.commands.run import DATA

if TYPE_CHECKING:
    from compare.datasets import Dataset
    from compare.experiments.outcome import Outcome

EXPERIMENTS = {
    "gradients": "compare.experiments.gradients",
    "learning-rate": "compare.experiments.learning_rates",
    "optimizers": "compare.experiments.races",
}
O = typer.Option


def experiment(
    name: Annotated[str, typer.Argument(help="gradients, learning-rate or optimizers")],
    data: Annotated[str, O(help=DATA)] = "wine-sample",
    path: Annotated[Path | None, O(help="where the wine CSV lies")] = None,
    target: Annotated[str | None, O(help="target column of a CSV of your own")] = None,
    depth: Annotated[int | None, O(help="hidden layers", min=1, max=50)] = None,
    width: Annotated[int | None, O(help="units of each hidden layer", min=2, max=500)] = None,
    steps: Annotated[int | None, O(help="training steps of each run", min=10)] = None,
    dtype: Annotated[str, O(help="float64 or float32")] = "float64",
    seed: Annotated[int, O(help="of weights and batch order")] = 0,
    output: Annotated[
        Path | None, O("-o", "--output", help="folder for the figures (PNG, SVG) and results.json")
    ] = None,
    json: Annotated[Path | None, O(help="write the results as JSON")] = None,
) -> None:
    """Measure what is taught: each run by hand and by PyTorch, every step verified, both sides drawn.

    gradients: why they vanish and explode in deep nets, and what each remedy does to it.
    learning-rate: too large diverges, too small crawls; where the line is, and why.
    optimizers: every rule on the same net and data, each at its best learning rate.

    Exit code 0: parity; 1: divergence; 2: bad input.

    Example: parity experiment gradients --data wine-red -o gradients
    """
    with refusing():
        module = chosen(name)
        writable(json)
        if output is not None:
            from compare.experiments import folder

            folder.check(output, folder.names(module.FIGURES))
        dataset = loaded(data, path, target, dtype, seed)
    given = {"depth": depth, "width": width, "steps": steps}
    options = {n: x for n, x in given.items() if x is not None}
    with saying("loading") as say:
        outcome = found(lambda: module.experiment(dataset, seed=seed, say=say, **options))
    written(outcome, output, json)


def chosen(name: str) -> Any:
    """Return the module of an experiment, or refuse with the names there are."""
    if name in EXPERIMENTS:
        return import_module(EXPERIMENTS[name])
    near = get_close_matches(name, EXPERIMENTS, 1)
    hint = f"did you mean {near[0]}? There" if near else "there"
    raise ValueError(f"unknown experiment {name!r}; {hint} are {', '.join(EXPERIMENTS)}")


def loaded(data: str, path: Path | None, target: str | None, dtype: str, seed: int) -> Dataset:
    """Return the data set for a regression."""
    from compare.datasets import load

    return load(data, path=path, target=target, task="regression", dtype=dtype, seed=seed)


def found(run: Callable[[], Outcome]) -> Outcome:
    """Run an experiment; a divergence is told, and ends it with exit code 1."""
    from compare.divergence import Divergence
    from compare.pacing import Unequal
    from compare.traces import Misshapen

    try:
        return run()
    except (Divergence, Unequal, Misshapen) as error:
        print(f"DIVERGENCE: {error}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print("parity: nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None


def written(outcome: Outcome, output: Path | None, json: Path | None) -> None:
    """Print what was found, and write the files that were asked for."""
    from compare.experiments import folder
    from compare.experiments.outcome import show
    from compare.reports.console import standard_output
    from compare.reports.files import write_json

    show(outcome, standard_output())
    with refusing():
        if json is not None:
            write_json(json, outcome.declared())
        files = folder.write(outcome, output) if output is not None else []
    for file in files:
        print(f"wrote {file}")
    if output is None:
        print(f"-o FOLDER draws {', '.join(outcome.figures)}")
