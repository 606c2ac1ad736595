r"""A formula with one of its operands transformed, stale, already updated, or another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from compare.diagnosis.scene import Scene, Shown, reads, shape_of
from compare.diagnosis.statements import substitution
from compare.diagnosis.variant import Variant
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.functions import absolute, sqrt
from compare.traces import Array

Transform = Callable[[Tracked, Shown], Tracked]
NOW, THEN = "now", "then"


def rounded_to_single(x: Tracked, shown: Shown) -> Tracked:
    """Return x as float32 has it."""
    single = x.value.astype(np.float32)
    return exact(single.astype(shown.X.dtype), shown.X.dtype)


TRANSFORMS: dict[str, tuple[Transform, str]] = {
    "left out": (lambda x, s: 0.0 * x, "0 * {}"),
    "with the wrong sign": (lambda x, s: -x, "(-{})"),
    "doubled": (lambda x, s: 2.0 * x, "(2 * {})"),
    "halved": (lambda x, s: 0.5 * x, "({} / 2)"),
    "squared": (lambda x, s: x * x, "{} ** 2"),
    "without its sign": (lambda x, s: absolute(x), "np.abs({})"),
    "by its square root": (lambda x, s: sqrt(absolute(x)), "np.sqrt(np.abs({}))"),
    "replaced by 1": (lambda x, s: 0.0 * x + 1.0, "1"),
    "rounded to float32": (rounded_to_single, "{}.astype(np.float32)"),
}


LABELLED: dict[str, tuple[Transform, str]] = {
    "with its classes numbered otherwise, by 1": (
        lambda x, s: rolled(x, 1),
        "np.roll({}, 1, axis=0)",
    ),
    "with its classes numbered otherwise, by -1": (
        lambda x, s: rolled(x, -1),
        "np.roll({}, -1, axis=0)",
    ),
    "of the example before": (lambda x, s: rolled(x, 1, axis=1), "np.roll({}, 1, axis=1)"),
    "of the example after": (lambda x, s: rolled(x, -1, axis=1), "np.roll({}, -1, axis=1)"),
    "with its labels swapped": (lambda x, s: 1.0 - x, "(1 - {})"),
}


def rolled(x: Tracked, by: int, axis: int = 0) -> Tracked:
    """Return an exact matrix with its rows, or columns, turned round."""
    return Tracked(np.roll(x.value, by, axis), None, x.u)


def transformations(scene: Scene) -> Iterator[Variant]:
    """Yield the formula with each of its operands left out, squared, transposed, ..."""
    for when, names in zip((NOW, THEN), reads(scene), strict=True):
        for name in sorted(names):
            yield from transformed(scene, name, when)


def halves(scene: Scene) -> Iterator[Variant]:
    """Yield the rule with its gradient halved or doubled, which another option may do as well."""
    for name in sorted(
        n for n in reads(scene)[0] if scene.slots and n.startswith(("d", "g.", "a."))
    ):
        for what in ("halved", "doubled"):
            transform, text = TRANSFORMS[what]
            read = partial(reading, name, NOW, transform)
            yield changed(NOW, f"{name} {what}", read, substitution(scene, name, text))


def substitutions(scene: Scene) -> Iterator[Variant]:
    """Yield the formula with each of its operands stale, already updated, or another's."""
    for when, names in zip((NOW, THEN), reads(scene), strict=True):
        for name in sorted(names):
            yield from substituted(scene, name, when)
    for name in sorted(reads(scene)[1]):
        yield from older(scene, name)
    for name in sorted(reads(scene)[0] & {"X", "Y"}):
        yield from another_batch(scene, name)


def value_of(shown: Shown, name: str, when: str) -> Tracked | None:
    """Return an operand as shown: an entry of the step, or of the state before it."""
    if name in ("X", "Y"):
        return exact(shown.X if name == "X" else shown.Y, shown.X.dtype)
    entries = shown.trace if when == NOW else shown.state
    return exact(entries[name], shown.X.dtype) if name in entries else None


def reading(name: str, when: str, transform: Transform, shown: Shown) -> dict[str, Tracked]:
    x = value_of(shown, name, when)
    return {} if x is None else {name: transform(x, shown)}


def changed(
    when: str, name: str, read: Callable[[Shown], dict[str, Tracked]], wrong: str
) -> Variant:
    """Return the variant that reads one operand otherwise."""
    if when == NOW:
        return Variant(name, wrong, now=read, generic=True)
    return Variant(name, wrong, then=read, generic=True)


