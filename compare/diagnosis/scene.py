r"""What a diagnosis looks at: the steps a program showed, up to the first entry whose formula failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from compare.formulas import stepping
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.stepping import Formulas
from compare.operands import NOTHING, Operands
from compare.traces import PARAMETERS, Array, Trace, kind, parameters

COUNTERS = ("micro", "batches")
GRADIENTS = ("a", "g")  # with a dot, as in a.W1, yet no state of the rule


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

    @property
    def parameters(self) -> list[str]:
        """Return the names of the net's parameters, those that the program did not show included."""
        return parameters({**self.state, **self.carried})

    def now(self, name: str) -> Tracked:
        return exact(self.trace[name], self.X.dtype)

    def then(self, name: str) -> Tracked:
        """Return an entry as it was before the step: as shown, else as the formulas have it."""
        return exact(self.state[name], self.X.dtype) if name in self.state else self.carried[name]


@dataclass(frozen=True)
class Scene:
    """The steps up to and including the one where `origin` failed, oldest first.

    The mistake may lie in `target`: the origin itself, or an entry before it that was not shown.
    """

    steps: tuple[Shown, ...]
    origin: str
    target: str = ""
    after: tuple[Shown, ...] = ()  # steps after it, which a mistake must explain as well
    elsewhere: tuple[tuple[Shown, ...], ...] = ()  # other runs of the program, right or wrong

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
        return int(digits) if digits else self.depth

    @property
    def depth(self) -> int:
        return len(self.last.formulas.activations)

    @property
    def slots(self) -> bool:
        """Tell whether the entry is computed by the rule: its state, or a parameter."""
        return self.kind in PARAMETERS or ("." in self.entry and self.kind not in GRADIENTS)

    @property
    def moved(self) -> bool:
        """Tell whether the entry is a parameter, whose update is what can be wrong."""
        return self.kind in PARAMETERS and "." not in self.origin

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Return the entries of the failing step in the order they are computed."""
        return tuple(name for name, _ in stepped(self.last, self.last.formulas))

    @cached_property
    def complete(self) -> bool:
        """Tell whether every entry that a later step starts from is shown at every step."""
        return not any(s.carried for s in (*self.steps, *self.after))

    def gradients(self) -> list[str]:
        """Return the gradients that the entry is computed from, of the rule's, where they are not shown."""
        if not self.slots:
            return []
        parameter = self.origin.split(".")[-1]
        names = (f"a.{parameter}", f"d{parameter}", f"dA{self.depth}")
        return [n for n in names if n in self.order and n not in self.last.trace]

    def upstream(self) -> list[str]:
        """Return the entries before the origin that were not shown: the mistake may be in one of them."""
        before = self.order[: self.order.index(self.origin)] if self.origin in self.order else ()
        hidden = [n for n in before if n not in self.last.trace and "." not in n]
        return [n for n in hidden if kind(n) not in COUNTERS]

    def stamp(self, shown: Shown, back: int) -> Shown | None:
        """Return the step `back` steps before `shown`, after it where negative; None where there is none."""
        known = (*self.steps, *self.after)
        here = next((i for i, s in enumerate(known) if s.trace is shown.trace), len(known))
        return known[here - back] if 0 <= here - back < len(known) else None


Change = Callable[[str, Tracked, Operands], Tracked]


def stepped(
    shown: Shown,
    formulas: Formulas,
    *,
    now: Mapping[str, Tracked] = NOTHING,
    then: Mapping[str, Tracked] = NOTHING,
    change: Change | None = None,
    carried: Mapping[str, Tracked] | None = None,
    only: str = "",
) -> Iterator[tuple[str, Tracked]]:
    """Yield every entry of a step as formulas give it, each first passed through `change`.

    `now` and `then` are read in place of the program's own operands, by `only` one entry if it is named.
    """
    given = shown.trace, shown.state, shown.X, shown.Y
    before = shown.carried if carried is None else carried
    operands = Operands(*given, own=True, now=now, then=then, carried=before)
    plain = Operands(*given, own=True, carried=before) if only and (now or then) else operands
    names = parameters({**shown.state, **operands.then})
    for name, value in computed(formulas, names, operands, plain, only):
        changed = change(name, value, operands) if change else value
        operands.stated[name] = plain.stated[name] = changed
        yield name, changed


def computed(
    formulas: Formulas, names: list[str], operands: Operands, plain: Operands, only: str
) -> Iterator[tuple[str, Tracked]]:
    """Yield every entry of its operands; where they differ from the plain ones, `only` one entry reads them."""
    bent = stepping.step(formulas, names, operands.read, operands.before, operands.has)
    if plain is operands:
        yield from bent
        return
    right = stepping.step(formulas, names, plain.read, plain.before, plain.has)
    for (name, value), (_, other) in zip(bent, right, strict=True):
        yield name, value if name == only else other


def reads(scene: Scene) -> tuple[set[str], set[str]]:
    """Return the operands that the entry's formula reads of its step, and of the state before it."""
    s = scene.last
    operands = Operands(s.trace, s.state, s.X, s.Y, own=True, carried=s.carried)
    now, then = set[str](), set[str]()

    def read(name: str) -> Tracked:
        now.add(name)
        return operands.read(name)

    def before(name: str) -> Tracked:
        then.add(name)
        return operands.before(name)

    for name, value in stepping.step(s.formulas, s.parameters, read, before, operands.has):
        if name == scene.entry:
            return now, then
        operands.stated[name] = value
        now.clear()
        then.clear()
    return set(), set()


def unshown(scene: Scene) -> tuple[str, ...]:
    """Return what the entry's formula reads that was not shown, so that what is wrong may be wrong there."""
    s = scene.last
    now, then = reads(scene)
    lost = {*now} - {*s.trace, "X", "Y"} | {*then} - {*s.state}
    if scene.slots:  # a rule reads those of all parameters at once, and steps each by its own
        own = scene.entry.split(".")[-1]
        lost = {n for n in lost if n.split(".")[-1].removeprefix("d") == own}
    return tuple(n for n in dict.fromkeys((*scene.order, *s.carried)) if n in lost)


def shape_of(x: Any) -> tuple[int, ...]:
    """Return the shape of an entry; () for a number."""
    return tuple(np.shape(x))
