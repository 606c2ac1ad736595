r"""What a check found: right as far as it was shown, or wrong at one formula, with the mistake named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from compare.checking.places import complained
from compare.diagnosis import Diagnosis, Scene
from compare.divergence import Divergence
from compare.traces import PARAMETERS, kind


@dataclass
class Verdict:
    """The outcome of a check; `shown` entries were judged, `hidden` ones were not, and did not pass."""

    subject: str
    like: str
    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    arrays: int = 0
    case: str = ""  # the inputs on which it failed
    divergence: Divergence | None = None
    diagnosis: Diagnosis | None = None
    error: str = ""  # what kept it from being judged at all
    scene: Scene | None = field(default=None, repr=False)
    statement: Any = field(default=None, repr=False)  # the formulas of each batch that it keeps to

    def stopped(self, case: str, error: Exception) -> Verdict:
        """Return the verdict on a candidate that raised an error on these inputs."""
        return replace(self, error=f"on {case}: {' '.join(complained(error, {}).split())}")

    @property
    def right(self) -> bool:
        return not self.divergence and not self.error

    @property
    def sentence(self) -> str:
        """Return the one sentence that says it all."""
        if self.error:
            return f"ERROR  {self.subject}: {self.error}"
        if self.divergence:
            return f"WRONG  {self.subject}: {self.divergence.headline}"
        count = f"{len(self.hidden)} entr{'ies' if len(self.hidden) > 1 else 'y'}"
        partly = f"; {count} not shown" if self.hidden else ""
        if untold := [n for n in self.hidden if kind(n) in PARAMETERS and "." not in n]:
            partly += f", the updated {', '.join(untold)} among them"
        return f"RIGHT  {self.subject} is {self.like} in {self.arrays} arrays{partly}"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        yield self.sentence
        if self.divergence:
            yield f"  found on: {self.case}"
            yield from self.divergence.details()
        if self.diagnosis:
            yield from self.diagnosis.lines()
        if self.hidden:
            yield f"  not shown, so not judged: {', '.join(self.hidden)}"
        for note in self.notes:
            yield f"  note: {note}"

    def declared(self) -> dict[str, Any]:
        """Return the same as plain data, for JSON."""
        return {
            "subject": self.subject,
            "like": self.like,
            "verdict": "error" if self.error else "right" if self.right else "wrong",
            "sentence": self.sentence,
            "error": self.error,
            "case": self.case,
            "shown": list(self.shown),
            "not_shown": list(self.hidden),
            "arrays": self.arrays,
            "notes": list(self.notes),
            "divergence": self.divergence.declared() if self.divergence else None,
            "diagnosis": self.diagnosis.declared() if self.diagnosis else None,
        }


class Wrong(AssertionError):
    """A candidate that does not compute what it should; the text is the whole verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict
