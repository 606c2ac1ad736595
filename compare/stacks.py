r"""A stack: steps of one run, their arrays along a leading axis, each formula evaluated once for all of them.

The formulas of a float64 program are evaluated in float64 here, not in extended precision. A careful
evaluation may be off like a careful program, so that not all of the limit is left to the program
(`compare.tolerances.screen`): what passes here would pass before the exact value too, and what does
not is taken there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from compare.configuration import Configuration
from compare.distances import UNKNOWN, ZERO, Distance, floating, tiniest, widened
from compare.formulas.arithmetic import Tracked
from compare.formulas.precision import finite, quietly, wide
from compare.judgement import judge, judge_both, judge_pair
from compare.piles import Given, Matrices, Pile
from compare.standing import Judged, ordered
from compare.tolerances import STEP, cap, formula_limit, screen
from compare.traces import Array, Trace


@dataclass(frozen=True)
class Ratios:
    """As Distance, of each step of a stack: the largest error, NaN where there is no telling, and where."""

    worst: Array
    at: Array  # flat
    value: Array
    expected: Array
    allowed: Array
    terms: int
    unjudged: Array
    elements: int

    def distances(self, shape: tuple[int, ...]) -> list[Distance]:
        """Return the Distance of each step, its index that of an array of this shape."""
        worst, value, expected, allowed, unjudged = (
            x.tolist() for x in (self.worst, self.value, self.expected, self.allowed, self.unjudged)
        )
        terms, elements = [self.terms] * len(worst), [self.elements] * len(worst)
        columns = worst, self.indices(shape), value, expected, allowed, terms, unjudged, elements
        return list(map(Distance, *columns))

    def indices(self, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        if not shape:
            return [()] * len(self.at)
        return list(zip(*(i.tolist() for i in np.unravel_index(self.at, shape)), strict=True))


class Stack:
    """Steps judged at once, as the candidate and the reference took them; `clear` tells which are clear of every limit."""

    def __init__(
        self, configuration: Configuration, given: Given, theirs: Trace, level: str
    ) -> None:
        steps = self.steps = given.steps
        formulas = configuration.formulas(**steps[0].batch.options)
        self.theirs, reference = theirs, Matrices(theirs)
        mine, start = Matrices(Pile([s.mine for s in steps])), Matrices(given.start)
        X, Y = given.X, given.Y
        self.shapes = {n: x.shape for n, x in steps[0].mine.items()}
        self.exact = wide(X.dtype) == np.float64  # a float32 program's formulas, in float64
        self.own: dict[str, Ratios] = {}
        missing: list[str] = []
        with np.errstate(all="ignore"):
            sides = formulas, mine, reference, start, X, Y
            self.pairs: dict[str, Ratios]
            if level == "formula":
                self.own, self.pairs = judge_both(*sides, measure=ratios, missing=missing)
            else:
                self.pairs = judge_pair(*sides, measure=ratios)
            self.other: dict[str, Ratios] = {}
            self.limits = {n: self.plain(r) for n, r in self.own.items()}
            if self.exact and (beyond := self.beyond()):
                self.other = judge(formulas, reference, start, X, Y, measure=ratios, only=beyond)
                self.limits |= {n: allowed(r) for n, r in self.other.items()}
        names = self.own if level == "formula" else self.pairs.keys() & mine.keys()
        sound = not missing and len(names) == len(mine)  # else `verify_step` says what is wrong
        within = [r.worst <= self.limits[n] for n, r in self.own.items()]
        self.clear = np.all(within, axis=0) & sound
        self.clear &= np.all([r.worst <= STEP / 2 for r in self.pairs.values()], axis=0)
        self.clear &= np.all([r.worst <= cap(r.terms) for r in self.other.values()], axis=0)

    def plain(self, r: Ratios) -> Array:
        """Return the limit at each step that holds without asking how far the reference is off."""
        limit = formula_limit(0.0, r.terms) if self.exact else screen(r.terms)
        return np.full(len(r.worst), limit)

    def beyond(self) -> list[str]:
        """Return the entries that are beyond the limit at any step: of these the reference must be asked."""
        return [n for n, r in self.own.items() if not (r.worst <= self.limits[n]).all()]

    @cached_property
    def shares(self) -> dict[str, Array]:
        return {n: r.worst / self.limits[n] for n, r in self.own.items()}

    @cached_property
    def margins(self) -> Array:
        found = [np.fmax(r.worst / STEP, self.shares.get(n, 0.0)) for n, r in self.pairs.items()]
        return np.array(found)

    @cached_property
    def nearest_entries(self) -> list[int]:
        return list(map(int, self.margins.argmax(axis=0)))

    def nearest(self, k: int) -> tuple[float, str]:
        """Return how near step k of the stack came to a limit, and in which entry."""
        i = self.nearest_entries[k]
        return float(self.margins[i, k]), list(self.pairs)[i]

    @cached_property
    def entries(self) -> list[tuple[Judged, ...]]:
        """Return every entry of each step judged, as `verify_step` does."""
        judged = [self.entry(name) for name in ordered(self.shapes, self.pairs)]
        return list(zip(*judged, strict=True))

    def entry(self, name: str) -> list[Judged]:
        """Return one entry of each step judged."""
        shape, own = self.shapes[name.removeprefix("update.")], self.own.get(name)
        pairs = self.pairs[name].distances(shape)
        if own is None:
            return [Judged(name, None, None, pair, STEP) for pair in pairs]
        other = self.other[name].distances(shape) if name in self.other else [None] * len(pairs)
        columns = own.distances(shape), other, pairs, self.limits[name].tolist()
        return list(map(Judged, [name] * len(pairs), *columns))


def allowed(reference: Ratios) -> Array:
    """Return the limit of a formula at each step, from how far the reference is off."""
    return np.array([formula_limit(r, reference.terms) for r in reference.worst.tolist()])


def ratios(x: Array, expected: Tracked, *, against: Array | None = None) -> Ratios:
    """Return the largest error of each step of a stack, in units of the stated error."""
    target = expected.value if against is None else against
    gap = (x if against is not None else widened(x, target.dtype)) - target
    np.abs(gap, out=gap)
    error, u, steps = (
        ZERO if expected.error is None else expected.error,
        expected.u,
        np.arange(len(x)),
    )
    worst, at, hidden = largest(gap, error, u, x, target)
    off, apart = rows(error, x)[steps, at], rows(gap, x)[steps, at]
    tiny = tiniest(expected, floating(x)) / u
    if ((off > 0.0) & (off <= tiny * 2.0**53) & (apart > 0.0)).any():  # else it is lost in rounding
        error = error + (error > 0.0) * tiny
        worst, at, hidden = largest(gap, error, u, x, target)
    value, stated, off = (rows(a, x)[steps, at].astype(float) for a in (x, target, error))
    left = np.zeros(len(x), int) if hidden is None else rows(hidden, x).sum(axis=1)
    return Ratios(worst / u, at, value, stated, u * off, expected.terms, left, x[0].size)


def largest(
    gap: Array, error: Array, u: float, x: Array, target: Array
) -> tuple[Array, Array, Array | None]:
    """Return the largest gap / error of each step, where it is, and what cannot be judged, where anything is.

    What is equal is right where no error is allowed, too: 0 / 0 is 0. What is not finite is never
    settled in a stack.
    """
    hidden = None
    if not error.max(initial=0.0) < UNKNOWN:
        error = finite(error)
        hidden = np.isfinite(gap) & (u * error > UNKNOWN)
    share = rows(quietly(np.divide, gap, error), x)
    if hidden is not None:
        share = np.where(rows(hidden, x), 0.0, share)
    if not gap.max(initial=0.0) < np.inf:
        share = np.where(rows(equal(x, target) & np.isfinite(x), x), 0.0, share)
        return share.max(axis=1), share.argmax(axis=1), hidden
    if x.dtype != target.dtype and not share.max(initial=0.0) < np.inf:
        share = share * rows(~equal(x, target), x)  # as `compare.distances.settled` has it
    worst = np.fmax.reduce(share, axis=1, initial=0.0)  # passes over 0 / 0
    at = (share == worst[:, None]).argmax(axis=1)
    return worst, np.where(worst > 0.0, at, 0), hidden


def equal(x: Array, target: Array) -> NDArray[np.bool_]:
    """Tell which elements are the target rounded to their type."""
    return np.asarray(x == target.astype(x.dtype, copy=False))


def rows(a: Array, like: Array) -> Array:
    """Return what belongs to each step of a stack as a row."""
    whole = a if a.shape == like.shape else np.broadcast_to(a, like.shape)
    return whole.reshape(len(like), -1)
