r"""The parity run: two implementations stepped side by side from the same state, every entry judged twice.

Each step starts both from the candidate's state (locked), so that rounding cannot grow into chaos.
Formula by formula, each entry is recomputed from the candidate's own inputs: the first that fails is
the wrong formula. Over the whole step, each entry is held against the reference's, within the error
that the formulas before it can have passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import numpy as np

from compare import traces
from compare.configuration import Configuration
from compare.distances import Distance, distance
from compare.formulas.arithmetic import Tracked
from compare.formulas.precision import narrowed, roundoff
from compare.formulas.stepping import Formulas
from compare.judgement import judge, judge_pair
from compare.operands import stated
from compare.standing import Judged, divergence, joined, ordered, suspicious
from compare.sums import spared
from compare.tolerances import cap
from compare.traces import Array, Trace

Step = Callable[..., dict[str, Array]]
ROOM = 8.0  # what a formula may pass on the way to its value, or be short of it


@dataclass(frozen=True)
class Batch:
    """What one step is given besides its state: examples in columns, and what changes from step to step."""

    X: Array
    Y: Array
    options: Mapping[str, Any] = field(default_factory=dict)  # such as a scheduled lr
    state: Trace = field(default_factory=dict)  # such as dropout masks


@dataclass(frozen=True)
class Stepped:
    """One verified step: its number, both traces and every entry judged, up to `blown` where both overflowed."""

    number: int
    candidate: Trace
    reference: Trace
    judged: tuple[Judged, ...]
    blown: str | None = None


def verify(
    candidate: Step,
    reference: Step,
    configuration: Configuration,
    state: Trace,
    batches: Iterable[Batch],
    *,
    whose: str = "manual",
) -> Iterator[Stepped]:
    """Yield each verified step; the candidate's trace is the state that both start the next one from.

    Raises Divergence at the first step where the two disagree, `traces.Misshapen` where a trace
    cannot be compared, ValueError where nothing was compared at all. Where both leave the finite
    numbers at the same entry, the entries before it are judged, and that step is the last.
    """
    state = sealed({name: np.array(x) for name, x in state.items()})
    number = -1
    for number, batch in enumerate(batches):
        stepped = verify_step(candidate, reference, configuration, state, batch, number, whose)
        if number == 0 and not stepped.judged:
            first = f"{stepped.blown}, the first entry, is not finite on either side"
            raise traces.Misshapen(f"nothing was compared: {first}")
        yield stepped
        if stepped.blown:
            return
        state = sealed(stepped.candidate)
    if number < 0:
        raise ValueError("nothing was compared: there was no batch to step on")


def sealed(state: Trace) -> Trace:
    """Return the arrays of a state, which from here on no step can write to."""
    for x in state.values():
        x.setflags(write=False)
    return state


def shielded(x: Array) -> Array:
    """Return a view of an array that cannot be written to."""
    view = x.view()
    view.setflags(write=False)
    return view


@np.errstate(all="ignore")  # what overflows is judged where it stands
def verify_step(
    candidate: Step,
    reference: Step,
    configuration: Configuration,
    state: Trace,
    batch: Batch,
    number: int,
    whose: str,
) -> Stepped:
    """Step both from `state`, check the structure of both traces, then judge every entry."""
    where, X, Y = f"step {number}: ", batch.X, batch.Y
    start = {**state, **batch.state}
    mine, theirs = step_both(candidate, reference, start, batch, whose, where)
    formulas = configuration.formulas(**batch.options)
    missing: list[str] = []
    own = judge(formulas, mine, start, X, Y, missing=missing)
    pairs = judge_pair(formulas, mine, theirs, start, X, Y)
    other = {}
    if number == 0 or suspicious(own, pairs):
        other = judge(formulas, theirs, start, X, Y)
    blown = overflow(mine, theirs, own)
    if blown:
        right = expected(blown, formulas, mine, start, X, Y)
        if not sound(mine[blown], right):
            own[blown], blown = distance(mine[blown], right, strict=True), None
    names = takewhile(lambda n: n != blown, ordered(mine, pairs))
    judged = tuple(joined(n, own, other, pairs) for n in names if n in pairs)
    judged = spared(judged, formulas, mine, theirs, start, X, Y)
    if wrong := divergence(judged, theirs, number, whose):
        raise wrong
    complete(mine, own, missing, where)
    return Stepped(number, mine, theirs, judged, blown)


def step_both(
    candidate: Step, reference: Step, start: Trace, batch: Batch, whose: str, where: str
) -> tuple[Trace, Trace]:
    """Return the traces of both from one state; Misshapen unless their structure lets them be compared."""
    X, Y = batch.X, batch.Y
    mine = step_alone(candidate, start, batch, whose, where)
    theirs = reference(start, X, Y, **batch.options)
    traces.check(mine, theirs, whose=whose, where=where)
    for trace, side in ((mine, whose), (theirs, "the reference")):
        traces.check_memory(trace, start, whose=side, where=where, batch={"X": X, "Y": Y})
    return mine, theirs


@np.errstate(all="ignore")
def step_alone(
    candidate: Step, start: Mapping[str, Array], batch: Batch, whose: str, where: str
) -> Trace:
    """Return the candidate's trace, whose memory is not yet checked; Misshapen where there is nothing to compare."""
    X, Y = batch.X, batch.Y
    if not X.size or not Y.size:
        raise traces.Misshapen(f"{where}nothing to compare: the batch has no examples")
    shown = {**start, **{n: shielded(start[n]) for n in batch.state}}
    return stepping(candidate, whose, where)(shown, shielded(X), shielded(Y), **batch.options)


