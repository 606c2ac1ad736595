r"""A way of getting one formula wrong, and whether it explains what a program shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from compare.diagnosis.scene import Scene, Shown, shape_of, stepped
from compare.distances import Distance, distance
from compare.formulas.arithmetic import Tracked
from compare.formulas.stepping import Formulas
from compare.operands import Operands
from compare.tolerances import CAP

Direct = Callable[[Operands, Shown], Tracked]
Reading = Callable[[Shown], Mapping[str, Tracked]]
SEEN = 0.01  # of the rounding that a variant allows: less is chance, or a bound without meaning
NEARER = 0.05  # of the error with the right formula, that a variant may leave
BETTER = 0.5  # a variant must at least halve the error: one that changes nothing explains nothing


@dataclass(frozen=True)
class Variant:
    """A way of getting one formula wrong, and how it differs from the right one.

    At most a few of these say what is changed: `formulas`, the formulas of the step; `now` and
    `then`, operands read instead; `direct`, the entry itself; `result`, what is made of the right
    value. `source` says who writes it that way; `same_as` names a setting that does the same.
    """

    name: str
    wrong: str = ""
    right: str = ""
    source: str = ""
    same_as: str = ""
    formulas: Callable[[Formulas, Shown], Formulas] | None = None
    now: Reading | None = None
    then: Reading | None = None
    direct: Direct | None = None
    result: Callable[[Tracked, Shown], Tracked] | None = None
    sudden: bool = False  # made at the failing step, not before it
    coarse: bool = False  # explains by wider rounding, not by another value
    generic: bool = field(default=False, compare=False)


RIGHT = Variant("")


def plain(
    name: str, formula: Direct, wrong: str, right: str, *, source: str = "", same_as: str = ""
) -> Variant:
    """Return a variant that computes the entry directly from its operands and the step shown."""
    return Variant(name, wrong, right, source, same_as, direct=formula)


def entries(
    variant: Variant,
    shown: Shown,
    scene: Scene,
    carried: Mapping[str, Tracked],
    *,
    whole: bool = False,
) -> Iterator[tuple[str, Tracked]]:
    """Yield every entry of one step as the variant makes it; of the update alone where it is enough, or not."""
    formulas = variant.formulas(shown.formulas, shown) if variant.formulas else shown.formulas
    shown = replace(shown, carried=carried)

    def change(name: str, value: Tracked, operands: Operands) -> Tracked:
        if name == scene.entry:
            value = variant.direct(operands, shown) if variant.direct else value
            value = variant.result(value, shown) if variant.result else value
        return value

    yield from stepped(
        shown,
        formulas if whole else updating(formulas, scene, shown),
        now=variant.now(shown) if variant.now else {},
        then=variant.then(shown) if variant.then else {},
        change=change,
        carried=carried,
        only=scene.target,
    )


def updating(formulas: Formulas, scene: Scene, shown: Shown) -> Formulas:
    """Return the formulas of the update alone where it is suspected, and all its gradients are shown."""
    late = scene.slots or scene.kind in ("a", "g", "norm", "micro")
    names = shown.parameters
    shows = [n for n in scene.order if n.startswith("d") and n[1:] in names]
    whole = formulas.only == "step" and late and "loss" in shown.trace
    if whole and all(n in shown.trace for n in shows):
        return replace(formulas, only="update")
    return formulas


def right(scene: Scene) -> Tracked | None:
    """Return the failing entry as it should be."""
    found = entries(RIGHT, scene.last, scene, scene.last.carried)
    return next((value for name, value in found if name == scene.origin), None)


def explains(variant: Variant, scene: Scene, before: Distance) -> Distance | None:
    """Return the distance of the origin from the variant if it is down to rounding at every step, else None.

    What the program does not show goes on from step to step as the variant has it. `before` is the
    distance from the right formula, which the variant must beat, and not by wider rounding alone.
    """
    steps = (scene.last,) if variant.sudden else (*scene.steps, *scene.after)
    carried: Mapping[str, Tracked] = steps[0].carried
    worst: Distance | None = None
    for shown in steps:
        results = made(variant, shown, scene, carried)
        near = at(scene.origin, shown, results)
        if near is not None:
            if not near.ratio <= CAP:
                return None
            last = shown is scene.last
            if last and not convincing(variant, results[scene.origin], near, before):
                return None
            if last and variant.generic and not np.isfinite(before.value):
                return None  # NaN for NaN explains nothing
            worst = near if worst is None or near.ratio > worst.ratio else worst
        carried = {n: v for n, v in results.items() if n not in shown.trace}
    return worst if worst is not None and worst.ratio <= BETTER * before.ratio else None


def convincing(variant: Variant, value: Tracked, near: Distance, before: Distance) -> bool:
    """Tell whether a variant has another value, or rounding of the size of the error that is seen."""
    cancels = not variant.generic and near.ratio >= SEEN
    return variant.coarse or cancels or nearer(value, before)


def nearer(value: Tracked, before: Distance) -> bool:
    """Tell whether a value is nearer to the shown one than the right value, where that was farthest."""
    gap = abs(before.value - before.expected)
    if not np.isfinite(gap):
        return True
    return bool(abs(before.value - float(value.value[before.index])) <= NEARER * gap)


def disagreements(variant: Variant, scene: Scene) -> frozenset[tuple[int, str]]:
    """Return the entries, by step and name, that are not what the variant makes of their own inputs."""
    found = set()
    runs = ((*scene.steps, *scene.after), *scene.elsewhere)
    for k, (shown, results) in enumerate(chain(*(ran(variant, scene, run) for run in runs))):
        for name in results:
            near = at(name, shown, results)
            if near is not None and not near.ratio <= CAP:
                found.add((k, name))
    return frozenset(found)


def ran(
    variant: Variant, scene: Scene, run: Sequence[Shown]
) -> Iterator[tuple[Shown, dict[str, Tracked]]]:
    """Yield each step of a run with its entries as the variant makes them."""
    carried: Mapping[str, Tracked] = run[0].carried if run else {}
    for shown in run:
        now = RIGHT if variant.sudden and shown is not scene.last else variant
        results = dict(entries(now, shown, scene, carried, whole=True))
        yield shown, results
        carried = {n: v for n, v in results.items() if n not in shown.trace}


def made(
    variant: Variant, shown: Shown, scene: Scene, carried: Mapping[str, Tracked]
) -> dict[str, Tracked]:
    """Return the entries of a step as the variant makes them, as many as the next step may need.

    Where the origin is not as it is shown there, no next step matters.
    """
    results: dict[str, Tracked] = {}
    for name, value in entries(variant, shown, scene, carried):
        results[name] = value
        if name == scene.origin and (scene.complete or refuted(scene.origin, shown, results)):
            break
    return results


def refuted(origin: str, shown: Shown, results: Mapping[str, Tracked]) -> bool:
    near = at(origin, shown, results)
    return near is not None and not near.ratio <= CAP


def at(origin: str, shown: Shown, results: Mapping[str, Tracked]) -> Distance | None:
    """Return how far the shown origin is from a result; infinitely far where there is none of its shape."""
    x, value = shown.trace.get(origin), results.get(origin)
    if x is None:
        return None
    if value is None or shape_of(value.value) != shape_of(x):
        return Distance(float("inf"), (), 0.0, 0.0, 0.0, 1)
    return distance(x, value, strict=True)
