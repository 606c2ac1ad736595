r"""RMSprop: each weight's step divided by the root mean square of its recent gradients."""

from __future__ import annotations

import numpy as np

from manual.optimizers.operands import (
    Array,
    Slots,
    Step,
    agree,
    amounts,
    direction,
    fraction,
    mean_square,
    moving_average,
)


def rmsprop(
    param: Array,
    grad: Array,
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
    r"""Return the parameter and the slots after one step of RMSprop.

    $$g = \nabla L + \lambda w, \qquad
      s \leftarrow \alpha s + (1 - \alpha) g^2, \qquad
      d = \frac{g}{\sqrt s + \epsilon}, \qquad
      w \leftarrow w - \eta d$$

    centered: $ga \leftarrow \alpha\,ga + (1 - \alpha) g$ and $\sqrt{s - ga^2}$ in place of $\sqrt
    s$. With momentum: $m \leftarrow \mu m + d$ and $w \leftarrow w - \eta m$.

    Shapes: param $w$, grad and slots alike; `t` is 0-d int64. Slots: `t`, the number of steps
    taken; `s`, the mean square; `ga`, the mean gradient, where centered; `m` where $\mu > 0$.

    Derivation. Adagrad's sum never forgets; a moving average does, so the step can grow again.
    With $E[g^2]$ in place of $s$ a step is $\eta\,g / \mathrm{rms}(g)$: of size $\eta$, whatever
    the scale of the loss. $s - ga^2$ estimates the variance, $E[g^2] - E[g]^2$. Nothing corrects
    the start from zero: at the first step $s = (1 - \alpha) g^2$, and the step is $\eta / \sqrt{1
    - \alpha}$, ten times $\eta$.

    **In PyTorch:** `torch.optim.RMSprop`: $\epsilon$ outside the root, $\alpha = 0.99$. Where the
    gradient has been constant for long, $s - ga^2$ is all rounding and may be negative: NaN,
    there and here.

    Args:
        param: $w$.
        grad: $\nabla L$ at $w$.
        slots: the state the last step returned; empty at the first.
        lr: $\eta$.
        alpha: $\alpha$.
        eps: $\epsilon$.
        weight_decay: $\lambda$.
        momentum: $\mu$.
        centered: whether to divide by the standard deviation instead of the root mean square.
        maximize: whether to ascend the loss instead.

    Raises ValueError for a negative or non-finite hyperparameter or an alpha above 1.

    Source: Tieleman and Hinton, *Neural networks for machine learning*, lecture 6.5, 2012;
    Graves, *Generating sequences with recurrent neural networks*, 2013, eq. 38-45 (centered).

    >>> rmsprop(np.array([1.0]), np.array([2.0]), {}, lr=0.125, alpha=0.75, eps=0.0)
    (array([0.75]), {'t': array(1), 's': array([1.])})
    """
    lr, eps, weight_decay, mu = amounts(
        lr=lr, eps=eps, weight_decay=weight_decay, momentum=momentum
    )
    alpha = fraction("alpha", alpha)
    names = ["s"] + ["ga"] * centered + ["m"] * (mu > 0.0)
    agree(param, grad, slots, "t", *names)
    old = slots or {"t": np.array(0)} | {name: np.zeros_like(param) for name in names}
    g = direction(param, grad, weight_decay, maximize)
    new = {"t": np.array(int(old["t"]) + 1), "s": mean_square(alpha, old["s"], g)}
    variance = new["s"]
    if centered:
        ga = new["ga"] = moving_average(alpha, old["ga"], g)
        variance = variance - ga * ga
    deviation = np.sqrt(variance) + eps
    if mu == 0.0:
        return param - lr * g / deviation, new
    new["m"] = mu * old["m"] + g / deviation
    return param - lr * new["m"], new


def rmsprop_eps_inside(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 1e-2,
    alpha: float = 0.9,
    eps: float = 1e-8,
) -> Step:
    r"""Return the parameter and the slots after one step of RMSprop, $\epsilon$ inside the root.

    $$s \leftarrow \alpha s + (1 - \alpha) g^2, \qquad
      w \leftarrow w - \eta \frac{g}{\sqrt{s + \epsilon}}$$

    Shapes: param $w$, grad and slot `s` alike. Slots: `s`; no `t`.

    The two places of $\epsilon$ are two rules: for small gradients $\sqrt{s + \epsilon} \to
    \sqrt\epsilon$, so that $\epsilon = 10^{-8}$ inside acts like $10^{-4}$ outside. At $s =
    10^{-8}$ the step is 0.71 of `rmsprop`'s. The common $\alpha = 0.9$ of this form makes $s$ ten
    times larger at the first step than 0.99.

    **In PyTorch:** nothing of the kind; the reference writes the formula in tensors.

    Raises ValueError for a negative or non-finite hyperparameter or an alpha above 1.

    >>> rmsprop_eps_inside(np.array([1.0]), np.array([2.0]), {}, lr=0.25, alpha=0.25, eps=1.0)
    (array([0.75]), {'s': array([3.])})
    """
    lr, eps = amounts(lr=lr, eps=eps)
    alpha = fraction("alpha", alpha)
    agree(param, grad, slots, "s")
    old = slots or {"s": np.zeros_like(param)}
    s = mean_square(alpha, old["s"], grad)
    return param - lr * grad / np.sqrt(s + eps), {"s": s}
