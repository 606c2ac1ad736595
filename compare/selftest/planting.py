r"""The measured faults verified: planted in a trace, a little above and well below what should be caught."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from compare.configuration import Configuration
from compare.divergence import Divergence
from compare.selftest.faults import Fault
from compare.traces import Array, Trace
from compare.verification import Batch, Stepped, verify_step

SHARES = {"above": 1.01, "half": 0.5}  # of the smallest fault that is caught


def planted(
    configuration: Configuration, start: Trace, batch: Batch, stepped: Stepped, fault: Fault
) -> Iterator[str]:
    """Yield what becomes of the fault, enlarged and halved, as "above: caught" or "half: missed"."""
    for title, share in SHARES.items():
        spoilt = dict(stepped.candidate)
        base = start[fault.name] if fault.entry.startswith("update") else None
        spoilt[fault.name] = enlarged(spoilt[fault.name], base, share * fault.smallest)
        yield f"{title}: {outcome(configuration, start, batch, stepped, spoilt, fault.name)}"


def enlarged(x: Array, base: Array | None, delta: float) -> Array:
    r"""Return $x (1 + \delta)$, or that of what was added to `base`, rounded once to the type of `x`."""
    whole = x.astype(np.longdouble)
    origin = np.zeros_like(whole) if base is None else base.astype(np.longdouble)
    spoilt = whole + (whole - origin) * np.longdouble(delta)
    return np.asarray(spoilt if x.dtype.kind == "f" else np.rint(spoilt), dtype=x.dtype)


def outcome(
    configuration: Configuration,
    start: Trace,
    batch: Batch,
    stepped: Stepped,
    spoilt: Trace,
    name: str,
) -> str:
    """Return "caught" if the verifier names the spoilt entry, "elsewhere" if another, else "missed"."""

    def given(trace: Trace) -> Any:
        return lambda state, X, Y, **options: dict(trace)

    sides = given(spoilt), given(stepped.reference)
    try:
        verify_step(*sides, configuration, start, batch, stepped.number, "manual")
    except Divergence as divergence:
        named = divergence.origin.removeprefix("update.") == name
        return "caught" if named and divergence.kind != "reference" else "elsewhere"
    return "missed"
