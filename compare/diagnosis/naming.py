r"""Naming a mistake: only a variant that explains the numbers down to rounding, at every step shown, is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from compare.diagnosis import generic, given, network, rules
from compare.diagnosis.pattern import pattern
from compare.diagnosis.scene import GRADIENTS, Scene, reads
from compare.diagnosis.shapes import shape_hint
from compare.diagnosis.variant import Variant, at, disagreements, explains, ran, right
from compare.distances import Distance, distance
from compare.tolerances import CAP
from compare.traces import PARAMETERS, Array, kind

MOST = 6  # names given; more than that cannot be told apart, and says so


@dataclass(frozen=True)
class Explained:
    """A variant that explains the numbers: error over rounding before, with the right formula, and after."""

    variant: Variant
    before: float
    after: float
    target: str = ""  # the entry that was not shown in which the mistake lies

    @property
    def measured(self) -> bool:
        """Tell whether there is a number to it: a shape, or NaN for NaN, is as good as another."""
        return bool(np.isfinite(self.before) or self.after > 0.0)


@dataclass(frozen=True)
class Diagnosis:
    """What is known of the first wrong formula: the mistakes that explain it, and how the numbers look."""

    origin: str
    named: tuple[Explained, ...]
    pattern: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(e.variant.name for e in self.named)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        if not self.named:
            yield f"  unexplained: no known mistake gives these numbers; {self.pattern}"
            return
        yield f"  mistake: {self.named[0].variant.name}"
        yield from explanation(self.named[0])
        for other in self.named[1:MOST]:
            yield f"  or, not to be told apart by these numbers: {other.variant.name}"
        if len(self.named) > MOST:
            yield f"  or {len(self.named) - MOST} more that these numbers cannot tell apart"

    def declared(self) -> dict[str, Any]:
        """Return the same as plain data, for JSON."""
        return {
            "origin": self.origin,
            "pattern": self.pattern,
            "named": [
                {
                    "mistake": e.variant.name,
                    "wrong": e.variant.wrong,
                    "right": e.variant.right,
                    "source": e.variant.source,
                    "same_as": e.variant.same_as,
                    "error_before": e.before,
                    "error_after": e.after,
                    "measured": e.measured,
                }
                for e in self.named
            ],
        }


def explanation(e: Explained) -> Iterator[str]:
    v = e.variant
    if v.wrong and v.wrong not in v.name:
        yield f"    yours, as understood: {v.wrong}"
    if v.right:
        yield f"    right:                {v.right}"
    if v.source:
        yield f"    convention of:        {v.source}"
    if v.same_as and v.same_as not in v.name:
        yield f"    the same as:          {v.same_as}"
    if e.measured:
        yield f"    error over rounding:  {e.before:.3g} with the right formula, {e.after:.2g} with yours"


def diagnose(scene: Scene) -> Diagnosis:
    """Return the mistakes that explain the failing entry of `scene` down to rounding, specific ones first."""
    d = suspected(scene)
    return replace(d, named=told(d.named, scene))


@np.errstate(all="ignore")
def suspected(scene: Scene) -> Diagnosis:
    """Return the same before other runs are looked at, which may bear a mistake out, or speak against it."""
    if scene.origin in given.GIVEN:
        found = tuple(Variant(*words) for words in given.mistakes(scene))
        named = tuple(Explained(v, float("inf"), 0.0) for v in found)
        return Diagnosis(scene.origin, named, given.told(scene))
    good, x = right(scene), scene.last.trace.get(scene.origin)
    if good is not None and x is not None and np.shape(x) != good.shape:
        return misshapen(scene.origin, x, good.shape)
    before = error(scene)
    known = [*suspects(scene, before), *behind(scene, scene.gradients(), before)]
    named = unique(known or [*behind(scene, reversed(scene.upstream()), before)])
    return Diagnosis(scene.origin, best(named, scene), pattern(scene))


def misshapen(origin: str, x: Array, shape: tuple[int, ...]) -> Diagnosis:
    """Return what is known of an entry that has not the shape of its formula: nothing can be made of it."""
    hint = Variant(shape_hint(origin, x, shape), f"{origin} {np.shape(x)}", f"{origin} {shape}")
    named = (Explained(hint, float("inf"), 0.0),) if hint.name else ()
    return Diagnosis(origin, named, f"{origin} has shape {np.shape(x)}, expected {shape}")


def told(found: tuple[Explained, ...], scene: Scene) -> tuple[Explained, ...]:
    """Return the mistakes that all that is shown bears out, and of these the best."""
    x = scene.last.trace.get(scene.origin)
    finite = scene.origin in given.GIVEN or x is None or bool(np.isfinite(x).all())
    return best(found if finite else tuple(e for e in found if evident(e, scene)), scene)


@np.errstate(all="ignore")
def evident(e: Explained, scene: Scene) -> bool:
    """Tell whether more speaks for a mistake that gives NaN or infinity as shown than that it does.

    Of the entry some number must be shown somewhere, or all that its formula reads, so that the mistake
    lies in the formula; and wherever the entry is shown, the mistake must give it.
    """
    seen, suspect = 0, replace(scene, target=e.target)
    for run in ((*scene.steps, *scene.after), *scene.elsewhere):
        try:
            results = list(ran(e.variant, suspect, run))
        except (ValueError, KeyError, ArithmeticError):  # it does not fit what is shown there
            continue
        for shown, made in results:
            near = at(scene.origin, shown, made)
            if near is not None and not near.ratio <= CAP:
                return False
            seen += int(np.isfinite(shown.trace.get(scene.origin, np.nan)).sum())
    now, then = reads(scene)
    given = now <= {*scene.last.trace, "X", "Y"} and then <= scene.last.state.keys()
    return seen > 0 or (given and not e.target)


def best(found: tuple[Explained, ...], scene: Scene) -> tuple[Explained, ...]:
    """Return those that leave the least unexplained of all that is shown, specific ones first."""
    if len(found) < 2:
        return found
    with np.errstate(all="ignore"):
        at_odds = [unexplained(e, scene) for e in found]
    least = min(map(len, at_odds))
    kept = [e for e, odd in zip(found, at_odds, strict=True) if len(odd) == least]
    return tuple(sorted(kept, key=lambda e: e.variant.generic))


def unexplained(e: Explained, scene: Scene) -> set[tuple[int, str]]:
    """Return what is not as the mistake has it, but for entries that may have it in another layer."""
    alike = {kind(e.target), kind(scene.origin)}
    if kind(e.target) in GRADIENTS:  # what is done to one gradient is done to all
        alike |= set(PARAMETERS)
    try:
        odd = disagreements(e.variant, replace(scene, target=e.target))
    except (ValueError, KeyError, ArithmeticError):  # it does not fit what is shown elsewhere
        return unexplained(e, replace(scene, elsewhere=())) if scene.elsewhere else set()
    return {(k, name) for k, name in odd if kind(name) not in alike or "." in name}


def behind(scene: Scene, targets: Iterable[str], before: Distance) -> Iterator[Explained]:
    """Yield the variants of entries before the origin that were not shown."""
    for target in targets:
        for e in suspects(replace(scene, target=target), before):
            yield replace(e, variant=hidden(e.variant, target), target=target)


def hidden(variant: Variant, target: str) -> Variant:
    """Return the variant as one of an entry that was not shown."""
    return replace(variant, name=f"in {target}, which is not shown: {variant.name}")


def suspects(scene: Scene, before: Distance) -> Iterator[Explained]:
    """Yield the variants of one entry that explain the numbers, specific ones first."""
    found = [e for family in FAMILIES for e in tried(scene, family(scene), before)]
    for family in FALLBACKS:
        found = found or list(tried(scene, family(scene), before))
    yield from found


FAMILIES = (
    rules.mistakes,
    network.mistakes,
    generic.settings,
    generic.factors,
    generic.results,
)
FALLBACKS = (
    generic.halted,
    generic.unknown,
    generic.scheduled,
    lambda scene: chain(generic.copied(scene), generic.substitutions(scene)),
    generic.transformations,
    network.other_weights,
)  # each where nothing else explains


def error(scene: Scene) -> Distance:
    """Return how far the failing entry is from the right formula."""
    good, x = right(scene), scene.last.trace.get(scene.origin)
    infinite = float("inf")
    if good is None or x is None:
        return Distance(infinite, (), infinite, infinite, 0.0, 1)
    return distance(x, good)


def tried(scene: Scene, variants: Iterator[Variant], before: Distance) -> Iterator[Explained]:
    for variant in variants:
        try:
            near = explains(variant, scene, before)
        except (ValueError, KeyError, ArithmeticError):  # it does not fit what is shown
            continue
        if near is not None:
            yield Explained(variant, before.ratio, near.ratio)


def unique(found: Sequence[Explained]) -> tuple[Explained, ...]:
    return tuple({e.variant.name: e for e in reversed(found)}.values())[::-1]
