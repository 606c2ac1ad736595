r"""Verifying a recorded run: each step from the state it recorded, every entry by its formula, torch stepped beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from compare.diagnosis.scene import Shown, stepped
from compare.distances import distance
from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked, estimated
from compare.formulas.evaluation import EXAMPLES, LOSSES
from compare.judgement import judge, judge_pair
from compare.operands import NOTHING
from compare.recording.container import short
from compare.recording.reading import Recording
from compare.recording.replaying import Carried, step, unshown
from compare.standing import Judged, divergence, joined, ordered, suspicious
from compare.sums import spared
from compare.tolerances import CAP
from compare.traces import COUNTS, Array, Trace, kind, nonfinite
from compare.verification import sound, unneeded

CHUNKS = 4  # a job: enough for none to wait long for the last
UNSEEN = (LOSSES, EXAMPLES, "epochloss")  # the mean loss of an epoch is shown where it ends


@dataclass(frozen=True)
class Checked:
    """One verified step: what was judged, what the recording does not show, and what is wrong if anything is.

    `blown` names the entry in which the run and torch's step left the finite numbers together.
    """

    number: int
    judged: tuple[Judged, ...]
    sizes: Mapping[str, int]  # elements of each entry that was judged
    hidden: tuple[str, ...]
    wrong: Divergence | None = None
    blown: str | None = None


def verify_recording(path: Path | str, *, jobs: int = 1) -> Iterator[Checked]:
    """Yield each verified step of a recording, in order; the last one holds what is wrong, if anything is.

    Where every step shows all the state that the next one starts from, each step is verified by
    itself, `jobs` processes sharing them out. Where some of it is not shown, it is carried along by
    the formulas, one step after the other. Raises ValueError for a file that is no sound recording.
    """
    recording = Recording(path)
    if jobs != 1 and recording.alone and len(recording) > 1:
        steps = in_parallel(recording, jobs)
    else:
        steps = in_order(recording)
    for checked in steps:
        yield checked
        if checked.wrong or checked.blown:
            return


def in_order(recording: Recording) -> Iterator[Checked]:
    """Yield every step verified, what is not shown carried from each to the next."""
    carried: Carried = NOTHING
    for k in range(len(recording)):
        checked, carried = verify_step(recording, k, carried)
        yield checked


def in_parallel(recording: Recording, jobs: int) -> Iterator[Checked]:
    """Yield every step verified by itself, in other processes, in order."""
    from joblib import Parallel, delayed

    n, processes = len(recording), jobs if jobs > 0 else -1
    size = -(-n // (CHUNKS * abs(processes))) if jobs > 0 else 1 + n // 64
    parts = (range(first, min(first + size, n)) for first in range(0, n, size))
    results = Parallel(n_jobs=processes, return_as="generator")(
        delayed(verify_steps)(recording.path, part) for part in parts
    )
    try:
        for part in results:
            yield from part
    finally:
        with catch_warnings():
            simplefilter("ignore")  # that what comes after a wrong step is no longer wanted
            results.close()


def verify_steps(path: Path, numbers: range) -> list[Checked]:
    """Return some steps of a recording verified, up to the first that is wrong."""
    recording, out = Recording(path), []
    for k in numbers:
        out.append(verify_step(recording, k, NOTHING)[0])
        if out[-1].wrong or out[-1].blown:
            break
    return out


def verify_step(recording: Recording, k: int, carried: Carried) -> tuple[Checked, Carried]:
    """Verify one step; return what was found, and the state after it that the recording does not show."""
    made = step(recording, k, carried)
    state = {**made.state, **{n: rounded(n, x, made.X.dtype) for n, x in carried.items()}}
    with np.errstate(all="ignore"):
        theirs = by_torch(recording, k, made, state)
        results = dict(stepped(made, made.formulas))
        mine, blown = comparable(k, made.trace, theirs, results)
        judged = judgements(made, state, mine, theirs, results)
    hidden = tuple(n for n in results if n not in made.trace and n not in UNSEEN)
    if hidden or carried:
        judged = tuple(replace(j, limit=max(j.limit, CAP)) for j in judged)
    wrong = divergence(judged, theirs, k, recording.path.name)
    sizes = {n: x.size for n, x in mine.items()}
    return Checked(k, judged, sizes, hidden, wrong, blown), unshown(made, results)


# Where an operand is not shown, a formula takes in the roundings of the one before it, for which the
# reference, which shows everything, gives no measure: hence the limit that holds for any program.


def by_torch(recording: Recording, k: int, made: Shown, state: Trace) -> dict[str, Array]:
    """Return torch's own step from the recorded state; ValueError where torch refuses to make it."""
    options = made.formulas.hyperparameters
    try:
        return recording.configuration.by_torch()(dict(state), made.X, made.Y, **options)
    except (RuntimeError, ValueError, ArithmeticError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        hint = "; bce takes the outputs of a sigmoid" if "between 0 and 1" in reason else ""
        raise ValueError(f"step {k} cannot be made by torch: {reason}{hint}") from None


def comparable(
    k: int, trace: Trace, theirs: Trace, results: Carried
) -> tuple[dict[str, Array], str | None]:
    """Return the entries to judge, in torch's order, and the one from which on both are not finite, if they are.

    An entry for which no formula is stated is refused: nothing passes unjudged.
    """
    if strange := [n for n in trace if n not in results and n not in theirs]:
        raise ValueError(
            f"step {k} shows {short(strange[0])}, for which this configuration has no formula; "
            f"it has {', '.join(results)}"
        )
    mine = {n: trace[n] for n in (*theirs, *results) if n in trace and n in results}
    first = nonfinite(mine)
    if first is None or first != nonfinite(theirs, [n for n in mine if n in theirs]):
        return mine, None
    right = results[first]
    if unneeded(distance(mine[first], right), mine[first]) or not sound(mine[first], right):
        return mine, None
    return dict(takewhile(lambda entry: entry[0] != first, mine.items())), first


def judgements(
    made: Shown, state: Trace, mine: Trace, theirs: Trace, results: Carried
) -> tuple[Judged, ...]:
    """Return every entry judged: by its own formula, and against torch's step."""
    X, Y, formulas = made.X, made.Y, made.formulas
    first = nonfinite(mine)  # if any is here still, it need not have been
    own = {n: distance(x, results[n], strict=n == first) for n, x in mine.items()}
    grown = {n: estimated(state[n], x.error, X.dtype, x.terms) for n, x in made.carried.items()}
    pairs = judge_pair(formulas, mine, theirs, state, X, Y, carried=grown)
    other = judge(formulas, theirs, state, X, Y) if suspicious(own, pairs) else {}
    judged = tuple(joined(n, own, other, pairs) for n in ordered(mine, pairs))
    unseen = {"carried": made.carried, "grown": grown}
    return spared(judged, formulas, mine, theirs, state, X, Y, **unseen)


def rounded(name: str, x: Tracked, dtype: np.dtype[Any]) -> Array:
    """Return a stated value as a program would have it: counts whole, the rest in its type.

    The product of NAdam's momenta is kept in torch's default type, whatever that of the parameters.
    """
    if kind(name) in COUNTS:
        return np.asarray(int(x.value))
    return np.array(x.value.astype(np.float32 if name.startswith("mu.") else dtype))