def overflow(mine: Trace, theirs: Trace, own: Mapping[str, Distance]) -> str | None:
    """Return the entry at which both sides leave the finite numbers; None unless both do, and there.

    And unless they had no need to: where nothing in the formula comes near the largest number, what
    is not finite is wrong, on both sides.
    """
    first = traces.nonfinite(mine)
    if first is None or first != traces.nonfinite(theirs):
        return None
    return None if unneeded(own[first], mine[first]) else first


def expected(name: str, formulas: Formulas, trace: Trace, *given: Any) -> Tracked:
    """Return one entry as its formula has it on the trace's own inputs."""
    return next(x for n, x in stated(formulas, trace, *given, own=True) if n == name)


def sound(x: Array, right: Tracked) -> bool:
    """Tell whether what is finite of an entry that overflows is what its formula gives there.

    Where that is far beyond the largest number, nothing finite is.
    """
    beyond = np.asarray(np.abs(right.value) / ROOM > np.finfo(x.dtype).max, dtype=bool)
    if (beyond & np.isfinite(x)).any():
        return False
    seen = np.where(np.isfinite(x), x, narrowed(right.value, x.dtype))
    return distance(seen, right).ratio <= cap(right.terms)


def unneeded(d: Distance, x: Array) -> bool:
    """Tell whether an entry that overflows had no need to in its own type."""
    return needless(d, float(np.finfo(x.dtype).max), roundoff(x.dtype))


def needless(d: Distance, largest: float, u: float) -> bool:
    """Tell whether nothing in the formula comes near the largest number there is."""
    return d.ratio == np.inf and max(abs(d.expected), d.allowed / u) < largest / ROOM


def complete(trace: Trace, own: Mapping[str, Distance], missing: Sequence[str], where: str) -> None:
    """Raise Misshapen if an entry has no stated formula, or a formula no entry: nothing passes unjudged."""
    unjudged = [n for n in trace if n not in own]
    if unjudged:
        raise traces.Misshapen(f"{where}no formula is stated for {', '.join(unjudged)}")
    if missing:
        names = ", ".join(missing)
        raise traces.Misshapen(f"{where}the formulas state {names}, which neither side shows")


def stepping(step: Step, whose: str, where: str) -> Step:
    """Return the step, which says in words that it writes to what it was given."""

    def guarded(*given: Any, **options: Any) -> dict[str, Array]:
        try:
            return step(*given, **options)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise traces.Misshapen(
                f"{where}{whose} writes to the state or the batch it was given; copy before updating"
            ) from error

    return guarded
