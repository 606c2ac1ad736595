r"""Schedules with a shape, by torch.optim.lr_scheduler."""

from __future__ import annotations

from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR

from reference.schedules.driving import rate


def linear_warmup(
    k: int,
    *,
    lr: float,
    total_iters: int = 5,
    start_factor: float = 1.0 / 3.0,
    end_factor: float = 1.0,
) -> float:
    """Return the rate of LinearLR.

    >>> linear_warmup(0, lr=1.0, start_factor=0.5)
    0.5
    """
    options = {"start_factor": start_factor, "end_factor": end_factor}
    return rate(k, lr, LinearLR, total_iters=total_iters, **options)


def cosine(k: int, *, lr: float, T_max: int, eta_min: float = 0.0) -> float:
    """Return the rate of CosineAnnealingLR.

    >>> cosine(2, lr=1.0, T_max=2)
    0.0
    """
    return rate(k, lr, CosineAnnealingLR, T_max=T_max, eta_min=eta_min)


def one_cycle(
    k: int,
    *,
    lr: float,
    total_steps: int,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> float:
    """Return the rate of OneCycleLR, with max_lr = lr.

    >>> one_cycle(2, lr=1.0, total_steps=10)
    1.0
    """
    return rate(
        k,
        lr,
        OneCycleLR,
        max_lr=lr,
        total_steps=total_steps,
        pct_start=pct_start,
        anneal_strategy=anneal_strategy,
        cycle_momentum=False,
        div_factor=div_factor,
        final_div_factor=final_div_factor,
        three_phase=three_phase,
    )
