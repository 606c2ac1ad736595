r"""Naming a mistake: only a variant that explains the numbers down to rounding, at every step shown, is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from compare.diagnosis import generic, given, network, rules
from compare.diagnosis.outcome import Diagnosis, Explained
from compare.diagnosis.pattern import pattern
from compare.diagnosis.scene import GRADIENTS, Scene, reads
from compare.diagnosis.shapes import shape_hint
from compare.diagnosis.variant import Variant, at, disagreements, explains, ran, right
from compare.distances import Distance, distance
from compare.tolerances import CAP
from compare.traces import PARAMETERS, Array, kind


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
    named = unique(
        known or [*behind(scene, reversed(scene.upstream()), before), *updated(scene, before)]
    )
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
    kept = best(found if finite else tuple(e for e in found if evident(e, scene)), scene)
    return tuple(replace(e, spared=spared(e, scene)) for e in kept)


@np.errstate(all="ignore")
def spared(e: Explained, scene: Scene) -> tuple[str, ...]:
    """Return the entries before the origin, at its step, that the mistake would change and that are right."""
    hidden_before = len(scene.steps) > 1 and not scene.complete
    if scene.origin in given.GIVEN or e.variant.sudden or hidden_before:
        return ()
    last = replace(scene, steps=scene.steps[-1:], after=(), elsewhere=(), target=e.target)
    try:
        before = scene.order[: scene.order.index(scene.origin)]
        odd = {name for _, name in disagreements(e.variant, last)}
    except (ValueError, KeyError, ArithmeticError):  # it does not fit what is shown
        return ()
    return tuple(n for n in before if n in odd)


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


def behind(
    scene: Scene,
    targets: Iterable[str],
    before: Distance,
    search: Callable[[Scene, Distance], Iterable[Explained]] | None = None,
) -> Iterator[Explained]:
    """Yield the variants of entries before the origin that were not shown; all of them, or as one searches."""
    for target in targets:
        for e in (search or suspects)(replace(scene, target=target), before):
            yield replace(e, variant=hidden(e.variant, target), target=target)


FARTHEST = 9  # entries whose mistakes are looked for a step before


def updated(scene: Scene, before: Distance) -> list[Explained]:
    """Return the variants of what led to the updates before this step, of entries not shown."""
    s = scene.last
    lost = [n for n in s.parameters if n in s.carried and len(scene.steps) > 1]
    start = scene.order.index(scene.origin) + 1 if scene.origin in scene.order else 0
    later = [n for n in scene.order[start:] if n not in s.trace and "." not in n]
    targets = [*dict.fromkeys([*lost[:1], *later, *lost[1:]])][:FARTHEST] if lost else []
    found = behind(scene, targets, before, usual)
    return [*found] or [*behind(scene, targets[:1], before)]


def hidden(variant: Variant, target: str) -> Variant:
    """Return the variant as one of an entry that was not shown."""
    return replace(variant, name=f"in {target}, which is not shown: {variant.name}")


def suspects(scene: Scene, before: Distance) -> Iterator[Explained]:
    """Yield the variants of one entry that explain the numbers, specific ones first."""
    found = [*usual(scene, before)]
    for family in FALLBACKS:
        found = found or list(tried(scene, family(scene), before))
    yield from found


def usual(scene: Scene, before: Distance) -> Iterator[Explained]:
    """Yield the variants that are looked for first."""
    yield from (e for family in FAMILIES for e in tried(scene, family(scene), before))


FAMILIES = (
    rules.mistakes,
    network.mistakes,
    generic.settings,
    generic.factors,
    generic.results,
)
FALLBACKS = (
    generic.halted,
    lambda scene: chain(generic.written(scene), generic.unknown(scene), generic.halves(scene)),
    lambda scene: chain(generic.copied(scene), generic.substitutions(scene)),
    generic.scheduled,
    generic.transformations,
    generic.orders,
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
