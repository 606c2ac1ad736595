r"""Learning-rate schedules: pure functions of the number k of steps taken, from 0, to the rate.

    step_decay(k, *, lr, ...) -> lr_k

`lr` is the rate the schedule starts from, or for one_cycle the one it rises to. k may count epochs
instead of steps, if the options do too. One rule looks at the run, not at k:

    reduce_on_plateau(state, metric, ...) -> state

Step k uses lr_k: the schedule moves after the optimiser, so that the first step has k = 0.
"""

from manual.schedules.cycles import cosine, linear_warmup, one_cycle
from manual.schedules.decays import constant, exponential, inverse_time, step_decay
from manual.schedules.plateau import reduce_on_plateau

__all__ = [
    "constant",
    "cosine",
    "exponential",
    "inverse_time",
    "linear_warmup",
    "one_cycle",
    "reduce_on_plateau",
    "step_decay",
]
