r"""What a diagnosis looks at: the steps a program showed, up to the first entry whose formula failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.formulas import stepping
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.stepping import Formulas
from compare.judgement import Distance, Operands, distance
from compare.tolerances import CAP
from compare.traces import kind, parameters

Array = NDArray[Any]
Trace = Mapping[str, Array]


@dataclass(frozen=True)
class Shown:
    """One step as a program showed it: its trace, the state it started from, the batch, the right formulas."""

    trace: Trace
    state: Trace
    X: Array
    Y: Array
    formulas: Formulas
    carried: Mapping[str, Tracked] = field(default_factory=dict)  # state the program did not show
    coming: Mapping[str, Any] = field(default_factory=dict)  # what it showed of the step after

    def now(self, name: str) -> Tracked:
        return exact(self.trace[name], self.X.dtype)

    def then(self, name: str) -> Tracked:
        return exact(self.state[name], self.X.dtype)


@dataclass(frozen=True)
class Scene:
    """The steps up to and including the one where `origin` failed, oldest first.

    The mistake may lie in `target`: the origin itself, or an entry before it that was not shown.
    """

    steps: tuple[Shown, ...]
    origin: str
    target: str = ""
    after: tuple[Shown, ...] = ()  # steps after it, which a mistake must explain as well

    @property
    def last(self) -> Shown:
        return self.steps[-1]

    @property
    def entry(self) -> str:
        """Return the entry whose formula is suspected."""
        return self.target or self.origin

    @property
    def kind(self) -> str:
        return kind(self.entry)

    @property
    def layer(self) -> int:
        digits = "".join(c for c in self.entry.split(".")[-1] if c.isdigit())
        return int(digits) if digits else len(self.last.formulas.activations)

    @property
    def slots(self) -> bool:
        """Tell whether the entry is computed by the rule: its state, or a parameter."""
        return self.kind in ("W", "b", "gamma", "beta") or (
            "." in self.entry and self.kind not in ("a", "g")
        )

    def upstream(self) -> list[str]:
        """Return the entries before the origin that were not shown: the mistake may be in one of them."""
        order = [n for n, _ in stepped(self.last, {}, {}, self.last.formulas)]
        before = order[: order.index(self.origin)] if self.origin in order else []
        return [n for n in before if n not in self.last.trace and "." not in n]


Change = Callable[[Shown], Any]


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
    now: Callable[[Shown], Mapping[str, Tracked]] | None = None
    then: Callable[[Shown], Mapping[str, Tracked]] | None = None
    direct: Callable[[Operands, Shown], Tracked] | None = None
    result: Callable[[Tracked, Shown], Tracked] | None = None
    generic: bool = field(default=False, compare=False)


def stepped(
    shown: Shown,
    now: Mapping[str, Tracked],
    then: Mapping[str, Tracked],
    formulas: Formulas,
    change: Callable[[str, Tracked, Operands], Tracked] | None = None,
    carried: Mapping[str, Tracked] | None = None,
) -> Iterator[tuple[str, Tracked]]:
    """Yield every entry of a step as formulas give it, each first passed through `change`."""
    operands = Operands(
        shown.trace, shown.state, shown.X, shown.Y, own=True, now=now, then=then,
        carried=shown.carried if carried is None else carried,
    )  # fmt: skip
    names = parameters({**shown.state, **operands.then})
    reading = operands.read, operands.before, operands.has
    for name, value in stepping.step(formulas, names, *reading):
        changed = change(name, value, operands) if change else value
        operands.stated[name] = changed
        yield name, changed


def expected(
    variant: Variant, shown: Shown, scene: Scene, carried: Mapping[str, Tracked]
) -> dict[str, Tracked]:
    """Return every entry of one step as the variant makes it."""
    formulas = variant.formulas(shown.formulas, shown) if variant.formulas else shown.formulas
    now = variant.now(shown) if variant.now else {}
    then = variant.then(shown) if variant.then else {}

    def change(name: str, value: Tracked, operands: Operands) -> Tracked:
        if name == scene.entry:
            value = variant.direct(operands, shown) if variant.direct else value
            value = variant.result(value, shown) if variant.result else value
        return value

    return dict(stepped(shown, now, then, formulas, change, carried))


def right(scene: Scene) -> Tracked | None:
    """Return the failing entry as it should be."""
    shown = scene.last
    return expected(Variant(""), shown, scene, shown.carried).get(scene.origin)


def explains(variant: Variant, scene: Scene) -> Distance | None:
    """Return the distance of the origin from the variant if it is down to rounding at every step, else None.

    What the program does not show goes on from step to step as the variant has it.
    """
    carried: Mapping[str, Tracked] = scene.steps[0].carried
    worst: Distance | None = None
    for shown in (*scene.steps, *scene.after):
        results = expected(variant, shown, scene, carried)
        x, value = shown.trace.get(scene.origin), results.get(scene.origin)
        if x is not None:
            if value is None or np.shape(value.value) != np.shape(x):
                return None
            near = distance(x, value, strict=True)
            if not near.ratio <= CAP:
                return None
            worst = near if worst is None or near.ratio > worst.ratio else worst
        carried = {n: v for n, v in results.items() if n not in shown.trace}
    return worst


def reads(scene: Scene) -> tuple[set[str], set[str]]:
    """Return the operands that the origin's formula reads of this step, and of the state before it."""
    shown = scene.last
    watch = Watched(shown.trace, shown.state, shown.X, shown.Y, own=True, carried=shown.carried)
    for name, _ in watch.stepped(shown.formulas):
        if name == scene.entry:
            return watch.recent
        watch.recent = set(), set()
    return set(), set()


class Watched(Operands):
    """Operands that remember what was read since the last entry."""

    recent: tuple[set[str], set[str]] = (set(), set())

    def read(self, name: str) -> Tracked:
        self.recent[0].add(name)
        return super().read(name)

    def before(self, name: str) -> Tracked:
        self.recent[1].add(name)
        return super().before(name)

    def stepped(self, formulas: Formulas) -> Iterator[tuple[str, Tracked]]:
        names = parameters({**self.state, **self.then})
        for name, value in stepping.step(formulas, names, self.read, self.before, self.has):
            self.stated[name] = value
            yield name, value
