r"""The complex step: $\partial L / \partial w = \mathrm{Im}\,L(w + i h) / h$, without a difference, so without cancellation."""

from __future__ import annotations

import numpy as np

from compare.tasks import Task
from compare.tolerances import COMPLEX_STEP
from compare.witnesses.network import loss, moved
from compare.witnesses.testimony import Case, Testimony, first_step, held, places

H = 1e-100
MOST = 60  # places of a parameter


def complex_step(task: Task) -> Testimony:
    """Return what the complex step says of manual's gradients."""
    case = first_step(task, examples=256, dtype="float64")
    answers = held(case, derivatives(case), COMPLEX_STEP)
    return Testimony("complex step", answers)


def derivatives(case: Case) -> dict[str, dict[tuple[int, ...], float]]:
    with np.errstate(all="ignore"):
        return {
            name: {
                at: float(
                    np.imag(
                        loss(case.configuration, moved(case.state, name, at, 1j * H), case.batch)
                    )
                    / H
                )
                for at in chosen
            }
            for name, chosen in places(case, MOST).items()
        }
