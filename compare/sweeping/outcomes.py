r"""A cell verified, step by step, and what came of it; whatever goes wrong is an outcome, not an end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from compare.divergence import Divergence
from compare.pacing import Unequal
from compare.stacking import Settled, settle
from compare.sweeping.grid import Cell, key
from compare.sweeping.trials import trial
from compare.tasks import Task
from compare.traces import Misshapen

# parity; parity until both overflowed at the same entry; values that cannot go together; the failures
VERDICTS = ("parity", "blown up", "impossible", "divergence", "error")
FAILED = ("divergence", "error")


@dataclass(frozen=True)
class Outcome:
    """One cell's result: the verdict, how much was compared, and the entry that came nearest its limit."""

    key: str
    cell: str  # as JSON
    verdict: str
    steps: int = 0
    arrays: int = 0
    numbers: int = 0
    margin: float = 0.0  # the worst error over what is allowed
    entry: str = ""
    loss: float | None = None
    seconds: float = 0.0
    says: str = ""


def verified(cell: Cell) -> Outcome:
    """Return the outcome of one cell."""
    start = time.perf_counter()
    empty = Outcome(key(cell), json.dumps(cell), "impossible")
    try:
        task = trial(cell)
    except (ValueError, MemoryError) as error:
        return replace(empty, says=str(error))
    except Exception as error:
        return replace(empty, verdict="error", says=f"{type(error).__name__}: {error}")
    last = replace(empty, verdict="parity")
    try:
        for last in progressing(task, replace(empty, verdict="parity")):  # noqa: B007
            pass
    except Divergence as divergence:
        last = replace(last, verdict="divergence", says=divergence.headline)
    except (Unequal, Misshapen) as error:
        last = replace(last, verdict="divergence", says=str(error))
    except Exception as error:
        last = replace(last, verdict="error", says=f"{type(error).__name__}: {error}")
    return replace(last, seconds=time.perf_counter() - start)


def progressing(task: Task, outcome: Outcome) -> Iterator[Outcome]:
    """Yield the outcome after every step."""
    c = task.configuration
    for stepped in settle(c.by_hand(), c.by_torch(), c, task.initial(), task.batches()):
        outcome = counted(outcome, stepped)
        yield outcome


def counted(outcome: Outcome, step: Settled) -> Outcome:
    """Return the outcome with one more step counted."""
    if step.margin >= outcome.margin:
        outcome = replace(outcome, margin=step.margin, entry=step.entry)
    compared = takewhile(lambda entry: entry[0] != step.blown, step.candidate.items())
    outcome = replace(
        outcome,
        steps=outcome.steps + 1,
        arrays=outcome.arrays + step.arrays,
        numbers=outcome.numbers + sum(x.size for _, x in compared),
    )
    if step.blown:
        says = f"both overflow at step {step.number}, first in {step.blown}"
        return replace(outcome, verdict="blown up", says=says)
    return replace(outcome, loss=float(step.candidate["loss"]))
