r"""What was measured, in figures: false alarms, and for each formula the smallest fault that is always caught."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from compare.selftest.audit import findings
from compare.selftest.faults import Fault, target
from compare.selftest.measuring import Measured
from compare.tolerances import FAULT_TARGETS
from compare.traces import COUNTS

ENTRIES = (  # the order a step computes them in
    "Z", "mu", "var", "xhat", "N", "running_mean", "running_var", "batches", "A", "D", "loss",
    "dA", "dZ", "dN", "dgamma", "dbeta", "dW", "db", "dD", "micro", "a.*", "norm", "g.*",
    "t.*", "m.*", "v.*", "vmax.*", "s.*", "ga.*", "u.*", "mu.*", "d.*", "prev.*", "eta.*",
    "W", "update W", "b", "update b", "gamma", "update gamma", "beta", "update beta",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One kind of entry: its arrays, those determined by their operands, and the relative faults caught in them.

    A count is caught at any other count: its faults are not relative, and None.
    """

    entry: str
    arrays: int
    determined: int
    p99: float | None  # caught in 99 of 100
    always: float | None  # caught in all
    target: float

    @property
    def within(self) -> bool:
        return self.p99 is None or self.p99 <= self.target


def rows(measured: Measured) -> list[Row]:
    """Return a row for each kind of entry, in the order of a step."""
    known = sorted(measured.faults, key=ENTRIES.index)
    return [row(measured.dtype, entry, measured.faults[entry]) for entry in known]


def row(dtype: str, entry: str, faults: Sequence[Fault]) -> Row:
    aim = target(dtype, entry)
    sizes = [f.smallest for f in faults if f.determined(aim)]
    if counts(entry) or not sizes:
        return Row(entry, len(faults), len(sizes), None, None, aim)
    p99, always = np.quantile(sizes, [0.99, 1.0])
    return Row(entry, len(faults), len(sizes), float(p99), float(always), aim)


def counts(entry: str) -> bool:
    return entry.split(".")[0] in COUNTS


def overall(measured: Measured) -> Row:
    """Return the row of all entries together that are held to the target of the dtype."""
    aim = FAULT_TARGETS[measured.dtype]
    kinds = [e for e in measured.faults if not counts(e) and target(measured.dtype, e) == aim]
    return row(measured.dtype, "all", [f for e in kinds for f in measured.faults[e]])


def shortfalls(measured: Measured) -> Iterator[str]:
    """Yield a sentence for each false alarm, each target that is missed, and each fault that should be caught."""
    yield from (f"false alarm: {alarm}" for alarm in measured.alarms)
    yield from (f"not equal on the exact grid: {entry}" for entry in measured.grid.unequal)
    total = overall(measured)
    for r in (total, *rows(measured)):
        if not r.within and r.determined >= ENOUGH:
            yield f"{r.entry}: faults are caught from {r.p99:.1e} on, not from {r.target:.0e}"
    for outcome in ("missed", "elsewhere"):
        if n := measured.planted[f"above: {outcome}"]:
            yield f"{n} faults just above the smallest that should be caught were {outcome}"


ENOUGH = 100  # arrays: a percentile of fewer is their largest


def sentences(measured: Measured) -> Iterator[str]:
    """Yield what was measured of a dtype: false alarms, faults caught, faults planted, equality on the exact grid."""
    total, planted, grid = overall(measured), measured.planted, measured.grid
    yield (
        f"{measured.dtype}: {len(measured.alarms)} false alarms in {measured.arrays:,} arrays "
        f"({measured.elements:,} numbers, {measured.cases:,} configurations, seed {measured.seed})"
    )
    yield (
        f"smallest relative fault caught: {total.p99 or 0.0:.1e} at the 99th percentile, "
        f"target {total.target:.0e}"
    )
    sown = sum(n for outcome, n in planted.items() if outcome.startswith("above"))
    yield f"faults planted just above the smallest: {sown:,}, caught {planted['above: caught']:,}"
    yield (
        f"exact grid, by hand, torch and formulas compared with ==: {len(grid.unequal)} of "
        f"{grid.arrays:,} unequal"
    )


def declared(measured: Measured) -> dict[str, Any]:
    """Return everything measured of a dtype as plain data, for JSON."""
    return {
        "dtype": measured.dtype,
        "seed": measured.seed,
        "configurations": measured.cases,
        "steps": measured.steps,
        "arrays": measured.arrays,
        "numbers": measured.elements,
        "blown_up": measured.blown,
        "blind_arrays": measured.blind,
        "false_alarms": measured.alarms,
        "exact_grid": asdict(measured.grid),
        "overall": asdict(overall(measured)),
        "formulas": [asdict(r) for r in rows(measured)],
        "others": {
            name: {"arrays": p.arrays, "false_alarms": p.alarms, "p99": p.p99}
            for name, p in measured.practices.items()
        },
        "planted": dict(sorted(measured.planted.items())),
        "audit": list(findings(measured.usage)),
        "shortfalls": list(shortfalls(measured)),
    }
