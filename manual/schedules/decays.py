r"""Schedules that only fall: constant, step, exponential, inverse time."""

from __future__ import annotations

from manual.schedules.operands import amount, steps, taken


def constant(k: int, *, lr: float) -> float:
    r"""Return $\eta_k = \eta$.

    **In PyTorch:** no scheduler.

    >>> constant(7, lr=0.1)
    0.1
    """
    taken(k)
    return amount("lr", lr)


def step_decay(k: int, *, lr: float, step_size: int, gamma: float = 0.1) -> float:
    r"""Return $\eta_k = \eta\,\gamma^{\lfloor k / step\_size \rfloor}$: a staircase.

    **In PyTorch:** `torch.optim.lr_scheduler.StepLR`, which multiplies the last rate by gamma at
    every stair: after n stairs the two are within n roundings.

    >>> [step_decay(k, lr=0.8, step_size=2, gamma=0.5) for k in range(5)]
    [0.8, 0.8, 0.4, 0.4, 0.2]
    """
    stairs = taken(k) // steps("step_size", step_size)
    return amount("lr", lr) * float(amount("gamma", gamma) ** stairs)


def exponential(k: int, *, lr: float, gamma: float) -> float:
    r"""Return $\eta_k = \eta\,\gamma^k$.

    The half-life is $\log \tfrac12 / \log \gamma$ steps.

    **In PyTorch:** `torch.optim.lr_scheduler.ExponentialLR`, which multiplies the last rate by
    gamma at every step: after k steps the two are within k roundings.

    >>> [exponential(k, lr=0.8, gamma=0.5) for k in range(4)]
    [0.8, 0.4, 0.2, 0.1]
    """
    return amount("lr", lr) * float(amount("gamma", gamma) ** taken(k))


def inverse_time(k: int, *, lr: float, decay: float) -> float:
    r"""Return $\eta_k = \eta / (1 + decay \cdot k)$.

    It falls slowly enough that $\sum_k \eta_k = \infty$ and fast enough that $\sum_k \eta_k^2 <
    \infty$: with both, stochastic gradient descent converges (Robbins and Monro). The factor
    applies to $\eta$; applied to $\eta_{k-1}$ it would divide by the product of all
    $1 + decay \cdot i$.

    **In PyTorch:** `torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: 1 / (1 + decay * k))`,
    rounded once more.

    Source: Robbins and Monro, *A stochastic approximation method*, Annals of Mathematical
    Statistics 22 (1951).

    >>> [inverse_time(k, lr=0.5, decay=1.0) for k in range(3)]
    [0.5, 0.25, 0.16666666666666666]
    """
    return amount("lr", lr) / (1.0 + amount("decay", decay) * taken(k))
