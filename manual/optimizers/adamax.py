r"""Adamax: Adam with the largest recent gradient in place of the root mean square."""

from __future__ import annotations

import numpy as np

from manual.optimizers.operands import (
    Array,
    Slots,
    Step,
    agree,
    amounts,
    direction,
    moving_average,
    rates,
)


def adamax(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Step:
    r"""Return the parameter and the slots after one step of Adamax.

    $$g = \nabla L + \lambda w, \qquad
      m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
      u \leftarrow \max(\beta_2 u, |g| + \epsilon), \qquad
      w \leftarrow w - \frac{\eta}{1 - \beta_1^t} \frac{m}{u}$$

    Shapes: param $w$, grad, `m` and `u` alike; `t` is 0-d int64. Slots: `t`, the number of steps
    taken; `m`, the first moment; `u`, the infinity norm.

    Derivation. Replace Adam's square by a power $p$: $v_t = (1 - \beta_2^p) \sum_i
    \beta_2^{p(t-i)} |g_i|^p$. As $p \to \infty$ the largest term alone decides $v_t^{1/p}$: $u_t
    = \max_i \beta_2^{t-i} |g_i| = \max(\beta_2 u_{t-1}, |g_t|)$. A maximum is not drawn to its
    start from zero: it needs no correction; $m$ does.

    **In PyTorch:** `torch.optim.Adamax`: $\epsilon$ stands inside the maximum, so that $u \ge
    \epsilon$ always and a weight that never had a gradient stays where it is; the paper has no
    $\epsilon$.

    Args:
        param: $w$.
        grad: $\nabla L$ at $w$.
        slots: the state the last step returned; empty at the first.
        lr: $\eta$.
        betas: $(\beta_1, \beta_2)$.
        eps: $\epsilon$.
        weight_decay: $\lambda$.
        maximize: whether to ascend the loss instead.

    Raises ValueError for a negative or non-finite hyperparameter or a beta outside [0, 1).

    Source: Kingma and Ba, *Adam*, ICLR 2015, section 7.1 and algorithm 2.

    >>> adamax(np.array([1.0]), np.array([4.0]), {}, lr=0.5, betas=(0.5, 0.75), eps=0.0)
    (array([0.5]), {'t': array(1), 'm': array([2.]), 'u': array([4.])})
    """
    lr, eps, weight_decay = amounts(lr=lr, eps=eps, weight_decay=weight_decay)
    beta1, beta2 = rates(betas)
    agree(param, grad, slots, "t", "m", "u")
    old = slots or {"t": np.array(0), "m": np.zeros_like(param), "u": np.zeros_like(param)}
    g = direction(param, grad, weight_decay, maximize)
    t = int(old["t"]) + 1
    m = moving_average(beta1, old["m"], g)
    u = np.maximum(beta2 * old["u"], np.abs(g) + eps)
    return param - lr / (1.0 - beta1**t) * m / u, {"t": np.array(t), "m": m, "u": u}
