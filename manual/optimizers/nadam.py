r"""NAdam: Adam whose momentum looks ahead, as Nesterov's does."""

from __future__ import annotations

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


def nadam(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> Step:
    r"""Return the parameter and the slots after one step of NAdam.

    $$g = \nabla L + \lambda w, \qquad
      \mu_t = \beta_1 \big(1 - \tfrac12\, 0.96^{t\psi}\big), \qquad
      \mu \leftarrow \mu\,\mu_t,$$
    $$m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
      v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \qquad
      d = \sqrt{\frac{v}{1 - \beta_2^t}} + \epsilon,$$
    $$w \leftarrow w - \eta \Big( \frac{1 - \mu_t}{1 - \mu} \frac{g}{d}
                               + \frac{\mu_{t+1}}{1 - \mu\,\mu_{t+1}} \frac{m}{d} \Big)$$

    Shapes: param $w$, grad, `m` and `v` alike; `t` is 0-d int64, `mu` 0-d float32. Slots: `t`,
    the number of steps taken; `mu`, the product $\mu_1 \cdots \mu_t$; `m` and `v`, the moments.
    Decoupled weight decay: $w \leftarrow (1 - \eta\lambda) w$ before all else, and no $\lambda w$
    in $g$.

    Derivation. Adam steps along $\mu_t m_{t-1} + (1 - \mu_t) g_t$. Nesterov's idea is to apply
    the next step's momentum already now: replace $\mu_t m_{t-1}$ by $\mu_{t+1} m_t$. Unrolled, a
    coefficient that varies leaves the weight $1 - \prod_i \mu_i$ where a constant one leaves
    $1 - \beta_1^t$: the two terms are corrected by the products up to $t$ and $t + 1$. $\mu_t$
    rises from $\beta_1 / 2$ to $\beta_1$.

    **In PyTorch:** `torch.optim.NAdam`. The average $m$ itself runs with $\beta_1$; the
    correction of $v$ stands inside the root, $\epsilon$ outside. `mu` is kept in torch's default
    dtype, float32 also where the parameters are float64; so it is here.

    Args:
        param: $w$.
        grad: $\nabla L$ at $w$.
        slots: the state the last step returned; empty at the first.
        lr: $\eta$.
        betas: $(\beta_1, \beta_2)$.
        eps: $\epsilon$.
        weight_decay: $\lambda$.
        momentum_decay: $\psi$.
        decoupled_weight_decay: whether to decay the weights apart from the gradient.
        maximize: whether to ascend the loss instead.

    Raises ValueError for a negative or non-finite hyperparameter or a beta outside [0, 1).

    Source: Dozat, *Incorporating Nesterov momentum into Adam*, ICLR workshop 2016.

    >>> w, slots = nadam(np.array([1.0]), np.array([4.0]), {}, lr=0.5)
    >>> w.round(4), round(float(slots["mu"]), 4), slots["m"].round(4)
    (array([0.4718]), 0.4501, array([0.4]))
    """
    lr, eps, weight_decay, psi = amounts(
        lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay
    )
    beta1, beta2 = rates(betas)
    agree(param, grad, slots, "t", "mu", "m", "v")
    old = slots or {
        "t": np.array(0),
        "mu": np.ones((), dtype=np.float32),
        "m": np.zeros_like(param),
        "v": np.zeros_like(param),
    }
    w = param * (1.0 - lr * weight_decay) if decoupled_weight_decay else param
    g = direction(param, grad, 0.0 if decoupled_weight_decay else weight_decay, maximize)
    t = int(old["t"]) + 1
    mu_t, mu_next = (beta1 * (1.0 - 0.5 * 0.96 ** (i * psi)) for i in (t, t + 1))
    mu = np.asarray(old["mu"] * np.float32(mu_t))
    m = moving_average(beta1, old["m"], g)
    v = mean_square(beta2, old["v"], g)
    d = np.sqrt(v / (1.0 - beta2**t)) + eps
    product = float(mu)
    w = w - lr * (1.0 - mu_t) / (1.0 - product) * g / d
    w = w - lr * mu_next / (1.0 - product * mu_next) * m / d
    return w, {"t": np.array(t), "mu": mu, "m": m, "v": v}
