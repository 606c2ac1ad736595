r"""Verifying a recorded run: each step from the state it recorded, every entry by its formula, torch stepped beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked, estimated
from compare.judgement import NOTHING, distance, judge, judge_pair, stated
from compare.recording.container import short
from compare.recording.names import is_state
from compare.recording.reading import Recording
from compare.tolerances import CAP
from compare.traces import COUNTS, kind, nonfinite
from compare.verification import Judged, divergence, joined, ordered, suspicious

if TYPE_CHECKING:
    from compare.diagnosis.scene import Scene, Shown

Array = NDArray[Any]
Trace = Mapping[str, Array]
Carried = Mapping[str, Tracked]
CHUNKS = 4  # a job: enough for none to wait long for the last


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
    parallel = Parallel(n_jobs=processes, return_as="generator")
    for part in parallel(delayed(verify_steps)(recording.path, part) for part in parts):
        yield from part


def verify_steps(path: Path, numbers: range) -> list[Checked]:
    """Return some steps of a recording verified, up to the first that is wrong."""
    recording, out = Recording(path), []
    for k in numbers:
        out.append(verify_step(recording, k, NOTHING)[0])
        if out[-1].wrong:
            break
    return out


def verify_step(recording: Recording, k: int, carried: Carried) -> tuple[Checked, Carried]:
    """Verify one step; return what was found, and the state after it that the recording does not show."""
    shown = shown_step(recording, k, carried)
    X, Y, formulas, dtype = shown.X, shown.Y, shown.formulas, shown.X.dtype
    full = {**shown.state, **{n: rounded(n, x, dtype) for n, x in carried.items()}}
    reading = {"carried": carried}
    with np.errstate(all="ignore"):
        theirs = by_torch(recording, k, full)
        results = dict(stated(formulas, shown.trace, shown.state, X, Y, own=True, **reading))
        check_names(k, shown.trace, {**results, **theirs})
        mine = {n: shown.trace[n] for n in {**theirs, **results} if n in shown.trace and n in results}
        hidden = tuple(n for n in results if n not in mine)
        first = nonfinite(mine)
        if first and first == nonfinite(theirs, [n for n in mine if n in theirs]):
            return Checked(k, (), {}, hidden, blown=first), NOTHING
        own = {n: distance(x, results[n]) for n, x in mine.items()}
        grown = {n: estimated(full[n], x.error, dtype, x.terms) for n, x in carried.items()}
        pairs = judge_pair(formulas, mine, theirs, full, X, Y, carried=grown)
        other = judge(formulas, theirs, full, X, Y) if suspicious(own, pairs) else {}
    judged = tuple(joined(n, own, other, pairs) for n in ordered(mine, pairs))
    if hidden or carried:
        judged = tuple(replace(j, limit=max(j.limit, CAP)) for j in judged)
    wrong = divergence(judged, theirs, k, recording.path.name)
    sizes = {n: x.size for n, x in mine.items()}
    return Checked(k, judged, sizes, hidden, wrong), {n: results[n] for n in hidden if is_state(n)}


# Where an operand is not shown, a formula takes in the roundings of the one before it, for which the
# reference, which shows everything, gives no measure: hence the limit that holds for any program.


def by_torch(recording: Recording, k: int, state: Trace) -> dict[str, Array]:
    """Return torch's own step from the recorded state; ValueError where torch refuses to make it."""
    batch = recording.batch(k)
    try:
        return recording.configuration.by_torch()(dict(state), batch.X, batch.Y, **batch.options)
    except (RuntimeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"step {k} cannot be made by torch: {str(error).splitlines()[0]}") from None


def check_names(k: int, trace: Trace, known: Mapping[str, Any]) -> None:
    """Refuse entries for which no formula is stated: nothing passes unjudged."""
    if strange := [n for n in trace if n not in known]:
        raise ValueError(
            f"step {k} shows {short(strange[0])}, for which this configuration has no formula; "
            f"it has {', '.join(known)}"
        )


def rounded(name: str, x: Tracked, dtype: np.dtype[Any]) -> Array:
    """Return a stated value as an array such as a program would have: counts whole, the rest in its type."""
    if kind(name) in COUNTS:
        return np.asarray(int(x.value))
    return np.array(x.value.astype(np.float32 if name.startswith("mu.") else dtype))


def shown_step(recording: Recording, k: int, carried: Carried = NOTHING) -> Shown:
    """Return step k as the recording shows it: trace, state, X, Y and the formulas of its options."""
    from compare.diagnosis.scene import Shown

    batch = recording.batch(k)
    state = {**recording.state(k), **batch.state}
    formulas = recording.configuration.formulas(**batch.options)
    return Shown(recording.trace(k), state, batch.X, batch.Y, formulas, carried)


def scene(path: Path | str, wrong: Divergence, *, before: int = 3) -> Scene:
    """Return the steps up to the wrong one, for the diagnosis of its mistake: all where state is not shown, else a few.

    >>> from compare.diagnosis import diagnose  # diagnose(scene(path, checked.wrong))
    """
    from compare.diagnosis.scene import Scene

    recording = Recording(path)
    first = max(0, wrong.step - before) if recording.alone else 0
    return Scene(tuple(replay(recording, first, wrong.step)), wrong.origin)


def replay(recording: Recording, first: int, last: int) -> Iterator[Shown]:
    """Yield the steps from `first` to `last` as shown, what they do not show carried along."""
    carried: Carried = NOTHING
    for k in range(first, last + 1):
        shown = shown_step(recording, k, carried)
        yield shown
        reading = stated(shown.formulas, shown.trace, shown.state, shown.X, shown.Y, own=True, carried=carried)
        carried = {n: x for n, x in reading if n not in shown.trace and is_state(n)}
