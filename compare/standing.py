r"""The entries of one step, each judged by its formula and beside the reference's, and the divergence they tell of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compare.distances import Distance
from compare.divergence import Divergence
from compare.tolerances import STEP, cap, formula_limit
from compare.traces import Trace


@dataclass(slots=True)  # as Distance
class Judged:
    """One entry at one step: its formula's distance, the reference's own, and the two sides' apart."""

    name: str
    formula: Distance | None  # None for parameter updates, which are differences, not entries
    reference: Distance | None
    pair: Distance  # of an entry that the reference does not show, its formula's
    limit: float

    @property
    def blind(self) -> bool:
        """Tell whether no element could be judged by its formula: rounding alone may have made it anything."""
        return self.formula is not None and 0 < self.formula.elements == self.formula.unjudged

    @property
    def wrong(self) -> bool:
        """Tell whether it is not what its own formula makes of its own inputs."""
        return self.formula is not None and self.formula.ratio > self.limit

    @property
    def misreferenced(self) -> bool:
        """Tell whether the reference's is not what the stated formula makes of the reference's inputs."""
        return self.reference is not None and self.reference.ratio > cap(self.pair.terms)

    @property
    def apart(self) -> bool:
        """Tell whether the two sides are further apart than rounding along the step explains."""
        return self.pair.ratio > STEP

    @property
    def standing(self) -> str:
        """Return "origin" of a wrong formula, "reference" where that is the wrong one, "inherited", or "agrees"."""
        if self.wrong:
            return "origin"
        return "reference" if self.misreferenced else "inherited" if self.apart else "agrees"

    @property
    def margin(self) -> float:
        """Return the larger of the two errors, in units of what is allowed."""
        own = self.formula.ratio / self.limit if self.formula else 0.0
        return max(own, self.pair.ratio / STEP)


def suspicious(own: Mapping[str, Distance], pairs: Mapping[str, Distance]) -> bool:
    """Tell whether the reference's own error must be known: a candidate beyond what is always allowed,
    or two sides further apart than one wrong formula could hide."""
    beyond = any(d.ratio > formula_limit(0.0, d.terms) for d in own.values())
    return beyond or any(d.ratio > STEP / 2 for d in pairs.values())


def ordered(trace: Mapping[str, Any], pairs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the entries in the order of the trace, each parameter followed by its update."""
    for name in trace:
        yield name
        if f"update.{name}" in pairs:
            yield f"update.{name}"


def joined(
    name: str,
    own: Mapping[str, Distance],
    other: Mapping[str, Distance],
    pairs: Mapping[str, Distance],
) -> Judged:
    if name not in own:
        return Judged(name, None, None, pairs[name], STEP)
    reference = other.get(name)
    limit = formula_limit(reference.ratio if reference else 0.0, own[name].terms)
    return Judged(name, own[name], reference, pairs.get(name, own[name]), limit)


def divergence(
    judged: tuple[Judged, ...], theirs: Trace, number: int, whose: str
) -> Divergence | None:
    """Return the first disagreement: a wrong formula before a wrong reference before a wrong step."""
    tests: tuple[tuple[str, Callable[[Judged], bool]], ...] = (
        ("formula", lambda j: j.wrong),
        ("reference", lambda j: j.misreferenced),
        ("step", lambda j: j.apart),
    )
    for kind, fails in tests:
        for position, j in enumerate(judged):
            if fails(j):
                return told(judged, position, kind, theirs, number, whose)
    return None


def told(
    judged: tuple[Judged, ...], position: int, kind: str, theirs: Trace, number: int, whose: str
) -> Divergence:
    j = judged[position]
    place = {"formula": j.formula, "reference": j.reference}.get(kind) or j.pair
    limit = {"formula": j.limit, "reference": cap(place.terms)}.get(kind, STEP)
    shown = theirs.get(j.name)
    value = float(shown[place.index]) if shown is not None else place.expected
    agreed = tuple(k.name for k in judged[:position])
    inherited = tuple(k.name for k in judged[position + 1 :] if k.apart)
    return Divergence(number, j.name, kind, place, limit, value, agreed, inherited, whose)
