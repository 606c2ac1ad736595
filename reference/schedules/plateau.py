r"""The schedule that looks at the run, by torch.optim.lr_scheduler.ReduceLROnPlateau."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau

State = Mapping[str, float]


def reduce_on_plateau(
    state: State,
    metric: float,
    *,
    mode: str = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_lr: float = 0.0,
    eps: float = 1e-8,
) -> dict[str, float]:
    """Return the state of ReduceLROnPlateau after one more value of the metric, from `state`.

    >>> state = {"lr": 0.8, "best": 4.0, "bad": 1, "cooldown": 0}
    >>> reduce_on_plateau(state, 5.0, factor=0.5, patience=1)
    {'lr': 0.4, 'best': 4.0, 'bad': 0, 'cooldown': 0}
    """
    optimizer = SGD([torch.zeros(1)], lr=state["lr"])
    scheduler = ReduceLROnPlateau(
        optimizer,
        mode=mode,  # type: ignore[arg-type]
        factor=factor,
        patience=patience,
        threshold=threshold,
        threshold_mode=threshold_mode,  # type: ignore[arg-type]
        cooldown=cooldown,
        min_lr=min_lr,
        eps=eps,
    )
    scheduler.best = state.get("best", scheduler.best)
    scheduler.num_bad_epochs = int(state.get("bad", 0))
    scheduler.cooldown_counter = int(state.get("cooldown", 0))
    scheduler.step(metric)
    return {
        "lr": float(optimizer.param_groups[0]["lr"]),
        "best": scheduler.best,
        "bad": scheduler.num_bad_epochs,
        "cooldown": scheduler.cooldown_counter,
    }
