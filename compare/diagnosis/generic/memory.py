r"""Matrices whose numbers stand column by column, as in Fortran, Julia, MATLAB and R, and are read row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from compare.diagnosis.scene import Scene, Shown, reads
from compare.diagnosis.variant import Variant
from compare.formulas.arithmetic import Tracked, exact
from compare.traces import Array

COLUMN_MAJOR = "stands column by column in memory, and is read row by row"
EVERY = "the numbers of every matrix stand column by column in memory, and are read row by row"
ROW_MAJOR = "row-major, as C and NumPy have it"


def orders(scene: Scene) -> Iterator[Variant]:
    """Yield matrices in column-major order: the entry, one that its formula reads, or all of them."""
    read = {n for names in reads(scene) for n in names}
    yield Variant(
        f"{scene.entry} {COLUMN_MAJOR}", "column-major", ROW_MAJOR, result=mixed, generic=True
    )
    for name in sorted(read):
        read_mixed = partial(unmixed, names={name})
        yield Variant(f"{name} {COLUMN_MAJOR}", "column-major", ROW_MAJOR, now=partial(read_mixed, now=True),
                      then=partial(read_mixed, now=False), generic=True)  # fmt: skip
    yield Variant(EVERY, "column-major", ROW_MAJOR, now=partial(unmixed, now=True, names=read),
                  then=partial(unmixed, now=False, names=read), result=mixed, generic=True)  # fmt: skip


def mixed(x: Tracked, shown: Shown) -> Tracked:
    """Return a matrix as it is read where it was written column by column."""
    if x.value.ndim != 2:
        return x
    error = None if x.error is None else x.error.T.reshape(x.shape)
    return Tracked(x.value.T.reshape(x.shape), error, x.u, x.terms)


def unmixed(shown: Shown, *, names: set[str], now: bool) -> Mapping[str, Tracked]:
    """Return what such matrices were before they were written, of a step or of the state before it."""
    given = {"X": shown.X, "Y": shown.Y, **shown.trace} if now else shown.state
    held: dict[str, Array] = {n: given[n] for n in names if n in given and given[n].ndim == 2}
    return {n: exact(x.reshape(x.shape[::-1]).T, shown.X.dtype) for n, x in held.items()}
