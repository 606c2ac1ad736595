r"""The schedule that looks at the run: lower the rate when a metric has stopped improving."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from manual.schedules.operands import amount

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
    r"""Return the state after one more value of the metric: lr, best, bad, cooldown.

    bad counts the values in a row that were not better than best; when there are more than
    patience, $lr \leftarrow \max(factor \cdot lr, min\_lr)$, and for the next cooldown values
    none counts as bad. Better than best $b$ means, with threshold $\tau$: below
    $b (1 - \tau)$ ("rel") or $b - \tau$ ("abs"); with mode "max" above $b (1 + \tau)$ or
    $b + \tau$. A cut of eps or less is not made. NaN is never better.

    **In PyTorch:** `torch.optim.lr_scheduler.ReduceLROnPlateau`; its num_bad_epochs is bad, its
    cooldown_counter is cooldown.

    Args:
        state: what the last call returned; at first {"lr": ...}.
        metric: the new value, of the training or, better, the validation loss.

    Raises ValueError for a mode there is not, a factor outside (0, 1), or a state without lr.

    >>> state = {"lr": 0.8}
    >>> for loss in (5.0, 4.0, 4.0, 4.0):
    ...     state = reduce_on_plateau(state, loss, factor=0.5, patience=1)
    >>> state
    {'lr': 0.4, 'best': 4.0, 'bad': 0, 'cooldown': 0}
    """
    if not 0.0 < factor < 1.0:
        raise ValueError(f"factor is {factor}: it multiplies the rate, expected 0 < factor < 1")
    if "lr" not in state:
        raise ValueError(f"the state holds {sorted(state)}: at first it is {{'lr': rate}}")
    lr = amount("lr", state["lr"])
    best = state.get("best", inf if mode == "min" else -inf)
    bad, rest = state.get("bad", 0), state.get("cooldown", 0)
    if better(metric, best, mode, threshold, threshold_mode):
        best, bad = float(metric), 0
    else:
        bad += 1
    if rest > 0:
        rest, bad = rest - 1, 0
    if bad > patience:
        lower = max(lr * factor, min_lr)
        lr = lower if lr - lower > eps else lr
        rest, bad = cooldown, 0
    return {"lr": lr, "best": best, "bad": bad, "cooldown": rest}


def better(metric: float, best: float, mode: str, threshold: float, threshold_mode: str) -> bool:
    """Tell whether `metric` is better than `best` by more than the threshold.

    >>> better(0.95, 1.0, "min", 0.1, "abs")
    False
    """
    if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
        raise ValueError(
            f"mode is {mode!r}, threshold_mode {threshold_mode!r}: "
            "expected 'min' or 'max', and 'rel' or 'abs'"
        )
    sign = 1.0 if mode == "max" else -1.0
    bar = best * (1.0 + sign * threshold) if threshold_mode == "rel" else best + sign * threshold
    return metric > bar if mode == "max" else metric < bar
