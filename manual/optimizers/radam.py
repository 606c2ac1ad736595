r"""RAdam: Adam that rectifies the variance of its step, and waits while it is unknown."""

from __future__ import annotations

from math import sqrt

import numpy as np

from manual.optimizers.operands import (
    Array,
    Slots,
    Step,
    agree,
    amounts,
    direction,
    mean_square,
    moving_average,
    rates,
)


def radam(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> Step:
    r"""Return the parameter and the slots after one step of rectified Adam.

    $$g = \nabla L + \lambda w, \qquad
      m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
      v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \qquad
      \hat m = \frac{m}{1 - \beta_1^t},$$
    $$\rho_\infty = \frac{2}{1 - \beta_2} - 1, \qquad
      \rho = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}, \qquad
      r = \sqrt{\frac{(\rho - 4)(\rho - 2)\,\rho_\infty}
                    {(\rho_\infty - 4)(\rho_\infty - 2)\,\rho}},$$
    $$w \leftarrow w - \eta\,\hat m \cdot
      \begin{cases} r \dfrac{\sqrt{1 - \beta_2^t}}{\sqrt v + \epsilon} & \rho > 5 \\
                    1 & \text{otherwise} \end{cases}$$

    Shapes: param $w$, grad, `m` and `v` alike; `t` is 0-d int64. Slots: `t`, the number of steps
    taken; `m` and `v`, the moments. Decoupled weight decay: $w \leftarrow (1 - \eta\lambda) w$
    before all else, and no $\lambda w$ in $g$.

    Derivation. A moving average with rate $\beta_2$ after $t$ steps has the centre of mass of a
    plain mean over $\rho$ gradients. For normal gradients $1 / \hat v$ is then scaled inverse
    $\chi^2$ with $\rho$ degrees of freedom, whose variance is finite only for $\rho > 4$. There the
    variance of $1 / \sqrt{\hat v}$, the factor of the step, is to first order $\rho / (2 (\rho -
    2)(\rho - 4))$, up to a constant. $r$ scales it to its value at $\rho_\infty$; while $\rho$ is
    smaller, with too few gradients seen, the step is momentum alone.

    **In PyTorch:** `torch.optim.RAdam`: $\epsilon$ is added before the correction, to $\sqrt v$
    itself (Adam's comes after); the threshold is 5, the paper's is 4.

    Args:
        param: $w$.
        grad: $\nabla L$ at $w$.
        slots: the state the last step returned; empty at the first.
        lr: $\eta$.
        betas: $(\beta_1, \beta_2)$.
        eps: $\epsilon$.
        weight_decay: $\lambda$.
        decoupled_weight_decay: whether to decay the weights apart from the gradient.
        maximize: whether to ascend the loss instead.

    Raises ValueError for a negative or non-finite hyperparameter or a beta outside [0, 1).

    Source: Liu et al., *On the variance of the adaptive learning rate and beyond*, ICLR 2020,
    algorithm 2.

    >>> radam(np.array([1.0]), np.array([4.0]), {}, lr=0.125, betas=(0.5, 0.75))
    (array([0.5]), {'t': array(1), 'm': array([2.]), 'v': array([4.])})
    """
    lr, eps, weight_decay = amounts(lr=lr, eps=eps, weight_decay=weight_decay)
    beta1, beta2 = rates(betas)
    agree(param, grad, slots, "t", "m", "v")
    old = slots or {"t": np.array(0), "m": np.zeros_like(param), "v": np.zeros_like(param)}
    w = param * (1.0 - lr * weight_decay) if decoupled_weight_decay else param
    g = direction(param, grad, 0.0 if decoupled_weight_decay else weight_decay, maximize)
    t = int(old["t"]) + 1
    m = moving_average(beta1, old["m"], g)
    v = mean_square(beta2, old["v"], g)
    d = m / (1.0 - beta1**t) * lr
    rho_inf = 2.0 / (1.0 - beta2) - 1.0
    rho = rho_inf - 2.0 * t * beta2**t / (1.0 - beta2**t)
    if rho > 5.0:
        r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
        d = d * (sqrt(1.0 - beta2**t) / (np.sqrt(v) + eps)) * r
    return w - d, {"t": np.array(t), "m": m, "v": v}
