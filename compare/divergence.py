r"""The error that two implementations disagree, in words that say where, by how much, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from compare.distances import Distance


def few(names: Sequence[object], most: int = 4) -> str:
    """Return the first of many names.

    >>> few(["W1", "b1"]), few([3, 1, 2], 2)
    ('W1, b1', '3, 1, ...')
    """
    return ", ".join(map(str, names[:most])) + ", ..." * (len(names) > most)


@dataclass
class Divergence(AssertionError):
    """Two implementations disagree; `origin` names the first entry whose own formula is wrong."""

    step: int
    origin: str
    kind: str  # "formula", "shape", "reference" or "step"
    distance: Distance
    limit: float
    reference: float  # the reference's value at the same place
    agreed: tuple[str, ...]  # entries before it, in computation order
    inherited: tuple[str, ...]  # entries after it that differ but follow from it
    whose: str = "manual"
    behind: tuple[str, ...] = ()  # what its formula reads, is not shown, and may be what is wrong

    def __str__(self) -> str:
        return "\n".join([self.headline, *self.details()])

    @property
    def place(self) -> str:
        index = ", ".join(map(str, self.distance.index))
        return f"{self.origin}[{index}]" if index else self.origin

    @property
    def headline(self) -> str:
        if self.kind == "reference":
            return (
                f"step {self.step}: the reference does not compute the stated formula of "
                f"{self.origin}; {self.whose} does"
            )
        if self.kind == "shape":
            return f"step {self.step}: {self.origin} has the wrong shape in {self.whose}"
        if self.kind == "step":
            return (
                f"step {self.step}: {self.origin} differs from the reference by more than rounding "
                "along the step explains, though every formula agrees on its own inputs"
            )
        if self.behind:
            return (
                f"step {self.step}: {self.origin} is wrong in {self.whose}: its formula, or what leads "
                f"to {few(self.behind)}, which {'is' if len(self.behind) == 1 else 'are'} not shown"
            )
        return f"step {self.step}: the formula of {self.origin} is wrong in {self.whose}"

    def details(self) -> list[str]:
        d = self.distance
        if self.kind == "shape":
            return [
                f"  agreed before it: {', '.join(self.agreed) or 'nothing, it is the first entry'}"
            ]
        lines = [f"  {self.place} is {d.value!r}"]
        if self.kind in ("formula", "reference"):
            lines.append(f"  its formula, on its own inputs, gives {d.expected!r}")
        lines += [
            f"  the reference has {self.reference!r} there",
            f"  error {abs(d.value - d.expected):.3g}, {d.ratio / self.limit:.3g} times the allowed "
            f"{self.limit * d.allowed:.3g}",
            f"  {self.tolerance}",
            f"  agreed before it: {', '.join(self.agreed) or 'nothing, it is the first entry'}",
        ]
        if self.inherited:
            lines.append(f"  inherited from it: {', '.join(self.inherited)}")
        return lines

    @property
    def tolerance(self) -> str:
        if not self.relative < float("inf"):
            return "no relative tolerance would have passed it"
        return f"smallest tolerance that would have passed: rtol={self.relative:.2g} on this entry"

    @property
    def relative(self) -> float:
        scale = abs(self.distance.expected)
        return abs(self.distance.value - self.distance.expected) / scale if scale else float("inf")

    def declared(self) -> dict[str, Any]:
        """Return the same as plain data, for JSON."""
        d = self.distance
        return {
            "step": self.step,
            "origin": self.origin,
            "kind": self.kind,
            "index": list(d.index),
            "value": d.value,
            "expected": d.expected,
            "reference": self.reference,
            "error_over_allowed": d.ratio / self.limit,
            "allowed": self.limit * d.allowed,
            "smallest_rtol": self.relative,
            "agreed": list(self.agreed),
            "inherited": list(self.inherited),
            "behind": list(self.behind),
        }
