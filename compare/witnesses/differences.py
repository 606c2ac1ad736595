r"""Central differences, extrapolated: $D(h) = (L(w + h) - L(w - h)) / 2h$, and $(4 D(h/2) - D(h)) / 3$."""

from __future__ import annotations

import numpy as np

from compare.tasks import Task
from compare.tolerances import DIFFERENCES, KINK
from compare.witnesses.network import loss, moved
from compare.witnesses.testimony import Case, Testimony, first_step, held, places

H = 2e-4
MOST = 60  # places of a parameter


def differences(task: Task) -> Testimony:
    """Return what central differences say of manual's gradients."""
    case = first_step(task, examples=64, dtype="float64", clear=KINK)
    found = {
        name: {at: extrapolated(case, name, at) for at in chosen}
        for name, chosen in places(case, MOST).items()
    }
    return Testimony("central differences", held(case, found, DIFFERENCES))


def extrapolated(case: Case, name: str, at: tuple[int, ...]) -> float:
    return (4.0 * central(case, name, at, H / 2.0) - central(case, name, at, H)) / 3.0


def central(case: Case, name: str, at: tuple[int, ...], h: float) -> float:
    with np.errstate(all="ignore"):
        high, low = (
            loss(case.configuration, moved(case.state, name, at, x), case.batch) for x in (h, -h)
        )
    return float(high - low) / (2.0 * h)
