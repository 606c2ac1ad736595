r"""`parity run`: train on data by hand and by PyTorch, step by step, and report."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compare.commands.progress import progress
from compare.commands.refusals import REPRO, destinations, refusing, reproducing
from compare.commands.spelling import spelled_run
from compare.options import assigned
from compare.request import Request

if TYPE_CHECKING:
    from compare.reports.report import Report
    from compare.tasks import Task
    from compare.verification import Stepped
    from compare.witnesses.testimony import Testimony

DATA = "wine-sample (synthetic, embedded), wine-red, wine-white, diabetes, breast-cancer, or a CSV"
BATCH_NORM_MOMENTUM = (
    "weight of the newest batch in its running statistics, by default 0.1; none: their average"
)
UNDECAYED = "kinds of parameters that weight decay leaves alone: b, gamma, beta"
PATIENCE = "stop after this many epochs without a better loss; with the full batch, steps"
SCHEDULE = 'of the rate: "exponential(gamma=0.99)", "reduce_on_plateau(patience=5)", ...'
PRECISION = "in which torch computes, with limits of its own: float32, tf32, bfloat16, float16"
LEVEL = "formula: judge every formula at every step; step: at the first, then the step as a whole"
WITNESS = "ask one more about the first step: gradcheck, complex-step, differences, sklearn, digits"
O = typer.Option
D = Request()


def run(
    data: Annotated[str, O(help=DATA)] = D.data,
    path: Annotated[Path | None, O(help="where the wine CSV lies")] = D.path,
    target: Annotated[str | None, O(help="target column of a CSV of your own")] = D.target,
    task: Annotated[str | None, O(help="regression, binary or multiclass")] = D.task,
    threshold: Annotated[float, O(help="binary: label 1 where target >= this")] = D.threshold,
    hidden: Annotated[
        str, O("--hidden", "--layers", help="hidden widths, as in 8 or 16,8; or none")
    ] = D.hidden,
    activation: Annotated[str, O(help="hidden: one, or one a layer: relu,tanh")] = D.activation,
    output: Annotated[str | None, O(help="activation; by default what the loss takes")] = D.output,
    loss: Annotated[str | None, O(help="mse, bce, bce_with_logits, cross_entropy, ...")] = D.loss,
    optimizer: Annotated[str, O(help="sgd, rmsprop, adam, adamw, nadam, ...")] = D.optimizer,
    lr: Annotated[float, O(help="learning rate")] = D.lr,
    option: Annotated[list[str] | None, O("--set", help="any of the rule: momentum=0.9")] = None,
    schedule: Annotated[str, O(help=SCHEDULE)] = D.schedule,
    clip: Annotated[float | None, O(help="clip gradients to this global norm")] = D.clip,
    clip_value: Annotated[float | None, O(help="clamp gradients to +- this")] = D.clip_value,
    batch_norm: Annotated[bool, O("--batch-norm", help="on the hidden layers")] = D.batch_norm,
    batch_norm_momentum: Annotated[str | None, O(help=BATCH_NORM_MOMENTUM)] = D.batch_norm_momentum,
    no_affine: Annotated[
        bool, O("--no-affine", help="batch norm without gamma and beta")
    ] = D.no_affine,
    dropout: Annotated[float, O(help="probability of dropping a hidden unit")] = D.dropout,
    accumulate: Annotated[int, O(help="micro-batches an update", min=1)] = D.accumulate,
    undecayed: Annotated[str, O(help=UNDECAYED)] = D.undecayed,
    frozen: Annotated[str, O(help="parameters that do not train: W1,b1")] = D.frozen,
    batch_size: Annotated[int | None, O(help="by default the full batch", min=1)] = D.batch_size,
    steps: Annotated[int | None, O(help="training steps; 200 by default", min=1)] = D.steps,
    epochs: Annotated[int | None, O(help="passes over the data, for steps", min=1)] = D.epochs,
    patience: Annotated[int | None, O(help=PATIENCE, min=1)] = D.patience,
    init: Annotated[str, O(help="linear_default, xavier_uniform, ...")] = D.init,
    dtype: Annotated[str, O(help="float64 or float32")] = D.dtype,
    seed: Annotated[int, O(help="of weights, batch order and dropout")] = D.seed,
    level: Annotated[str, O(help=LEVEL)] = D.level,
    device: Annotated[str, O(help="where torch computes: cpu or cuda")] = "cpu",
    precision: Annotated[str | None, O(help=PRECISION)] = None,
    free: Annotated[bool, O("--free", help="also let both run free, and show the drift")] = False,
    witness: Annotated[list[str] | None, O(help=WITNESS)] = None,
    json: Annotated[Path | None, O(help="write the report as JSON; - is standard output")] = None,
    csv: Annotated[Path | None, O(help="write every error of every step as CSV")] = None,
    html: Annotated[Path | None, O(help="write the report as one page, figures and all")] = None,
    repro: Annotated[Path | None, O(help=REPRO)] = None,
) -> None:
    """Train by hand and by PyTorch from the same seed, compare every number at every step, and report.

    Each step starts both sides from the same state. Every entry (Z1, A1, ..., loss, dZ2, dW2, ...,
    optimiser state, parameters) is held against torch's, and recomputed by its stated formula from
    its own inputs; at the end, so is what both nets make of the training and test examples in
    evaluation. Exit code 0: parity; 1: divergence, with the formula that is wrong; 2: bad input.
    With --device or --precision torch computes elsewhere, and the report is what that does to each formula.

    Examples:

    parity run --data wine-red --optimizer sgd --lr 0.05 --set momentum=0.9

    parity run --task binary --loss bce --activation tanh --batch-size 32
    """
    asked = dict(locals())
    with refusing():
        destinations(json, csv, html, *reproducing(repro), read=[data, path])
        asked["options"] = assigned(option or [])
        from compare.preparation import prepare

        request = Request(**{f.name: asked[f.name] for f in fields(Request)})
        prepared = prepare(request)
        away = device != "cpu" or precision is not None
        others = {"free": free, "csv": csv, "html": html, "witness": witness, "repro": repro}
        others["level"] = prepared.level != "formula"
        if away and (name := next((n for n, x in others.items() if x), "")):
            raise ValueError(f"--{name} is not for --device and --precision; --json is")
        testimonies = heard(witness or [], prepared)
    if away:
        moved = device if device != "cpu" else None
        command = spelled_run(request, device=moved, precision=precision)
        raise typer.Exit(elsewhere(prepared, device, precision, json, command))
    report = compared(prepared, keep_rows=csv is not None)
    report.testimonies = testimonies
    if free:
        from compare.drift import drift

        report.drift = drift(
            prepared, lambda steps: progress(steps, prepared.steps, "running free")
        )
    report.command = spelled_run(request, free=free, witnesses=witness or ())
    written(report, json, csv, html)
    reproduced(report, repro)
    failed = report.verdict == "divergence"
    raise typer.Exit(130 if report.interrupted else 1 if failed else 0)


def reproduced(report: Report, repro: Path | None) -> None:
    """Write the smallest reproduction of a divergence, where one was asked for and there is one."""
    failing, divergence = report.failing, report.divergence
    if repro is None or report.verdict == "parity":
        return
    if failing is None or divergence is None:
        print("no reproduction: no formula of a step is wrong")
        return
    from compare.reproduction import again, smallest, write

    origin = divergence.origin.removeprefix("update.")
    attempt = again(report.task.configuration, failing.shown, divergence)
    with refusing():
        write(repro, smallest(attempt, failing.shown), origin, divergence.headline)
    print(f"a reproduction of it: python {repro.with_suffix('.py')}")


def heard(names: list[str], task: Task) -> list[Testimony]:
    """Ask the witnesses, before anything else: what they cannot be asked is refused at once."""
    from compare.witnesses import witness

    return [witness(name)(task) for name in dict.fromkeys(names)]


def elsewhere(
    task: Task,
    device: str,
    precision: str | None,
    json: Path | None,
    command: str,
) -> int:
    """Measure what a device or a precision does to each formula of torch, print it, and return the exit code."""
    from compare.devices.account import account
    from compare.devices.places import place
    from compare.divergence import Divergence
    from compare.reports.console import standard_output
    from compare.reports.files import write_json

    with refusing():
        chosen = place(device, precision, str(task.dataset.X_train.dtype))
        try:
            found = account(task, chosen, lambda steps: progress(steps, task.steps))
        except Divergence as divergence:
            print(f"DIVERGENCE at {divergence}")
            return 1
        found.command = command
        standard_output().print(found.shown(), crop=False)
        if json is not None:
            write_json(json, found.declared())
    return 130 if found.interrupted else 1 if found.beyond else 0


def compared(task: Task, *, keep_rows: bool) -> Report:
    """Verify the task, showing progress, and return the report; Ctrl-C keeps what was found so far."""
    import numpy as np

    from compare import memory
    from compare.divergence import Divergence
    from compare.evaluation import unlike
    from compare.metrics import scores
    from compare.pacing import Unequal
    from compare.replay import failing
    from compare.reports.report import Report
    from compare.summary import Summary, row
    from compare.traces import Misshapen

    memory.keep()
    summary = Summary(rows=[] if keep_rows else None)
    report = Report(task, summary)
    last: Stepped | None = None
    try:
        for last in progress(summary.watch(task.verified(summary.losses)), task.steps):  # noqa: B007
            pass
    except Divergence as divergence:
        report.divergence = divergence
        report.failing = failing(task, divergence, summary.losses)
        if report.failing and summary.rows is not None:
            summary.rows += [row(divergence.step, j) for j in report.failing.judged]
    except (Unequal, Misshapen) as error:
        report.broken = str(error)
    except KeyboardInterrupt:
        report.interrupted = True
    if last is not None:
        c = task.configuration
        with np.errstate(all="ignore"):
            report.metrics = scores(c, task.dataset, last.candidate, last.reference)
            report.unlike = list(unlike(c, task.dataset, last.candidate))
    return report


def written(report: Report, json: Path | None, csv: Path | None, html: Path | None) -> None:
    """Print the report, and write the files that were asked for."""
    from compare.reports.console import standard_output
    from compare.reports.files import write_json, write_text
    from compare.reports.terminal import show
    from compare.summary import frame

    console = standard_output()
    show(report, console)
    with refusing():
        if json is not None:
            write_json(json, report.declared())
        if csv is not None:
            write_text(csv, frame(report.summary).to_csv(index=False))
        if html is not None:
            from compare.reports.html import run_page

            write_text(html, run_page(report))
