r"""Checking a training run that goes on by itself: one mapping of entries a step, for the batches it was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import numpy as np

from compare.checking.elsewhere import Step
from compare.checking.entries import flattened
from compare.checking.examination import examine
from compare.checking.likeness import configuration
from compare.checking.numbers import plain
from compare.checking.steps import formulas, passed
from compare.checking.verdict import Verdict
from compare.configuration import Configuration
from compare.formulas.evaluation import GOING_ON, START
from compare.traces import Array
from compare.verification import Batch


def check_training(
    traces: Iterable[Mapping[str, Any]],
    like: str | Configuration,
    initial: Mapping[str, Array],
    batches: Iterable[Batch],
    *,
    name: str = "training run",
) -> Verdict:
    """Check a training run that goes on by itself: one mapping of entries a step, for these batches.

    The run starts at `initial`, and each step from what the step before showed. Where a batch is given
    inputs of an evaluation, `Batch(X, Y, state={"evalX": ..., "evalY": ...})`, evalA1, ... and evalloss
    are what the net makes of them after the step; where a list of mappings shows epochloss, it is the
    mean over the examples since the last one. Raises Wrong where an entry is not what its formula
    makes of the run's own numbers; ValueError where there are fewer or more steps than batches.
    """
    return passed(examine_training(traces, like, initial, batches, name=name))


def examine_training(
    traces: Iterable[Mapping[str, Any]],
    like: str | Configuration,
    initial: Mapping[str, Array],
    batches: Iterable[Batch],
    *,
    name: str = "training run",
) -> Verdict:
    """Return the verdict on a training run, whatever it is."""
    c = configuration(like) if isinstance(like, str) else like
    verdict = Verdict(name, c.title)
    needed = [f"W{l}" for l in range(1, len(c.activations) + 1)]
    if lacking := [n for n in needed if n not in initial]:
        raise ValueError(f"initial has no {lacking[0]}; this net has {', '.join(needed)}")
    initial = {n: np.array(plain(x)) for n, x in initial.items()}
    initial = {n: x[:, None] if x.ndim == 1 else x for n, x in initial.items()}
    try:
        return examine(
            verdict,
            formulas(c),
            initial,
            paired(traces, epochs(traces, batches)),
            c.by_torch(),
            case="the run",
        )
    except ValueError as error:
        return replace(verdict, error=str(error))


def epochs(traces: Iterable[Mapping[str, Any]], batches: Iterable[Batch]) -> Iterable[Batch]:
    """Return the batches; where a run shows the mean loss of its epochs, each says whether it begins one."""
    shows = [
        isinstance(t, Mapping) and t.get("epochloss") is not None
        for t in (traces if isinstance(traces, Sequence) else ())
    ]
    if not any(shows):
        return batches
    starts = chain([True], shows, repeat(False))
    return (
        replace(batch, state={**batch.state, **(START if start else GOING_ON)})
        for batch, start in zip(batches, starts, strict=False)
    )


def paired(traces: Iterable[Mapping[str, Any]], batches: Iterable[Batch]) -> Iterator[Step]:
    """Yield each step's entries with its batch; as many of the one as of the other."""
    steps, over = iter(traces), object()
    made = 0
    for made, batch in enumerate(batches, 1):
        if not isinstance(batch, Batch):
            raise ValueError(f"batch {made} is a {type(batch).__name__}; expected Batch(X, Y)")
        trace: Any = next(steps, over)
        if trace is over:
            raise ValueError(f"the run made {made - 1} steps, fewer than the batches it was given")
        if not isinstance(trace, Mapping):
            raise ValueError(
                f"step {made} of the run is a {type(trace).__name__}; expected a mapping of names "
                "to arrays"
            )
        yield {n: plain(x) for n, x in flattened(trace).items()}, batch
    if next(steps, over) is not over:
        raise ValueError(f"the run made more than the {made} steps that it was given batches for")
