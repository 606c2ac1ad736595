r"""Adam: momentum and RMSprop in one, corrected for their start from zero; AdamW decays apart."""

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


def adam(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> Step:
    r"""Return the parameter and the slots after one step of Adam.

    $$g = \nabla L + \lambda w, \qquad
      m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
      v \leftarrow \beta_2 v + (1 - \beta_2) g^2,$$
    $$\hat m = \frac{m}{1 - \beta_1^t}, \qquad \hat v = \frac{v}{1 - \beta_2^t}, \qquad
      w \leftarrow w - \eta \frac{\hat m}{\sqrt{\hat v} + \epsilon}$$

    amsgrad: $v_{max} \leftarrow \max(v_{max}, v)$ takes the place of $v$ in $\hat v$. Decoupled
    weight decay: $w \leftarrow (1 - \eta\lambda) w$ before all else, and no $\lambda w$ in $g$
    (AdamW).

    Shapes: param $w$, grad and slots alike; `t` is 0-d int64. Slots: `t`, the number of steps
    taken, from 1 after the first; `m` and `v`, the moments; `vmax` with amsgrad.

    Derivation of the correction. Unrolled from $m_0 = 0$, $m_t = (1 - \beta_1) \sum_{i=1}^{t}
    \beta_1^{t-i} g_i$. If all $g_i$ have one expectation, the geometric sum gives $E[m_t] = (1 -
    \beta_1^t) E[g]$: divide by the factor. Likewise $E[v_t] = (1 - \beta_2^t) E[g^2]$. Hence the
    first step is $\eta\,g / (|g| + \epsilon)$, of length $\eta$; and as long as the gradients keep one
    distribution, $|E[g]| \le \sqrt{E[g^2]}$ makes later ones hardly longer. One gradient after long
    silence moves by $\eta (1 - \beta_1) / \sqrt{1 - \beta_2}$, which is $3.2\,\eta$ (Kingma and Ba,
    section 2.1).

    **In PyTorch:** `torch.optim.Adam`: $\epsilon$ after the correction, $\sqrt v / \sqrt{1 -
    \beta_2^t} + \epsilon$; the paper's "efficient" order has $\sqrt v + \hat\epsilon$, the same
    with $\hat\epsilon = \epsilon \sqrt{1 - \beta_2^t}$. The maximum of amsgrad is over the raw
    $v$, not over $\hat v$.

    Args:
        param: $w$.
        grad: $\nabla L$ at $w$.
        slots: the state the last step returned; empty at the first.
        lr: $\eta$.
        betas: $(\beta_1, \beta_2)$.
        eps: $\epsilon$.
        weight_decay: $\lambda$.
        amsgrad: whether to divide by the largest second moment so far.
        maximize: whether to ascend the loss instead.
        decoupled_weight_decay: whether to decay the weights apart from the gradient.

    Raises ValueError for a negative or non-finite hyperparameter or a beta outside [0, 1).

    Source: Kingma and Ba, *Adam*, ICLR 2015, algorithm 1 and section 3; Reddi, Kale and Kumar,
    *On the convergence of Adam and beyond*, ICLR 2018 (amsgrad).

    >>> w, slots = adam(np.array([1.0]), np.array([4.0]), {}, lr=0.5, betas=(0.5, 0.75))
    >>> w.round(6), slots
    (array([0.5]), {'t': array(1), 'm': array([2.]), 'v': array([4.])})
    """
    lr, eps, weight_decay = amounts(lr=lr, eps=eps, weight_decay=weight_decay)
    beta1, beta2 = rates(betas)
    names = ["m", "v", "vmax"] if amsgrad else ["m", "v"]
    agree(param, grad, slots, "t", *names)
    old = slots or {"t": np.array(0)} | {name: np.zeros_like(param) for name in names}
    w = param * (1.0 - lr * weight_decay) if decoupled_weight_decay else param
    g = direction(param, grad, 0.0 if decoupled_weight_decay else weight_decay, maximize)
    t = int(old["t"]) + 1
    m = moving_average(beta1, old["m"], g)
    v = mean_square(beta2, old["v"], g)
    new = {"t": np.array(t), "m": m, "v": v}
    if amsgrad:
        v = new["vmax"] = np.maximum(old["vmax"], v)
    deviation = np.sqrt(v) / sqrt(1.0 - beta2**t) + eps
    return w - lr / (1.0 - beta1**t) * m / deviation, new


def adamw(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
    maximize: bool = False,
) -> Step:
    r"""Return the parameter and the slots after one step of Adam with decoupled weight decay.

    $$g = \nabla L, \qquad
      w \leftarrow (1 - \eta\lambda)\,w - \eta \frac{\hat m}{\sqrt{\hat v} + \epsilon}$$

    Shapes, slots and errors: those of `adam`.

    Derivation. Under gradient descent a penalty $\tfrac\lambda2 \lVert w \rVert^2$ and a decay by
    $1 - \eta\lambda$ are the same. Under Adam they are not: a $\lambda w$ inside $g$ is divided
    by $\sqrt{\hat v}$ too, so that weights with large gradients decay less. Taken out of $g$, all
    weights decay at one rate.

    **In PyTorch:** `torch.optim.AdamW`, $\lambda = 0.01$ by default; the decay is multiplied by
    the learning rate, unlike in the paper, where only the schedule's factor multiplies it.

    Source: Loshchilov and Hutter, *Decoupled weight decay regularization*, ICLR 2019, algorithm
    2.

    >>> w, _ = adamw(np.array([1.0]), np.array([4.0]), {}, lr=0.5, weight_decay=0.5)
    >>> w.round(6)
    array([0.25])
    """
    return adam(
        param,
        grad,
        slots,
        lr=lr,
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        amsgrad=amsgrad,
        maximize=maximize,
        decoupled_weight_decay=True,
    )