def transformed(scene: Scene, name: str, when: str) -> Iterator[Variant]:
    x = value_of(scene.last, name, when)
    if x is None:
        return
    for what, (transform, text) in TRANSFORMS.items():
        wrong = substitution(scene, name, text)
        yield changed(when, f"{name} {what}", partial(reading, name, when, transform), wrong)
    shape = shape_of(x.value)
    for what, (transform, text) in (LABELLED if name == "Y" else {}).items():
        read = partial(reading, name, when, transform)
        yield changed(when, f"{name} {what}", read, substitution(scene, name, text))
    if len(shape) == 2 and shape[0] == shape[1] > 1:
        read = partial(reading, name, when, lambda x, s: x.T)
        yield changed(when, f"{name} transposed", read, substitution(scene, name, "{}.T"))


def substituted(scene: Scene, name: str, when: str) -> Iterator[Variant]:
    """Yield the formula reading, for one operand, any other entry of the same shape."""
    x = value_of(scene.last, name, when)
    if x is None:
        return
    for other, source, y in candidates(scene.last):
        if shape_of(y) != shape_of(x.value) or other == scene.entry:
            continue
        if (other, source) == (name, when) or (y.dtype.kind != "f" and x.value.ndim):
            continue
        read = partial(instead, name, other, source)
        wrong = substitution(scene, name, stamped(other, when, source))
        yield changed(when, read_instead(name, other, when, source), read, wrong)


def older(scene: Scene, name: str) -> Iterator[Variant]:
    """Yield the formula reading an entry of the state as it was a step earlier, or at the start."""
    for when, first in (("of one step earlier", False), ("of the first step", True)):
        if len(scene.steps) > 1 and name in scene.last.state:
            read = partial(as_it_was, scene=scene, name=name, first=first)
            yield changed(THEN, f"{name} {when}", read, substitution(scene, name, "{}_old"))


def another_batch(scene: Scene, name: str) -> Iterator[Variant]:
    """Yield the formula reading the batch of an earlier step, or of a later one."""
    for back, when in (
        (1, "of the step before"),
        (2, "of two steps before"),
        (-1, "of the step after"),
    ):
        if (other := scene.stamp(scene.last, back)) is not None:
            read = partial(batch_of, scene=scene, name=name, back=back)
            text = f"{name}_{'old' if back > 0 else 'next'}"
            if not np.array_equal(getattr(other, name), getattr(scene.last, name)):
                yield replace(changed(NOW, f"{name} {when}", read, substitution(scene, name, text)),
                              sudden=True)  # fmt: skip
    first = scene.steps[0]
    if len(scene.steps) > 3 and not np.array_equal(getattr(first, name), getattr(scene.last, name)):
        read = partial(batch_of, scene=scene, name=name, back=len(scene.steps) - 1)
        yield replace(changed(NOW, f"{name} of the first step", read, substitution(scene, name, f"{name}_0")),
                      sudden=True)  # fmt: skip


def batch_of(shown: Shown, *, scene: Scene, name: str, back: int) -> dict[str, Tracked]:
    other = scene.stamp(shown, back)
    return {} if other is None else {name: exact(getattr(other, name), other.X.dtype)}


def as_it_was(shown: Shown, *, scene: Scene, name: str, first: bool) -> dict[str, Tracked]:
    earlier = scene.steps[0] if first else scene.stamp(shown, 1) or shown
    return {name: earlier.then(name)} if name in earlier.state else {}


def candidates(shown: Shown) -> Iterator[tuple[str, str, Array]]:
    """Yield every array of the step and of the state before it: name, which of the two, value."""
    yield from (("X", NOW, shown.X), ("Y", NOW, shown.Y))
    yield from ((n, NOW, y) for n, y in shown.trace.items())
    yield from ((n, THEN, y) for n, y in shown.state.items())


def instead(name: str, other: str, source: str, shown: Shown) -> dict[str, Tracked]:
    y = value_of(shown, other, source)
    return {} if y is None else {name: y}


def stamped(other: str, when: str, source: str) -> str:
    return other if source == NOW or when == source else f"{other}_old"


def read_instead(name: str, other: str, when: str, source: str) -> str:
    """Return the words for an operand read in place of another.

    >>> read_instead("W2", "W2", "then", "now"), read_instead("dZ1", "dA1", "now", "now")
    ('W2 already updated', 'dA1 in place of dZ1')
    """
    if name == other:
        return f"{name} {'already updated' if source == NOW else 'of the step before'}"
    stamp = "" if source == NOW or when == source else " of the step before"
    return f"{other}{stamp} in place of {name}"
