r"""A claim, and its proof: identities between what `manual`'s code computes and what it should compute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from compare.proofs.algebra import vanishes
from compare.proofs.arithmetic import Expression, Piece, difference
from compare.proofs.sources import Sources

Identity = tuple[str, Expression]  # where, and a difference that must be zero
NOISE = 1e-15  # a difference above this at the sample point, in 30 digits, is no rounding


@dataclass(frozen=True)
class Claim:
    """A statement about a function of `manual`, and the identities that make it true.

    `subject` names the function: "activations.sigmoid". `identities(sources, piece)` runs the code on
    symbols of `piece` and yields what must vanish. `statement` is LaTeX.
    """

    subject: str
    name: str
    statement: str
    sizes: str
    identities: Callable[[Sources, Piece], Iterable[Identity]]


@dataclass(frozen=True)
class Proof:
    """What came of a claim: "proved" or "failed", in how many seconds, and on which piece."""

    claim: Claim
    status: str
    seconds: float
    identities: int
    conditions: tuple[Expression, ...]
    refuted: str = ""  # the identity that failed

    @property
    def proved(self) -> bool:
        return self.status == "proved"


def prove(claim: Claim, *, sources: Sources | None = None) -> Proof:
    """Run a claim's identities to the end, or to the first that does not vanish.

    A claim without identities has proved nothing: it fails.
    """
    start, piece, count = time.perf_counter(), Piece(), 0
    wrong = ""
    for where, x in claim.identities(sources or Sources(), piece):
        count += 1
        if not holds(x, piece):
            wrong = where
            break
    status = "proved" if count and not wrong else "failed"
    seconds = time.perf_counter() - start
    return Proof(claim, status, seconds, count, tuple(piece.conditions), wrong)


def holds(x: Expression, piece: Piece) -> bool:
    """Tell whether an identity is true: first at the sample point, where it can be evaluated, then by algebra."""
    try:
        if abs(piece.value(x)) > NOISE:
            return False
    except TypeError:  # functions that stand for any function have no value
        pass
    return vanishes(x, piece)


def equal(where: str, left: object, right: object) -> Iterator[Identity]:
    """Yield the identities that make two arrays equal, entry by entry."""
    for k, x in enumerate(difference(left, right)):
        yield f"{where}, entry {k}", x
