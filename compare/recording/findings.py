r"""What was found in a recording, gathered as it streams by: flat in the number of steps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from compare.checking.examination import BLOWN, blurred
from compare.checking.judging import Judgement
from compare.checking.verdict import Verdict
from compare.diagnosis import Diagnosis, diagnose
from compare.distances import Distance
from compare.divergence import Divergence
from compare.recording.reading import Recording
from compare.recording.reconsidering import before, reread
from compare.recording.replaying import scene
from compare.recording.verification import UNSEEN, Checked, verify_recording
from compare.reports.report import cause
from compare.standing import Judged
from compare.tolerances import STEP, formula_limit


@dataclass
class Entry:
    """The worst that was seen of one entry: error over what is allowed, by its formula and against torch."""

    name: str
    shown: int = 0  # steps
    elements: int = 0
    unjudged: int = 0  # elements that rounding alone may have made anything
    used: float = 0.0  # error of its formula over what is allowed
    torch: float | None = (
        None  # distance from torch's step over what is allowed; None where it shows none
    )
    error: float = 0.0
    allowed: float = 0.0
    step: int = 0
    index: tuple[int, ...] = ()

    def add(self, judged: Judged, step: int, size: int) -> None:
        near = judged.formula
        if judged.pair is not near:  # else it is none of torch's entries
            self.torch = max(self.torch or 0.0, judged.pair.ratio / STEP)
        if near is None:
            return
        self.shown, self.elements = self.shown + 1, self.elements + size
        self.unjudged += near.unjudged
        used = near.ratio / judged.limit
        if used >= self.used:
            self.used, self.step, self.index = used, step, near.index
            self.error, self.allowed = apart(near), judged.limit * near.allowed


def alone(name: str, d: Distance) -> Judged:
    """Return an entry judged by its formula alone."""
    return Judged(name, d, None, d, formula_limit(0.0, d.terms))


def apart(d: Distance) -> float:
    """Return the error in the digits it was judged in, which are more than the program's type has."""
    return d.ratio * d.allowed if d.allowed else abs(d.value - d.expected)


@dataclass
class Findings:
    """A verified recording: its entries, those it does not show with in how many steps, and the verdict."""

    name: str
    steps: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)
    hidden: dict[str, int] = field(default_factory=dict)
    wrong: Divergence | None = None
    blown: tuple[int, str] | None = None
    diagnosis: Diagnosis | None = None
    notes: tuple[str, ...] = ()  # on conventions of its own

    def add(self, checked: Checked) -> None:
        self.steps += 1
        for name in checked.hidden:
            self.hidden[name] = self.hidden.get(name, 0) + 1
        for judged in checked.judged:
            name = judged.name.removeprefix("update.")
            entry = self.entries.setdefault(name, Entry(name))
            entry.add(judged, checked.number, checked.sizes[name])
        self.wrong = checked.wrong
        if checked.blown:
            self.blown = checked.number, checked.blown

    def see(self, number: int, j: Judgement) -> None:
        """Add a step that was read as a program's."""
        hidden = tuple(n for n in j.expected if n not in j.distances and n not in UNSEEN)
        judged = tuple(alone(n, d) for n, d in j.distances.items())
        sizes = {n: np.size(j.shown.trace[n]) for n in j.distances}
        self.add(Checked(number, judged, sizes, hidden))

    @property
    def code(self) -> int:
        """Return the exit code: 0 right, 1 wrong."""
        return 1 if self.wrong else 0

    @property
    def counted(self) -> str:
        arrays = sum(e.shown for e in self.entries.values())
        numbers = sum(e.elements for e in self.entries.values())
        return f"{self.steps:,} steps, {arrays:,} arrays, {numbers:,} numbers"

    @property
    def sentence(self) -> str:
        """Return the one sentence that says it all."""
        if self.wrong:
            return f"DIVERGENCE at {self.wrong.headline}"
        if self.blown:
            step, entry = self.blown
            return (
                f"PARITY until it blew up as {'its formulas do' if self.notes else 'torch does'}: step {step}, "
                f"first in {entry} ({self.counted}); {cause(step, entry)}"
            )
        by = "formula and torch" if not self.notes else "its formulas, in conventions of its own,"
        return f"PARITY: all that {self.name} shows agrees with {by} in {self.counted}"

    def outcome(self) -> dict[str, Any]:
        """Return the same in the form of a check of code, for the page of `parity check`."""
        return {
            "subject": self.name,
            "like": "a recorded run",
            "verdict": "wrong" if self.wrong else "right",
            "sentence": self.sentence,
            "text": "\n".join(
                map(str, filter(None, (self.wrong or self.sentence, self.diagnosis)))
            ),
            "error": "",
            "case": f"step {self.wrong.step}" if self.wrong else "",
            "shown": list(self.entries),
            "not_shown": [n for n in self.hidden if n not in self.entries],
            "arrays": sum(e.shown for e in self.entries.values()),
            "notes": list(self.notes),
            "divergence": self.wrong.declared() if self.wrong else None,
            "diagnosis": self.diagnosis.declared() if self.diagnosis else None,
        }

    def declared(self) -> dict[str, Any]:
        """Return the same as plain data, for JSON."""
        return {
            "format": "parity-findings/1",
            "file": self.name,
            "verdict": "divergence" if self.wrong else "parity",
            "sentence": self.sentence,
            "steps": self.steps,
            "blown_up": self.blown,
            "divergence": self.wrong.declared() if self.wrong else None,
            "diagnosis": self.diagnosis.declared() if self.diagnosis else None,
            "notes": list(self.notes),
            "not_shown": self.hidden,
            "entries": [vars(e) | {"index": list(e.index)} for e in self.entries.values()],
        }


def findings(path: Path | str, *, jobs: int = 1) -> Findings:
    """Return what verifying a recording finds, the mistake named where a formula is wrong.

    Raises ValueError for a file that is no sound recording.
    """
    found = Findings(Path(path).name)
    for checked in verify_recording(path, jobs=jobs):
        found.add(checked)
    if not found.entries:
        what = (
            f"{found.blown[1]} is not finite on either side" if found.blown else "it shows nothing"
        )
        raise ValueError(f"nothing was compared: {what}")
    if found.wrong and found.wrong.kind == "formula":
        return reconsidered(found, Recording(path), found.wrong)
    return found


@np.errstate(all="ignore")
def reconsidered(found: Findings, recording: Recording, wrong: Divergence) -> Findings:
    """Return what is found where a recording with a wrong formula is read as a program, its mistake named."""
    first, again = before(recording, wrong.step), found
    verdict = reread(recording, first)
    if conventions(verdict):  # the whole run is judged by them
        again, first = Findings(found.name), 0
        verdict = reread(recording, seen=again.see)
    if verdict.error or (verdict.right and not conventions(verdict)):
        seen = scene(recording.path, wrong)
        named = diagnose(seen)
        return replace(found, wrong=blurred(wrong, named, seen), diagnosis=named)
    if BLOWN in verdict.notes and again is not found:
        again.blown = again.steps - 1, "the parameters"
    left = verdict.divergence
    if left and (left.origin, left.step + first) != (wrong.origin, wrong.step):
        wrong = replace(left, step=left.step + first)
    elif left:
        wrong = replace(wrong, behind=left.behind)
    return replace(
        again, wrong=wrong if left else None, diagnosis=verdict.diagnosis, notes=verdict.notes
    )


def conventions(verdict: Verdict) -> list[str]:
    """Return the notes on conventions."""
    return [note for note in verdict.notes if note != BLOWN]
