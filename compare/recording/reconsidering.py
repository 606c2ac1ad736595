r"""A recording in which a formula is wrong, read once more as somebody's program is.

So it may keep to conventions of its own, which are said and not blamed, and the mistake is named by
what the steps after it show too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from compare.checking.examination import examine
from compare.checking.judging import Judgement
from compare.checking.steps import formulas
from compare.checking.verdict import Verdict
from compare.recording.reading import Recording
from compare.traces import Array

BEFORE = 3  # steps that are looked at before a wrong one
Seen = Callable[[int, Judgement], None]


def before(recording: Recording, step: int) -> int:
    """Return the step from which on to look at a wrong one: a few before, or the first where state is carried along."""
    return max(0, step - BEFORE) if recording.alone else 0


def reread(recording: Recording, first: int = 0, seen: Seen | None = None) -> Verdict:
    """Return the verdict on the steps from `first` on, read as a program's; `seen` is told of each."""
    c = recording.configuration
    steps = ((merged(recording.trace(k)), recording.batch(k)) for k in range(first, len(recording)))
    verdict = Verdict(recording.path.name, c.title)
    most = BEFORE + 1 if recording.alone else None
    try:
        return examine(
            verdict, formulas(c), recording.state(first), steps, c.by_torch(), case="the run",
            most=most, seen=seen,
        )  # fmt: skip
    except (ValueError, RuntimeError, ArithmeticError) as error:
        return verdict.stopped("the run", error)


def merged(trace: Mapping[str, Array]) -> dict[str, Any]:
    """Return entries of which those that hold the same numbers are one array, as in a program that writes over it.

    >>> import numpy as np
    >>> z = merged({"Z1": np.ones((1, 2)), "A1": np.ones((1, 2)), "b1": np.ones((2, 1))})
    >>> z["Z1"] is z["A1"], z["A1"] is z["b1"]
    (True, False)
    """
    held: dict[tuple[tuple[int, ...], bytes], Array] = {}
    return {n: held.setdefault((x.shape, x.tobytes()), x) for n, x in trace.items()}
