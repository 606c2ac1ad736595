r"""`parity run`: train on data by hand and by PyTorch, step by step, and report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compare.commands.options import assigned, refusing, writable

if TYPE_CHECKING:
    from compare.reports.report import Report
    from compare.summary import Summary
    from compare.tasks import Task

DATA = "wine-sample (synthetic, embedded), wine-red, wine-white, diabetes, breast-cancer, or a CSV file"
O = typer.Option


def run(
    data: Annotated[str, O(help=DATA)] = "wine-sample",
    path: Annotated[Path | None, O(help="where the wine CSV lies")] = None,
    target: Annotated[str | None, O(help="target column of a CSV of your own")] = None,
    task: Annotated[str | None, O(help="regression, binary or multiclass")] = None,
    threshold: Annotated[float, O(help="binary wine: label 1 where quality >= this")] = 6,
    hidden: Annotated[str, O(help="hidden widths, as in 8 or 16,8")] = "8",
    activation: Annotated[str, O(help="hidden activation, or one a layer: relu,tanh")] = "relu",
    output: Annotated[str | None, O(help="output activation; by default what the loss takes")] = None,
    loss: Annotated[str | None, O(help="mse, mse_per_example, bce, bce_with_logits, ...")] = None,
    optimizer: Annotated[str, O(help="sgd, momentum, adagrad, rmsprop, adam, adamw, ...")] = "adam",
    lr: Annotated[float, O(help="learning rate")] = 0.01,
    option: Annotated[list[str] | None, O("--set", help="any option of the rule: momentum=0.9")] = None,
    schedule: Annotated[str, O(help='learning rate: constant, "exponential(gamma=0.9)"')] = "constant",
    clip: Annotated[float | None, O(help="clip gradients to this global norm")] = None,
    clip_value: Annotated[float | None, O(help="clamp gradient entries to +- this")] = None,
    batch_norm: Annotated[bool, O(help="batch norm on the hidden layers")] = False,
    dropout: Annotated[float, O(help="probability of dropping a hidden unit")] = 0.0,
    accumulate: Annotated[int, O(help="micro-batches an update", min=1)] = 1,
    batch_size: Annotated[int | None, O(help="mini-batch size; full batch by default", min=1)] = None,
    steps: Annotated[int, O(help="training steps", min=1)] = 200,
    init: Annotated[str, O(help="linear_default, xavier_uniform, ...")] = "linear_default",
    dtype: Annotated[str, O(help="float64 or float32")] = "float64",
    seed: Annotated[int, O(help="seed of weights, batch order and dropout")] = 0,
    free: Annotated[bool, O(help="also let both run free, and show the drift")] = False,
    json: Annotated[Path | None, O(help="write the report as JSON")] = None,
    csv: Annotated[Path | None, O(help="write every error of every step as CSV")] = None,
) -> None:
    """Train by hand and by PyTorch from the same seed, compare every number at every step, and report.

    Each step starts both sides from the same state. Every entry (Z1, A1, ..., loss, dZ2, dW2, ...,
    optimiser state, parameters) is held against torch's, and recomputed by its stated formula from
    its own inputs. Exit code 0: parity; 1: divergence, with the formula that is wrong; 2: bad input.

    Examples: parity run --data wine-red --optimizer sgd --lr 0.05 --set momentum=0.9
    parity run --task binary --loss bce --activation tanh --batch-size 32
    """
    with refusing():
        for file in (json, csv):
            writable(file)
        from compare.preparation import prepare

        prepared = prepare(
            data=data, path=path, target=target, task=task, threshold=threshold, hidden=hidden,
            activation=activation, output=output, loss=loss, optimizer=optimizer,
            options={"lr": lr} | assigned(option or []), schedule=schedule, clip=clip,
            clip_value=clip_value, batch_norm=batch_norm, dropout=dropout, accumulate=accumulate,
            batch_size=batch_size, steps=steps, init=init, dtype=dtype, seed=seed,
        )  # fmt: skip
    report = compared(prepared, keep_rows=csv is not None)
    if free:
        from compare.drift import drift

        report.drift = drift(prepared)
    written(report, json, csv)
    raise typer.Exit(130 if report.interrupted else 1 if report.divergence else 0)


def compared(task: Task, *, keep_rows: bool) -> Report:
    """Verify the task, showing progress, and return the report; Ctrl-C keeps what was found so far."""
    from compare.divergence import Divergence
    from compare.reports.report import Report
    from compare.summary import Summary
    from compare.verification import verify

    summary = Summary(rows=[] if keep_rows else None)
    report = Report(task, summary)
    c = task.configuration
    steps = verify(c.by_hand(), c.by_torch(), c, task.initial(), task.batches())
    last: Any = None
    try:
        for last in progress(summary.watch(steps), task.steps):  # noqa: B007
            pass
    except Divergence as divergence:
        report.divergence = divergence
    except KeyboardInterrupt:
        report.interrupted = True
    if last is not None:
        from compare.metrics import scores

        report.metrics = scores(c, task.dataset, last.candidate, last.reference)
    return report


def progress(steps: Any, total: int) -> Any:
    """Show a progress bar on a terminal's stderr while the steps go by; nothing where it is piped."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if not console.is_terminal:
        return steps
    return track(steps, description="verifying", total=total, console=console, transient=True)


def written(report: Report, json: Path | None, csv: Path | None) -> None:
    """Print the report, and write the files that were asked for."""
    from rich.console import Console

    from compare.reports.files import write_json, write_text
    from compare.reports.terminal import WIDTH, show
    from compare.summary import frame

    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    show(report, console)
    with refusing():
        if json is not None:
            write_json(json, report.declared())
        if csv is not None:
            write_text(csv, frame(report.summary).to_csv(index=False))
