r"""The tolerance audit: how much of what is allowed was ever needed, by manual or by torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compare.distances import Distance
from compare.formulas.arithmetic import Tracked
from compare.selftest.faults import SINGLE, label
from compare.standing import Judged
from compare.tolerances import AUDIT, STEP, STEP_AUDIT, formula_limit

ENOUGH = 100  # arrays: fewer say little about the worst


@dataclass
class Usage:
    """The worst errors seen of one kind of entry, as shares of what is always allowed, and in how many arrays."""

    formula: float = 0.0
    formula_arrays: int = 0
    step: float = 0.0
    step_arrays: int = 0


def used(
    usage: dict[str, Usage], judged: Judged, torch: Distance | None, expected: Tracked | None
) -> None:
    """Add one judged entry, where it was allowed any error: what must be equal needs no audit."""
    update = judged.name.startswith("update.")
    name = judged.name.removeprefix("update.")
    u = usage.setdefault("update " * update + label(name), Usage())
    if judged.pair.allowed > 0.0 and label(name) not in SINGLE:  # both sides round those alike
        u.step = max(u.step, judged.pair.ratio / STEP)
        u.step_arrays += 1
    rounds = expected is not None and expected.error is not None and expected.error.any()
    if judged.formula is not None and rounds:
        worst = max(judged.formula.ratio, torch.ratio if torch else 0.0)
        u.formula = max(u.formula, worst / formula_limit(0.0, judged.formula.terms))
        u.formula_arrays += 1


def findings(usage: Mapping[str, Usage]) -> Iterator[str]:
    """Yield a sentence for each limit that is wider than needed by more than the set factor."""
    for entry, u in usage.items():
        for what, worst, arrays, factor in (
            ("formula", u.formula, u.formula_arrays, AUDIT),
            ("step", u.step, u.step_arrays, STEP_AUDIT),
        ):
            if arrays >= ENOUGH and worst * factor < 1.0:
                needed = f"{1.0 / worst:.0f} times" if worst else "infinitely"
                yield (
                    f"the {what} limit of {entry} is {needed} as wide as the worst error "
                    f"of {arrays:,} arrays; at most {factor:.0f} times is justified"
                )
