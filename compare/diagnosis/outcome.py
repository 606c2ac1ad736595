r"""What a diagnosis says: the mistakes that explain the numbers, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.diagnosis.variant import Variant
from compare.divergence import few

MOST = 6  # names given; more than that cannot be told apart, and says so


@dataclass(frozen=True)
class Explained:
    """A variant that explains the numbers: error over rounding before, with the right formula, and after."""

    variant: Variant
    before: float
    after: float
    target: str = ""  # the entry that was not shown in which the mistake lies
    spared: tuple[str, ...] = ()  # entries before it that it would change, and that are right

    @property
    def measured(self) -> bool:
        """Tell whether there is a number to it: a shape, or NaN for NaN, is as good as another."""
        return bool(np.isfinite(self.before) or self.after > 0.0)


@dataclass(frozen=True)
class Diagnosis:
    """What is known of the first wrong formula: the mistakes that explain it, and how the numbers look."""

    origin: str
    named: tuple[Explained, ...]
    pattern: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(e.variant.name for e in self.named)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        if not self.named:
            yield f"  unexplained: no known mistake gives these numbers; {self.pattern}"
            return
        yield f"  mistake: {self.named[0].variant.name}"
        yield from explanation(self.named[0])
        for other in self.named[1:MOST]:
            yield f"  or, not to be told apart by these numbers: {other.variant.name}"
        if len(self.named) > MOST:
            yield f"  or {len(self.named) - MOST} more that these numbers cannot tell apart"

    def declared(self) -> dict[str, Any]:
        """Return the same as plain data, for JSON."""
        return {
            "origin": self.origin,
            "pattern": self.pattern,
            "named": [
                {
                    "mistake": e.variant.name,
                    "wrong": e.variant.wrong,
                    "right": e.variant.right,
                    "source": e.variant.source,
                    "same_as": e.variant.same_as,
                    "error_before": e.before,
                    "error_after": e.after,
                    "spared": list(e.spared),
                    "measured": e.measured,
                }
                for e in self.named
            ],
        }


def explanation(e: Explained) -> Iterator[str]:
    v = e.variant
    if v.wrong and v.wrong not in v.name:
        yield f"    yours, as understood: {v.wrong}"
    if v.right:
        yield f"    right:                {v.right}"
    if v.source:
        yield f"    convention of:        {v.source}"
    if v.same_as and v.same_as not in v.name:
        yield f"    the same as:          {v.same_as}"
    if e.spared:
        verb = "is" if len(e.spared) == 1 else "are"
        yield f"    not everywhere:       it would change {few(e.spared)} too, which {verb} right"
    if e.measured:
        yield f"    error over rounding:  {e.before:.3g} with the right formula, {e.after:.2g} with yours"
