r"""Every mistake that has a name, planted in a right program: is it caught, at its formula, and called by its name?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from compare.checking.elsewhere import Step, told_apart
from compare.checking.examination import examine
from compare.checking.inputs import Trial, trials
from compare.checking.steps import formulas
from compare.checking.thresholds import clipped
from compare.checking.verdict import Verdict
from compare.configuration import Configuration
from compare.diagnosis import Scene, Shown, Variant, network, rules
from compare.diagnosis.generic import settings
from compare.program import planted
from compare.selftest.beds import RULE, Bed
from compare.traces import PARAMETERS, Array, Trace, kind

SIZES, EXAMPLES, STEPS = (5, 4, 3), 7, 4
VISIBLE = 1e-9  # a mistake that changes an entry by less than this part of it shows nothing there


@dataclass(frozen=True)
class Kill:
    """What became of one planted mistake."""

    net: str
    entry: str
    mistake: str
    trial: str = ""
    outcome: str = "shows nothing"
    names: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """Return the kind of formula, as the kill matrix has it."""
        return "update rule" if self.entry == RULE else GROUPS.get(kind(self.entry), "batch norm")


GROUPS = {
    "Z": "linear layer", "A": "activation", "D": "dropout", "loss": "loss", "dA": "gradient passed back",
    "dD": "gradient passed back", "dZ": "derivative", "dN": "derivative", "dW": "dW and db",
    "db": "dW and db", "a": "accumulation", "g": "clipping", "norm": "clipping",
}  # fmt: skip


def kills(bed: Bed, *, every: int = 1) -> list[Kill]:
    """Return the fate of every mistake of one bed, or of every k-th, planted where it first shows."""
    c = bed.configuration
    tried = list(trials(c, SIZES, m=EXAMPLES, steps=STEPS, dtype="float64", seed=0))
    tried += clipped(c, SIZES, m=EXAMPLES, dtype="float64", seed=0)[0]
    first = tuple(run(c, tried[0], Variant(""), ""))
    mistakes = ((entry, v) for entry in subjects(bed, first) for v in variants(first, entry))
    return [planting(c, tried, v, entry) for entry, v in islice(mistakes, 0, None, every)]


def subjects(bed: Bed, shown: tuple[Shown, ...]) -> Iterator[str]:
    """Yield one entry of each kind, of the first layer, and the last layer's where its mistakes are others."""
    if bed.kinds == (RULE,):
        yield RULE
        return
    order = Scene(shown, "loss").order
    for what in bed.kinds:
        names = [n for n in order if kind(n) == what and ("." in n) == (what in ("a", "g"))]
        both = {"dA": (names[0], names[-1]), "dZ": (names[0], names[-1]), "g": names[:1]}
        yield from dict.fromkeys(both.get(what, names[-1:]))


def variants(shown: tuple[Shown, ...], entry: str) -> Iterator[Variant]:
    """Yield the mistakes of one entry; those of the rule are the same for all that it computes."""
    if entry != RULE:
        yield from network.mistakes(Scene(shown, entry))
        return
    yield from rules.mistakes(Scene(shown, "W1"))
    yield from settings(Scene(shown, "W1"))


def planting(c: Configuration, tried: list[Trial], variant: Variant, entry: str) -> Kill:
    """Plant a mistake in the trials, until it shows; return what became of it there."""
    kill = Kill(c.title, entry, variant.name)
    for t in tried:
        with np.errstate(all="ignore"):
            try:
                steps = run(c, t, variant, entry)
            except (KeyError, ValueError, ArithmeticError):  # its shapes do not fit this trial
                continue
            if shows(c, t, steps):
                others = (o for o in tried if o is not t)
                return replace(kill, trial=t.name, **judged(c, t, steps, variant, entry, others))
    return kill


def run(c: Configuration, t: Trial, variant: Variant, entry: str) -> list[Shown]:
    """Return the steps of a program with a mistake in one entry, in the whole rule, or nowhere."""
    clipping = kind(entry) == "g"  # of all gradients, by a norm that is not shown
    origins = () if clipping or entry in ("", RULE) else (entry,)
    state: Trace = t.state
    steps = []
    for batch in t.batches:
        start = {**state, **batch.state}
        right = c.formulas(**batch.options)
        state = planted(right, variant, origins, start, batch.X, batch.Y)
        state = {n: x for n, x in state.items() if not (clipping and n == "norm")}
        steps.append(Shown(state, start, batch.X, batch.Y, right))
    return steps


def shows(c: Configuration, t: Trial, steps: list[Shown]) -> bool:
    """Tell whether the program differs anywhere from what it should be, from its own states."""
    for s in steps:
        right = planted(s.formulas, Variant(""), (), s.state, s.X, s.Y)
        if any(apart(x, right[n], s.state.get(n)) for n, x in s.trace.items() if n in right):
            return True
    return False


def apart(x: Array, right: Array, before: Array | None) -> bool:
    """Tell whether two arrays differ by more than VISIBLE, a parameter in its update."""
    if x.shape != right.shape or not np.array_equal(np.isfinite(x), np.isfinite(right)):
        return True
    size = (
        np.abs(right - before) if before is not None and before.shape == x.shape else np.abs(right)
    )
    known = np.isfinite(right)
    return bool((np.abs(x - right)[known] > VISIBLE * np.maximum(size, 1e-300)[known]).any())


def judged(
    c: Configuration,
    t: Trial,
    steps: list[Shown],
    variant: Variant,
    entry: str,
    others: Iterable[Trial],
) -> dict[str, Any]:
    """Return the outcome of checking the program, and the names its mistake was given."""
    right = formulas(c)
    verdict = examine(
        Verdict("planted", c.title), right, t.state, shown(steps, t), c.by_torch(), case=t.name
    )
    runs = ((right, o.state, elsewhere(c, o, variant, entry)) for o in others)
    verdict = told_apart(verdict, runs)
    if verdict.right or verdict.divergence is None:
        return {"outcome": "missed"}
    if not located(verdict.divergence.origin, entry):
        return {"outcome": "elsewhere", "names": (verdict.divergence.origin,)}
    names = verdict.diagnosis.names if verdict.diagnosis else ()
    if verdict.divergence.kind == "shape":
        return {"outcome": "named", "names": names}
    return {"outcome": called(variant.name, names), "names": names}


def shown(steps: list[Shown], t: Trial) -> Iterator[Step]:
    return zip((s.trace for s in steps), t.batches, strict=True)


def elsewhere(c: Configuration, t: Trial, variant: Variant, entry: str) -> Iterator[Step]:
    """Yield what the program shows in another trial, where it fits it."""
    yield from shown(run(c, t, variant, entry), t)


def located(origin: str, entry: str) -> bool:
    state = "." in origin and origin[:2] not in ("a.", "g.")
    clipping = kind(entry) == kind(origin) == "g"  # of all gradients, or of some
    return origin == entry or clipping or (entry == RULE and (state or kind(origin) in PARAMETERS))


def called(name: str, names: tuple[str, ...]) -> str:
    if name in names:
        return "named" if names == (name,) else "in the set"
    return "misnamed" if names else "unexplained"
