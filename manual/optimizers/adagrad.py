r"""Adagrad: each weight's learning rate falls with the squares of all its past gradients."""

from __future__ import annotations

import numpy as np

from manual.optimizers.operands import Array, Slots, Step, agree, amounts, direction


def adagrad(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 1e-2,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-10,
    maximize: bool = False,
) -> Step:
    r"""Return the parameter and the slots after one step of Adagrad.

    $$g = \nabla L + \lambda w, \qquad s \leftarrow s + g^2, \qquad
      \eta_t = \frac{\eta}{1 + (t - 1)\,\delta}, \qquad
      w \leftarrow w - \eta_t \frac{g}{\sqrt s + \epsilon}$$

    Shapes: param $w$, grad and slot `s` alike; `t` is 0-d int64. Slots: `t`, the number of steps
    taken; `s`, the sum of squared gradients, which starts from `initial_accumulator_value`.

    Derivation. For online convex losses the regret of descent preconditioned by $G_t^{-1/2}$,
    $G_t = \sum_i g_i g_i^T$, is within a constant of the best fixed preconditioner's in
    hindsight; the diagonal of $G_t$ is $s$. A rarely active weight keeps a large step; since $s$
    only grows, each step shrinks at least like $1 / \sqrt t$ under constant gradients, and
    learning can stall.

    **In PyTorch:** `torch.optim.Adagrad`, $\epsilon$ outside the root. The first step with $s_0 =
    0$ is $\eta g / |g|$: its length does not depend on the gradient.

    Args:
        param: $w$.
        grad: $\nabla L$ at $w$.
        slots: the state the last step returned; empty at the first.
        lr: $\eta$.
        lr_decay: $\delta$.
        weight_decay: $\lambda$.
        initial_accumulator_value: $s_0$.
        eps: $\epsilon$.
        maximize: whether to ascend the loss instead.

    Raises ValueError for a negative or non-finite hyperparameter.

    Source: Duchi, Hazan and Singer, *Adaptive subgradient methods*, JMLR 12 (2011), section 1.1.

    >>> w, slots = adagrad(np.array([1.0]), np.array([3.0]), {}, lr=0.5, eps=0.0)
    >>> w, slots
    (array([0.5]), {'t': array(1), 's': array([9.])})
    >>> adagrad(w, np.array([4.0]), slots, lr=0.5, eps=0.0)[0]
    array([0.1])
    """
    lr, lr_decay, weight_decay, s0, eps = amounts(
        lr=lr,
        lr_decay=lr_decay,
        weight_decay=weight_decay,
        initial_accumulator_value=initial_accumulator_value,
        eps=eps,
    )
    agree(param, grad, slots, "t", "s")
    old = slots or {"t": np.array(0), "s": np.full_like(param, s0)}
    g = direction(param, grad, weight_decay, maximize)
    t = int(old["t"]) + 1
    s = old["s"] + g * g
    eta = lr / (1.0 + (t - 1) * lr_decay)
    return param - eta * g / (np.sqrt(s) + eps), {"t": np.array(t), "s": s}
