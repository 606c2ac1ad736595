r"""Adadelta: RMSprop whose learning rate is the root mean square of its own past updates."""

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
)


def adadelta(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Step:
    r"""Return the parameter and the slots after one step of Adadelta.

    $$g = \nabla L + \lambda w, \qquad
      v \leftarrow \rho v + (1 - \rho) g^2, \qquad
      \Delta = \frac{\sqrt{d + \epsilon}}{\sqrt{v + \epsilon}}\,g, \qquad
      d \leftarrow \rho d + (1 - \rho) \Delta^2, \qquad
      w \leftarrow w - \eta \Delta$$

    Shapes: param $w$, grad, `v` and `d` alike; `t` is 0-d int64. Slots: `t`, the number of steps
    taken; `v`, the mean of squared gradients; `d`, the mean of squared updates, one step behind
    in $\Delta$.

    Derivation. If $w$ has a unit, $g$ has $1 / \text{unit}$ (of a loss without one), and $g /
    \sqrt v$ has none: an update that ought to have the unit of $w$ lacks it. Newton's $g / h$ has
    it; for a diagonal Hessian $1 / h = \Delta / g$, estimated by $\mathrm{rms}(\Delta) /
    \mathrm{rms}(g)$. $\epsilon$ starts it: the first update is about $\sqrt{\epsilon / (1 -
    \rho)}$ whatever the gradient, as long as $(1 - \rho)\,g^2 \gg \epsilon$.

    **In PyTorch:** `torch.optim.Adadelta`: $\epsilon$ inside both roots, as in the paper; $\eta =
    1$ is the paper's rule.

    Args:
        param: $w$.
        grad: $\nabla L$ at $w$.
        slots: the state the last step returned; empty at the first.
        lr: $\eta$.
        rho: $\rho$.
        eps: $\epsilon$.
        weight_decay: $\lambda$.
        maximize: whether to ascend the loss instead.

    Raises ValueError for a negative or non-finite hyperparameter or a rho above 1.

    Source: Zeiler, *ADADELTA: an adaptive learning rate method*, 2012, algorithm 1.

    >>> adadelta(np.array([1.0]), np.array([2.0]), {}, rho=0.25, eps=1.0)
    (array([0.]), {'t': array(1), 'v': array([3.]), 'd': array([0.75])})
    """
    lr, eps, weight_decay = amounts(lr=lr, eps=eps, weight_decay=weight_decay)
    rho = fraction("rho", rho)
    agree(param, grad, slots, "t", "v", "d")
    old = slots or {"t": np.array(0), "v": np.zeros_like(param), "d": np.zeros_like(param)}
    g = direction(param, grad, weight_decay, maximize)
    v = mean_square(rho, old["v"], g)
    delta = np.sqrt(old["d"] + eps) / np.sqrt(v + eps) * g
    d = mean_square(rho, old["d"], delta)
    return param - lr * delta, {"t": np.array(int(old["t"]) + 1), "v": v, "d": d}
