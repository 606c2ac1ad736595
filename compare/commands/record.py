r"""`parity record`: make the training run that `parity run` would compare, and keep every number of it in a file."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compare.commands.progress import progress
from compare.commands.refusals import refusing, writable
from compare.commands.run import run
from compare.options import assigned
from compare.request import Request

if TYPE_CHECKING:
    from compare.recording import About, Written
    from compare.tasks import Task

O = typer.Option
VERDICTS = ("level",)  # of the request, but of no use to a run that nothing is compared with
SHARED = [f.name for f in fields(Request) if f.name not in VERDICTS] + ["option"]


def record(
    out: Annotated[Path, O("-o", "--out", help="the recording, a safetensors file")],
    by: Annotated[str, O(help="who makes the run: manual or torch")] = "manual",
    force: Annotated[bool, O("--force", help="overwrite the file if it exists")] = False,
    **options: Any,
) -> None:
    """Train by hand or by PyTorch, and write every number of every step to a safetensors file.

    The options are those of `parity run`. The file holds the configuration, the initial state, the
    batch of each step and every entry (Z1, A1, ..., loss, dZ2, dW2, ..., optimiser state,
    parameters); `parity check` verifies it, and any language can read or write one.

    Example: parity record --optimizer adam --steps 20 -o adam.safetensors
    """
    with refusing():
        if by not in ("manual", "torch"):
            raise ValueError(f"--by is {by!r}; choose manual or torch")
        writable(out)
        if out.suffix != ".safetensors":
            raise ValueError(f"--out is {out}; name a file that ends in .safetensors")
        from compare.preparation import prepare

        options["options"] = assigned(options.pop("option") or [])
        written = recorded(prepare(Request(**options)), out, by=by, force=force)
    print(
        f"recorded {written.steps:,} steps of {by}: {written.tensors:,} tensors, "
        f"{written.size:,} bytes, in {out}"
    )


def recorded(task: Task, out: Path, *, by: str, force: bool) -> Written:
    """Record the task's run, showing progress."""
    from compare.recording import record

    c = task.configuration
    step = c.by_hand() if by == "manual" else c.by_torch()
    losses: list[tuple[float, float]] = []  # for a schedule or an early stop that looks at them

    def watched(*operands: Any, **options: Any) -> dict[str, Any]:
        trace = step(*operands, **options)
        losses.append((float(trace["loss"]), float(trace["loss"])))
        return trace

    batches = progress(task.batches(losses), task.steps)
    return record(out, watched, task.initial(), batches, about(task, by), force=force)


def about(task: Task, by: str) -> About:
    """Return what the recording says of the run."""
    import platform

    import numpy as np
    import torch

    from compare.recording import About

    data = task.dataset
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    return About(
        task.configuration,
        str(data.X_train.dtype),
        task.steps,
        seed=task.seed,
        program=f"parity, by {by}",
        data=f"{data.name} ({'synthetic' if data.synthetic else 'real'})",
        versions=versions | {"torch": torch.__version__},
    )


def spelled_out() -> inspect.Signature:
    """Return the signature of `record`, its **options spelled out as those of `parity run`."""
    own, theirs = (inspect.signature(f, eval_str=True) for f in (record, run))
    parameters = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    parameters += [p for p in theirs.parameters.values() if p.name in SHARED]
    return own.replace(parameters=[p.replace(kind=p.KEYWORD_ONLY) for p in parameters])


signature = spelled_out()
vars(record)["__signature__"] = signature
record.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
