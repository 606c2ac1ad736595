r"""What state a step of a configuration starts from, and whether a recording shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from compare.configuration import Configuration
from compare.recording.hyperparameters import slots
from compare.traces import kind, parameters

Names = Collection[str]
NORMALIZED = ("gamma", "beta", "running_mean", "running_var", "batches")


def check_initial(c: Configuration, initial: Names) -> None:
    """Refuse an initial state that lacks something, or has what no step of the configuration reads."""
    names = parameters(initial)
    for name in c.frozen:
        if name not in names:
            raise ValueError(f"the configuration freezes {name}, which is not in the initial state")
    rule, sums = {*rules(c, initial)}, {*accumulators(c, initial)}
    needed = [*always(c, initial)]
    for group in (rule, sums):
        needed += sorted(group) if not group.isdisjoint(initial) else []
    if missing := [n for n in needed if n not in initial]:
        raise ValueError(f"initial/{missing[0]} is missing: a step of this configuration reads it")
    if strange := sorted({*initial} - {*needed}):
        lacks = c.batch_norm is None and kind(strange[0]) in NORMALIZED
        hint = "; declare batch_norm if there is any" if lacks else ""
        raise ValueError(
            f"initial/{strange[0]} is nothing that a step of this configuration reads{hint}"
        )


def always(c: Configuration, initial: Names) -> Iterator[str]:
    """Yield what every step starts from: parameters and running statistics."""
    layers = range(1, len(c.activations) if c.batch_norm is not None else 1)
    paired = [f"{k}{l}" for l in layers for k in ("gamma", "beta")]
    yield from (n for n in parameters(initial) if n[:5] != "gamma" and n[:4] != "beta")
    for gamma, beta in zip(paired[::2], paired[1::2], strict=True):
        if gamma in initial or beta in initial:
            yield from (gamma, beta)
    yield from (f"{k}{l}" for l in layers for k in ("running_mean", "running_var", "batches"))


def rules(c: Configuration, initial: Names) -> Iterator[str]:
    """Yield what the rule keeps, once it has made a step."""
    yield from (f"{slot}.{n}" for slot in slots(c) for n in moving(c, initial))


def accumulators(c: Configuration, initial: Names) -> Iterator[str]:
    """Yield what gradient accumulation keeps, once it has seen a batch."""
    if c.accumulate > 1:
        yield from ("micro", *(f"a.{n}" for n in moving(c, initial)))


def moving(c: Configuration, initial: Names) -> list[str]:
    return [n for n in parameters(initial) if n not in c.frozen]


def alone(c: Configuration, initial: Names, steps: Sequence[Names]) -> bool:
    """Tell whether every step can be verified by itself: the one before it shows all that it starts from.

    Where the mean losses of epochs are shown, it starts from sums that are not.
    """
    if any("epochloss" in step for step in steps):
        return False
    kept = {*rules(c, initial)}
    needed = {*always(c, initial), *accumulators(c, initial)}
    started = "micro" in initial or not kept.isdisjoint(initial)
    for k, step in enumerate(steps[:-1]):
        started = started or (k + 1) % c.accumulate == 0 or not kept.isdisjoint(step)
        if not within(needed, step) or (started and not within(kept, step)):
            return False
    return True


def within(names: Iterable[str], step: Names) -> bool:
    return all(n in step for n in names)
