r"""The operands of the stated formulas: a program's own entries, exact, or with the error they may have by then.

With `own=True` an entry answers only for its own formula; with `own=False` the estimates grow along
the step: what rounding can do to the whole of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from compare.formulas import stepping
from compare.formulas.arithmetic import Tracked, estimated, exact
from compare.formulas.precision import roundoff
from compare.formulas.stepping import Formulas
from compare.traces import Array, Trace, parameters

NOTHING: Mapping[str, Tracked] = {}


class Operands:
    """Where formulas read: the program's own entries, exact, or with the error they may have grown.

    `carried` holds what the program's last step did not show, as the formulas have it; `now` and
    `then` replace operands of this step and of its state: a question of the kind "what if it had
    read that instead". `u` is the unit roundoff of a program that computes in another type than its
    arrays have, to which it rounds what it is given. With `screened` what is exact stays in float64,
    and the formulas are evaluated in it. With `fresh` what an entry may have grown is not counted
    in the fresh error of the next. With `plain` what is exact stays in the program's type.
    """

    def __init__(
        self,
        trace: Trace,
        state: Trace,
        X: Array,
        Y: Array,
        *,
        own: bool,
        carried: Mapping[str, Tracked] = NOTHING,
        now: Mapping[str, Tracked] = NOTHING,
        then: Mapping[str, Tracked] = NOTHING,
        u: float = 0.0,
        screened: bool = False,
        fresh: bool = False,
        plain: bool = False,
    ) -> None:
        self.plain = plain
        self.dtype, self.own, self.u, self.screened, self.fresh = X.dtype, own, u, screened, fresh
        self.trace, self.state = trace, state
        self.now = {"X": self.given(X), "Y": self.given(Y), **now}
        self.then = {**carried, **then}
        self.stated: dict[str, Tracked] = {}

    def given(self, x: Array) -> Tracked:
        if self.own:
            return self.exact(x)
        return estimated(x, np.abs(x) if self.u else None, self.dtype, 1, self.u)

    def exact(self, x: Array) -> Tracked:
        if self.plain:
            return Tracked(np.asarray(x, self.dtype), None, self.u or roundoff(self.dtype))
        if self.screened:
            return estimated(x, None, self.dtype, 1, self.u)
        return exact(x, self.dtype, self.u)

    def read(self, name: str) -> Tracked:
        if name not in self.now:
            self.now[name] = self.shown(name)
        return self.now[name]

    def shown(self, name: str) -> Tracked:
        x = self.trace.get(name)
        if x is None:
            return self.stated[name]
        if self.own:
            return self.exact(x)
        grown = self.stated[name]
        if self.fresh:
            return self.exact(x).with_error(grown.error, None)
        return estimated(x, grown.error, self.dtype, grown.terms, self.u)

    def before(self, name: str) -> Tracked:
        if name not in self.then:
            self.then[name] = self.given(self.state[name])
        return self.then[name]

    def has(self, name: str) -> bool:
        return name in self.state or name in self.then


def stated(
    formulas: Formulas, trace: Trace, state: Trace, X: Array, Y: Array, *, own: bool, **read: Any
) -> Iterator[tuple[str, Tracked]]:
    """Yield every entry as the stated formulas give it, in the order it is computed; `read` as in Operands."""
    operands = Operands(trace, state, X, Y, own=own, **read)
    has, names = operands.has, parameters([*state, *operands.then])
    for name, expected in stepping.step(formulas, names, operands.read, operands.before, has):
        operands.stated[name] = expected
        yield name, expected
