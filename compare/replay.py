r"""A divergence looked at again: the same steps by hand from the same seed, up to the wrong one and a few beyond.

A run keeps no traces. What is needed to say why a formula is wrong is made again from the task, which
is cheap: only one side is stepped, and nothing is judged before the step that failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from compare.diagnosis import Diagnosis, Scene, Shown, diagnose
from compare.divergence import Divergence
from compare.judgement import judge, judge_pair
from compare.pacing import Losses
from compare.standing import Judged, joined, ordered
from compare.sums import spared
from compare.tasks import Task

BEFORE, AFTER = 3, 3  # steps that tell apart mistakes which agree on the wrong one


@dataclass(frozen=True)
class Failing:
    """The step of a divergence: every entry judged, and the mistake named where a formula is wrong."""

    judged: tuple[Judged, ...]
    diagnosis: Diagnosis | None
    shown: Shown


def failing(task: Task, divergence: Divergence, losses: Losses) -> Failing | None:
    """Return the failing step; None where making it again does not show the divergence again.

    `losses` holds the pairs of the steps before it, for a schedule that looks at them.
    """
    steps = shown(task, losses)
    with np.errstate(all="ignore"):
        last = deque(islice(steps, divergence.step + 1), maxlen=BEFORE + 1)
        judged = judged_again(task, last[-1])
        if not any(fails(j) for j in judged if j.name == divergence.origin):
            return None
        if divergence.kind != "formula":
            return Failing(judged, None, last[-1])
        after = tuple(islice(further(steps), AFTER))
    last[-1] = replace(last[-1], coming=after[0].trace if after else {})
    return Failing(judged, diagnose(Scene(tuple(last), divergence.origin, after=after)), last[-1])


def shown(task: Task, losses: Losses) -> Iterator[Shown]:
    """Yield the steps of the run by hand."""
    c, state = task.configuration, task.initial()
    step = c.by_hand()
    for batch in task.batches(losses):
        start = {**state, **batch.state}
        state = step(start, batch.X, batch.Y, **batch.options)
        yield Shown(state, start, batch.X, batch.Y, c.formulas(**batch.options))


def further(steps: Iterator[Shown]) -> Iterator[Shown]:
    """Yield the steps after the wrong one, as long as they can be made."""
    try:
        yield from steps
    except (ValueError, ArithmeticError, AssertionError):
        return


def judged_again(task: Task, s: Shown) -> tuple[Judged, ...]:
    """Return every entry of the step judged: by its formula, and beside torch's step from the same state."""
    c = task.configuration
    theirs = c.by_torch()(dict(s.state), s.X, s.Y, **s.formulas.hyperparameters)
    own = judge(s.formulas, s.trace, s.state, s.X, s.Y)
    other = judge(s.formulas, theirs, s.state, s.X, s.Y)
    pairs = judge_pair(s.formulas, s.trace, theirs, s.state, s.X, s.Y)
    judged = tuple(joined(n, own, other, pairs) for n in ordered(s.trace, pairs))
    return spared(judged, s.formulas, s.trace, theirs, s.state, s.X, s.Y)


def fails(j: Judged) -> bool:
    return j.misreferenced or j.margin > 1.0
