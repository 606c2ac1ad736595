r"""The targets, each held against the worst ratio measured in its range: met or not, never asserted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from compare.benchmarks.measures import Row


@dataclass(frozen=True)
class Target:
    """A ratio that is wanted: of `name` to `against` in the rows of a section that `within` picks."""

    says: str
    section: str
    name: str
    against: str
    most: float
    within: Callable[[Row], bool] = lambda row: True


@dataclass(frozen=True)
class Standing:
    """A target with the worst of its ratios, None where nothing in its range was measured."""

    says: str
    most: float
    worst: float | None
    met: bool | None


def tiny(row: Row) -> bool:
    """Tell whether a net is at most 32 units wide on at most 32 examples."""
    return max(int(row.case["n_h"]), int(row.case["m"])) <= 32


def of_training(name: str) -> Iterator[Target]:
    yield Target(f"{name} against torch eager, to 32 x 32", "step", name, "torch eager", 0.1, tiny)
    for against, most in (("torch eager", 0.5), ("torch fused", 1.0), ("scikit-learn", 1.0)):
        yield Target(f"{name} against {against}, every size", "step", name, against, most)


def of_verification(
    name: str, where: str, most: float, within: Callable[[Row], bool] = lambda row: True
) -> Target:
    says = f"{name}, against manual + torch, {where}"
    return Target(says, "verified step", name, "manual + torch", most, within)


TARGETS = (
    *of_training("manual training"),
    *of_training("manual"),
    of_verification("verified as a whole", "to 32 x 32", 1.3, tiny),
    of_verification("verified as a whole", "every size", 1.8),
    of_verification("verified", "to 32 x 32", 4.0, tiny),
    of_verification("verified", "every size", 4.0),
    Target("parity --help against import torch", "start-up", "parity --help", "import torch", 0.3),
)  # fmt: skip


def standings(rows: Sequence[Row]) -> list[Standing]:
    """Return each target with the worst ratio of medians in its range, and whether memory is flat."""
    return [standing(target, rows) for target in TARGETS] + [flat(rows)]


def standing(target: Target, rows: Sequence[Row]) -> Standing:
    chosen = [r for r in rows if r.section == target.section and target.within(r)]
    by = {(r.name, tuple(r.case.items())): r for r in chosen}
    ratios = [
        against(row, by[target.against, case])
        for (name, case), row in by.items()
        if name == target.name and (target.against, case) in by
    ]
    worst = max(ratios, default=None)
    return Standing(
        target.says, target.most, worst, None if worst is None else worst <= target.most
    )


def against(row: Row, other: Row) -> float:
    """Return the ratio of two rows: the paired one where it was measured, else of their medians."""
    if row.ratio is not None and row.baseline == other.name:
        return row.ratio.median
    return (row.seconds or 0.0) / (other.seconds or float("inf"))


def flat(rows: Sequence[Row]) -> Standing:
    """Return the growth of memory from the fewest steps to the most, at one size."""
    peaks = sorted(
        (int(r.case["steps"]), r.bytes)
        for r in rows
        if r.section == "memory" and r.bytes and (r.case["n_h"], r.case["m"]) == (8, 32)
        and r.case["layers"] == 1
    )  # fmt: skip
    says = "memory, most steps against fewest"
    if len(peaks) < 2:
        return Standing(says, 1.1, None, None)
    growth = peaks[-1][1] / peaks[0][1]
    return Standing(says, 1.1, growth, growth <= 1.1)
