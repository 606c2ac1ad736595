r"""Many steps of one run judged at once: their traces stacked along a leading axis, each formula evaluated once.

Each step starts from the candidate's last trace, so that the candidate can go ahead, and the reference
follow from all of its states at once. A step all of whose entries are clear of every limit, even of those
that hold without asking how far the reference itself is off, is settled here. Any other, the first
of a run among them, goes to `verify_step`: it alone tells of a divergence. So the verdict on every
step is that of `verify`, and most of the time it takes is saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from compare import traces
from compare.configuration import Configuration
from compare.piles import Given, Taken
from compare.stacks import Stack
from compare.traces import Trace
from compare.verification import Batch, Step, Stepped, sealed, step_alone, verify, verify_step

LONGEST, LARGEST = 128, 2**21  # steps of a stack, and numbers in it
LEVELS = ("formula", "step")
Sides = tuple[Step, Step, Configuration]


@dataclass(frozen=True)
class Settled:
    """One verified step: the candidate's trace, and the entry that came nearest to its limit."""

    number: int
    candidate: Trace
    arrays: int
    margin: float
    entry: str
    blown: str | None = None


Found = Stepped | tuple[Stack, int, Taken]


def settle(
    candidate: Step,
    reference: Step,
    configuration: Configuration,
    state: Trace,
    batches: Iterable[Batch],
) -> Iterator[Settled]:
    """Yield of each verified step what a sweep keeps; errors are raised as `verify` raises them."""
    sides = candidate, reference, configuration
    yield from map(settled, walk(sides, state, batches, "manual", "formula"))


def verify_ahead(
    candidate: Step,
    reference: Step,
    configuration: Configuration,
    state: Trace,
    batches: Iterable[Batch],
    *,
    whose: str = "manual",
    level: str = "formula",
    ahead: int = LONGEST,
) -> Iterator[Stepped]:
    """Yield each verified step, as `verify` does, the candidate going ahead of the verdict.

    Where the batches depend on the steps before, `ahead` must be 1. With the level "step" each entry
    is held against the reference's alone; where they are too far apart, and at the first step, every
    formula is judged.
    """
    if level not in LEVELS:
        raise ValueError(f"level {level!r} is not known; choose {' or '.join(LEVELS)}")
    sides = candidate, reference, configuration
    yield from map(whole, walk(sides, state, batches, whose, level, ahead))


def walk(
    sides: Sides,
    state: Trace,
    batches: Iterable[Batch],
    whose: str,
    level: str,
    ahead: int = LONGEST,
) -> Iterator[Found]:
    """Yield each step as `verify_step` found it, or as one of a stack that is clear of every limit."""
    source = iter(batches)
    for stepped in verify(*sides, state, islice(source, 1), whose=whose):
        yield stepped  # here the reference itself is judged
        state, number = sealed(stepped.candidate), 1
        if stepped.blown:
            return
    while lot := list(taken(sides, state, islice(source, length(state, ahead)), number, whose)):
        clear = {
            step.number: (stack, k, step)
            for group in alike([step for step in lot if step.mine])
            for stack in stacks(sides, group, level)
            for k, step in enumerate(stack.steps)
            if stack.clear[k]
        }
        for step in lot:
            found: Found = clear.get(step.number) or again(sides, step, whose)
            yield found
            if isinstance(found, Stepped) and found.blown:
                return
        state = sealed(found.candidate) if isinstance(found, Stepped) else lot[-1].mine
        number = lot[-1].number + 1
        lot.clear()  # its memory is free for the next
        clear.clear()
        del found, step


def length(state: Trace, most: int = LONGEST) -> int:
    """Return how many steps to judge at once."""
    return max(1, min(most, LARGEST // sum(x.size for x in state.values())))


def taken(
    sides: Sides, state: Trace, batches: Iterable[Batch], number: int, whose: str
) -> Iterator[Taken]:
    """Yield each step as the candidate takes it, its last trace being the state of the next.

    One that cannot be taken, or is aliased, is the last: those before it come first.
    """
    candidate, _, configuration = sides
    for k, batch in enumerate(batches, number):
        start = {**state, **batch.state}
        try:
            mine = sealed(step_alone(candidate, start, batch, whose, ""))
            traces.check_memory(mine, start, batch={"X": batch.X, "Y": batch.Y})
            built = signature(configuration, start, mine, batch)
        except Exception:  # whatever it is, `verify_step` meets it again
            yield Taken(k, start, batch)
            return
        yield Taken(k, start, batch, mine, built)
        state = mine


def stacks(sides: Sides, steps: Sequence[Taken], level: str) -> Iterator[Stack]:
    """Yield the steps judged at once; where the reference cannot take them so, each on its own, if at all."""
    given = Given(steps)
    try:
        theirs = given.followed(sides[1])
    except Exception:  # whatever it is, `verify_step` meets it again
        for step in steps if len(steps) > 1 else ():
            yield from stacks(sides, [step], level)
    else:
        yield Stack(sides[2], given, theirs, level)


def again(sides: Sides, step: Taken, whose: str) -> Stepped:
    """Return the step verified on its own."""
    return verify_step(*sides, step.start, step.batch, step.number, whose)


def settled(found: Found) -> Settled:
    """Return what a sweep keeps of a step."""
    return told(found) if isinstance(found, Stepped) else briefly(*found)


def told(stepped: Stepped) -> Settled:
    worst = max(stepped.judged, key=lambda j: j.margin, default=None)
    margin, entry = (worst.margin, worst.name) if worst else (0.0, "")
    count = len(stepped.judged)
    return Settled(stepped.number, stepped.candidate, count, margin, entry, stepped.blown)


def briefly(stack: Stack, k: int, step: Taken) -> Settled:
    margin, entry = stack.nearest(k)
    return Settled(step.number, step.mine, len(stack.pairs), margin, entry)


def whole(found: Found) -> Stepped:
    """Return all that was found of a step."""
    if isinstance(found, Stepped):
        return found
    stack, k, step = found
    theirs = {n: x[k, ...] for n, x in stack.theirs.items()}
    return Stepped(step.number, step.mine, theirs, stack.entries[k])


def alike(lot: Sequence[Taken]) -> Iterator[list[Taken]]:
    """Yield the steps in groups that one stack can hold: the same entries, types, shapes, options."""
    groups: dict[Any, list[Taken]] = {}
    for step in lot:
        groups.setdefault(step.built, []).append(step)
    yield from groups.values()


def signature(
    configuration: Configuration, start: Trace, mine: Trace, batch: Batch
) -> tuple[Any, ...]:
    """Return what must be the same in every step of a stack; of counts, those that formulas branch on."""
    normal = configuration.batch_norm
    average = normal is not None and normal.get("momentum", 0.0) is None
    branching = ("micro", "batches") if average else ("micro",)
    counts = [(n, int(x)) for n, x in start.items() if n.rstrip("0123456789") in branching]
    options = [(n, repr(x)) for n, x in sorted(batch.options.items())]
    kinds = ((x.dtype, x.shape) for x in (*start.values(), *mine.values(), batch.X, batch.Y))
    return (*start, *mine, *kinds, *counts, *options)
