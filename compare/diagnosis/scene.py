r"""What a diagnosis looks at: the steps a program showed, up to the first entry whose formula failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.stepping import Formulas
from compare.judgement import Distance, Operands, distance, stated
from compare.tolerances import CAP
from compare.traces import kind

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

    def now(self, name: str) -> Tracked:
        return exact(self.trace[name], self.X.dtype)

    def then(self, name: str) -> Tracked:
        return exact(self.state[name], self.X.dtype)


@dataclass(frozen=True)
class Scene:
    """The steps up to and including the one where `origin` failed, oldest first."""

    steps: tuple[Shown, ...]
    origin: str

    @property
    def last(self) -> Shown:
        return self.steps[-1]

    @property
    def kind(self) -> str:
        return kind(self.origin)

    @property
    def layer(self) -> int:
        digits = "".join(c for c in self.origin.split(".")[-1] if c.isdigit())
        return int(digits) if digits else len(self.last.formulas.activations)

    @property
    def parameter(self) -> str:
        """Return the name of the parameter that the origin belongs to: W1 for m.W1 and for dW1."""
        return self.origin.split(".")[-1].removeprefix("d")

    @property
    def slots(self) -> bool:
        """Tell whether the origin is computed by the rule: its state, or a parameter."""
        return self.kind in ("W", "b", "gamma", "beta") or (
            "." in self.origin and self.kind not in ("a", "g")
        )


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


def expected(
    variant: Variant, shown: Shown, origin: str, carried: Mapping[str, Tracked]
) -> tuple[Tracked | None, dict[str, Tracked]]:
    """Return what the variant makes of the origin at one step, and all that was stated on the way."""
    formulas = variant.formulas(shown.formulas, shown) if variant.formulas else shown.formulas
    now = variant.now(shown) if variant.now else {}
    then = variant.then(shown) if variant.then else {}
    results, found = {}, None
    reading = {"carried": carried, "now": now, "then": then}
    for name, value in stated(formulas, shown.trace, shown.state, shown.X, shown.Y, own=True, **reading):
        results[name] = value
        if name == origin:
            found = value
    if variant.direct:
        operands = Operands(shown.trace, shown.state, shown.X, shown.Y, own=True, **reading)
        operands.stated = results
        found = variant.direct(operands, shown)
    if found is not None and variant.result:
        found = variant.result(found, shown)
    return found, results


def explains(variant: Variant, scene: Scene) -> Distance | None:
    """Return the distance of the origin from the variant if it is down to rounding at every step, else None."""
    carried: dict[str, Tracked] = {}
    worst: Distance | None = None
    for shown in scene.steps:
        value, results = expected(variant, shown, scene.origin, carried)
        x = shown.trace.get(scene.origin)
        if value is None or x is None or np.shape(value.value) != np.shape(x):
            return None
        near = distance(x, value)
        if not near.ratio <= CAP:
            return None
        worst = near if worst is None or near.ratio > worst.ratio else worst
        carried = {n: v for n, v in results.items() if n not in shown.trace}
    return worst


def reads(scene: Scene) -> tuple[set[str], set[str]]:
    """Return the operands that the origin's formula reads of this step, and of the state before it."""
    shown = scene.last
    watch = Watched(shown.trace, shown.state, shown.X, shown.Y, own=True)
    for name, _ in watch.stepped(shown.formulas):
        if name == scene.origin:
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
        from compare.formulas import stepping
        from compare.traces import parameters

        names = parameters(self.state)
        for name, value in stepping.step(formulas, names, self.read, self.before, self.has):
            self.stated[name] = value
            yield name, value
