r"""A recording in which a formula is wrong, read once more as somebody's program is.

So it may keep to conventions of its own, which are said and not blamed, and the mistake is named by
what the steps after it show too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from compare.checking.examination import examine
from compare.checking.judging import Judgement
from compare.checking.numbers import same
from compare.checking.steps import formulas
from compare.checking.verdict import Verdict
from compare.recording.names import UNITS
from compare.recording.reading import Recording
from compare.traces import Array, kind

BEFORE = 3  # steps that are looked at before a wrong one
Seen = Callable[[int, Judgement], None]


def before(recording: Recording, step: int) -> int:
    """Return the step from which on to look at a wrong one: a few before, or the first where state is carried along."""
    return max(0, step - BEFORE) if recording.alone else 0


def reread(recording: Recording, first: int = 0, seen: Seen | None = None) -> Verdict:
    """Return the verdict on the steps from `first` on, read as a program's; `seen` is told of each."""
    c = recording.configuration
    pairs = alike(recording.trace(0))  # what is written over is so from the first step on
    numbers = range(first, len(recording))
    steps = ((merged(recording.trace(k), pairs), recording.batch(k)) for k in numbers)
    verdict = Verdict(recording.path.name, c.title)
    most = BEFORE + 1 if recording.alone else None
    try:
        return examine(
            verdict, formulas(c), recording.state(first), steps, c.by_torch(), case="the run",
            most=most, seen=seen,
        )  # fmt: skip
    except (ValueError, RuntimeError, ArithmeticError) as error:
        return verdict.stopped("the run", error)


def merged(trace: Mapping[str, Array], pairs: Mapping[str, str]) -> dict[str, Any]:
    """Return entries of which those that are written over are the array that is written, as in a program.

    >>> import numpy as np
    >>> z = merged({"Z1": np.ones((1, 2)), "A1": np.ones((1, 2))}, {"Z1": "A1"})
    >>> z["Z1"] is z["A1"]
    True
    """
    over = {
        n: other for n, other in pairs.items() if n in trace and same(trace[n], trace.get(other))
    }
    return {**trace, **{n: trace[other] for n, other in over.items()}}


def alike(trace: Mapping[str, Array]) -> dict[str, str]:
    """Return the quantities of a layer, one number an example, that hold the numbers of another, and which.

    What a later step reads cannot have been written over.

    >>> import numpy as np
    >>> alike({"Z1": np.ones((1, 2)), "A1": np.ones((1, 2)), "dW1": np.ones((1, 2)), "W1": np.ones((1, 2))})
    {'Z1': 'A1'}
    """
    names = [n for n in trace if kind(n).removeprefix("d") in UNITS]
    pairs = ((n, other) for i, n in enumerate(names) for other in names[i + 1 :])
    return {n: other for n, other in pairs if same_layer(n, other) and same(trace[n], trace[other])}


def same_layer(name: str, other: str) -> bool:
    return name.removeprefix(kind(name)) == other.removeprefix(kind(other))
