r"""Proof by algebra: `manual`'s own code, run on symbols, against the derivative or the closed form it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from compare.proofs import facts, identities, networks, operations, rules
from compare.proofs.proof import Claim, Proof, prove
from compare.proofs.sources import Sources

FAMILIES: tuple[Callable[[Sources], Iterator[Claim]], ...] = (
    operations.claims,
    identities.claims,
    rules.claims,
    facts.claims,
    networks.claims,
)

__all__ = ["Claim", "Proof", "Sources", "claims", "prove"]


def claims(sources: Sources | None = None) -> list[Claim]:
    """Return every claim, those about single functions first."""
    sources = sources or Sources()
    return [claim for family in FAMILIES for claim in family(sources)]
