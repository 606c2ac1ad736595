r"""The schedulers of torch.optim.lr_scheduler, each read off an optimiser that it drives."""

from reference.schedules.cycles import cosine, linear_warmup, one_cycle
from reference.schedules.decays import constant, exponential, inverse_time, step_decay
from reference.schedules.plateau import reduce_on_plateau

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
