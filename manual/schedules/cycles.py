r"""Schedules with a shape: linear warm-up, cosine annealing, one cycle."""

from __future__ import annotations

from math import cos, pi

from manual.schedules.operands import amount, divisor, steps, taken


def linear_warmup(
    k: int,
    *,
    lr: float,
    total_iters: int = 5,
    start_factor: float = 1.0 / 3.0,
    end_factor: float = 1.0,
) -> float:
    r"""Return $\eta_k = \eta\,(f_0 + (f_1 - f_0) \min(k / total\_iters, 1))$: a ramp, then level.

    $f_0$ is start_factor, $f_1$ end_factor. A short warm-up keeps the first steps small, while
    momentum and second moments hold too few gradients to be trusted.

    **In PyTorch:** `torch.optim.lr_scheduler.LinearLR`, which multiplies the last rate by the
    ratio of two points of the ramp: the two are within a rounding a step.

    Raises ValueError unless 0 < start_factor <= 1 and 0 <= end_factor <= 1, as torch does.

    >>> [linear_warmup(k, lr=1.0, total_iters=2, start_factor=0.5) for k in range(4)]
    [0.5, 0.75, 1.0, 1.0]
    """
    if not (0.0 < start_factor <= 1.0 and 0.0 <= end_factor <= 1.0):
        raise ValueError(
            f"start_factor is {start_factor}, end_factor {end_factor}: "
            "the first must lie in (0, 1], the second in [0, 1]"
        )
    share = min(taken(k) / steps("total_iters", total_iters), 1.0)
    return amount("lr", lr) * (start_factor + (end_factor - start_factor) * share)


def cosine(k: int, *, lr: float, T_max: int, eta_min: float = 0.0) -> float:
    r"""Return $\eta_k = \eta_{min} + (\eta - \eta_{min}) \tfrac12 (1 + \cos(\pi k / T_{max}))$.

    Half a wave, from $\eta$ at $k = 0$ to $\eta_{min}$ at $T_{max}$; after that it rises again, as
    torch's does, with period $2\,T_{max}$.

    **In PyTorch:** `torch.optim.lr_scheduler.CosineAnnealingLR`, which steps from each rate to the
    next by a recurrence. Down to $T_{max}$ the two are within a rounding a step. Just beyond, both
    lose up to $T_{max}^2 / 5$ roundings, where $1 + \cos$ cancels; further up this closed form is
    exact again, and so, mostly, is torch's, whose next factor divides by the same rounded number,
    but where the two round differently it keeps the error.

    Source: Loshchilov and Hutter, *SGDR*, ICLR 2017, equation 5, without restarts.

    >>> [round(cosine(k, lr=1.0, T_max=2), 15) for k in range(4)]
    [1.0, 0.5, 0.0, 0.5]
    """
    angle = pi * taken(k) / steps("T_max", T_max)
    least = amount("eta_min", eta_min)
    return least + (amount("lr", lr) - least) * (1.0 + cos(angle)) / 2.0


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
    r"""Return the rate that rises from lr / div_factor to lr, then falls far below its start.

    The peak is at step $pct\_start \cdot total\_steps - 1$; the end, at total_steps - 1, is
    $lr / (div\_factor \cdot final\_div\_factor)$. With three_phase the rate falls back to
    lr / div_factor as fast as it rose, and only then to the end. Between two rates $a$ and $b$,
    at the share $s$ of the way, it is $b + \tfrac12 (a - b) (1 + \cos \pi s)$ ("cos") or
    $a + (b - a) s$ ("linear").

    **In PyTorch:** `torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, ...,
    cycle_momentum=False)`, bit for bit; there the default also cycles the momentum.

    Raises ValueError for a step beyond the last, where the rise has no length, and for a divisor that
    is not above 0.

    Source: Smith and Topin, *Super-convergence*, 2018.

    >>> shape = {"pct_start": 0.6, "anneal_strategy": "linear", "div_factor": 4.0}
    >>> [one_cycle(k, lr=1.0, total_steps=5, final_div_factor=2.0, **shape) for k in range(5)]
    [0.25, 0.625, 1.0, 0.5625, 0.125]
    """
    low = amount("lr", lr) / divisor("div_factor", div_factor)
    end = low / divisor("final_div_factor", final_div_factor)
    peak = pct_start * steps("total_steps", total_steps) - 1.0
    if not taken(k) < total_steps or not 0.0 <= pct_start <= 1.0 or peak == 0.0:
        raise ValueError(
            f"k is {k}, total_steps {total_steps}, pct_start {pct_start}: expected 0 <= k < "
            "total_steps, and a share of the steps in [0, 1] that is not exactly 1 step"
        )
    if anneal_strategy not in ("cos", "linear"):
        raise ValueError(f"anneal_strategy is {anneal_strategy!r}: expected 'cos' or 'linear'")
    phases = [(low, lr, peak), (lr, end, total_steps - 1)]
    if three_phase:
        fall = 2.0 * pct_start * total_steps - 2.0
        phases[1:] = [(lr, low, fall), (low, end, total_steps - 1)]
    return annealed(k, phases, anneal_strategy)


def annealed(k: int, phases: list[tuple[float, float, float]], strategy: str) -> float:
    """Return the rate at step `k` of phases, each (first rate, last rate, last step).

    >>> annealed(3, [(0.0, 1.0, 2.0), (1.0, 0.0, 4.0)], "linear")
    0.5
    """
    begins = [0.0, *(last for _, _, last in phases)]
    before, (a, b, last) = next((s, p) for s, p in zip(begins, phases, strict=False) if k <= p[2])
    share = (k - before) / (last - before)
    if strategy == "linear":
        return (b - a) * share + a
    return b + (a - b) / 2.0 * (cos(pi * share) + 1.0)
