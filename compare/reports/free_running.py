r"""Free running, told in text: the drift beside its control, where rounding becomes chaos, the kinks passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from compare.reports.console import columns

Drift = Mapping[str, Any]
HEADER = (
    "free running: each side from its own state; largest relative difference, beside\n"
    "the control, torch against torch with the examples of every batch reordered"
)
SHOWN = 5  # flips


def sections(drift: Drift) -> Iterator[RenderableType]:
    """Yield the table of drifts, the step at which rounding becomes chaos, and the first kinks passed."""
    if not drift["parameters"]:
        yield Text("free running: a side left the finite numbers at its first step")
        return
    yield Text(HEADER, style="bold")
    yield table(drift)
    yield Text(amplified(drift))
    yield from kinks(drift)


def table(drift: Drift) -> Table:
    out = columns("step", "parameters", "control", "loss", "control")
    last = len(drift["parameters"]) - 1
    marks = {round(i * last / 7) for i in range(8)} | {drift["parted_at"]} - {None}
    for k in sorted(marks):
        values = (drift[n][k] for n in ("parameters", "control_parameters", "loss", "control_loss"))
        style = "bold" if k == drift["parted_at"] else None
        out.add_row(str(k), *(f"{x:.1e}" for x in values), style=style)
    return out


def amplified(drift: Drift) -> str:
    """Return in a sentence whether rounding was amplified, and since when."""
    steps, since, control = len(drift["parameters"]), drift["parted_at"], drift["control_parted_at"]
    if since is None:
        return f"Rounding stays rounding in all {steps:,} steps: it is not amplified."
    also = "the control never does" if control is None else f"the control from step {control} on"
    return (
        f"From step {since} on rounding is amplified to chaos (drift over ten thousand times\n"
        f"the first); {also}. Past that point no tolerance means anything."
    )


def kinks(drift: Drift) -> Iterator[RenderableType]:
    told: Sequence[Mapping[str, Any]] = drift["flips"]
    if told:
        yield Text(f"Kinks passed by rounding: {drift['flipped']:,}, of which the first are")
        for flip in told[:SHOWN]:
            yield Text(f"  {flip['words']}")
