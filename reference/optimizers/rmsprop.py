"""RMSprop by `torch.optim.RMSprop`; with epsilon inside the root, in plain tensor operations."""

from __future__ import annotations

import torch
from torch import Tensor

from reference.optimizers.driver import Slots, Step, run

NAMES = {"t": "step", "s": "square_avg", "ga": "grad_avg", "m": "momentum_buffer"}


def rmsprop(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
    maximize: bool = False,
) -> Step:
    """Return the parameter and the slots after one step of `torch.optim.RMSprop`.

    >>> rmsprop(torch.ones(1), torch.full((1,), 2.0), {}, lr=0.125, alpha=0.75, eps=0.0)
    (tensor([0.7500]), {'t': tensor(1), 's': tensor([1.])})
    """
    return run(
        torch.optim.RMSprop,
        NAMES,
        param,
        grad,
        slots,
        lr=lr,
        alpha=alpha,
        eps=eps,
        weight_decay=weight_decay,
        momentum=momentum,
        centered=centered,
        maximize=maximize,
    )


def rmsprop_eps_inside(
    param: Tensor,
    grad: Tensor,
    slots: Slots,
    *,
    lr: float = 1e-2,
    alpha: float = 0.9,
    eps: float = 1e-8,
) -> Step:
    r"""Return the parameter and the slots after one step of RMSprop, $\epsilon$ inside the root.

    torch.optim has no such rule: this is $w - \eta g / \sqrt{s + \epsilon}$ in tensor operations.

    >>> rmsprop_eps_inside(torch.ones(1), torch.full((1,), 2.0), {}, lr=0.25, alpha=0.25, eps=1.0)
    (tensor([0.7500]), {'s': tensor([3.])})
    """
    s = alpha * slots["s"] if slots else torch.zeros_like(param)
    s = s + (1.0 - alpha) * grad * grad
    return param - lr * grad / torch.sqrt(s + eps), {"s": s}
