r"""Rprop: steps whose size follows the agreement of successive signs, not the gradient's size."""

from __future__ import annotations

import numpy as np

from manual.optimizers.operands import Array, Slots, Step, agree, amounts, bounds, direction


def rprop(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 1e-2,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
    maximize: bool = False,
) -> Step:
    r"""Return the parameter and the slots after one step of resilient propagation.

    $$\eta \leftarrow \mathrm{clip}\Big(\eta \cdot
        \begin{cases} \eta^+ & g\,prev > 0 \\ \eta^- & g\,prev < 0 \\ 1 & g\,prev = 0 \end{cases},
        \ \eta_{min}, \eta_{max}\Big), \qquad
      prev \leftarrow \begin{cases} 0 & g\,prev < 0 \\ g & \text{otherwise} \end{cases}, \qquad
      w \leftarrow w - \eta\,\mathrm{sign}(prev)$$

    Shapes: param $w$, grad, `eta` and `prev` alike; `t` is 0-d int64. Slots: `t`, the number of
    steps taken; `eta`, the step sizes, each from `lr`; `prev`, the gradient of the step before,
    from 0.

    Derivation. As long as a component of the gradient keeps its sign, the minimum lies ahead:
    lengthen the step. A change of sign says it was overstepped: shorten the step, stay for once,
    and forget the gradient, so that the next one is not taken for another change of sign.

    **In PyTorch:** `torch.optim.Rprop`. `lr` counts at the first step only. The change of sign is
    read off the product $g\,prev$, which underflows to 0 (no change) for gradients near
    $10^{-23}$ in float32.

    Args:
        param: $w$.
        grad: $g$, the gradient at $w$.
        slots: the state the last step returned; empty at the first.
        lr: every step size at the first step.
        etas: $(\eta^-, \eta^+)$.
        step_sizes: $(\eta_{min}, \eta_{max})$.
        maximize: whether to ascend the loss instead.

    Raises ValueError unless $0 < \eta^- < 1 < \eta^+$ and $0 \le \eta_{min} \le \eta_{max}$, all
    finite, and for an lr that is negative or not finite.

    Source: Riedmiller and Braun, *A direct adaptive method for faster backpropagation learning:
    the RPROP algorithm*, 1993; this variant is iRprop- of Igel and Hüsken, *Empirical
    evaluation of the improved Rprop learning algorithms*, 2003: no retracing of the step, and the
    gradient forgotten.

    >>> w, slots = rprop(np.array([1.0]), np.array([3.0]), {}, lr=0.5)
    >>> w, slots
    (array([0.5]), {'t': array(1), 'eta': array([0.5]), 'prev': array([3.])})
    >>> rprop(w, np.array([-3.0]), slots)
    (array([0.5]), {'t': array(2), 'eta': array([0.25]), 'prev': array([0.])})
    """
    (lr,) = amounts(lr=lr)
    minus, plus, least, most = bounds(etas, step_sizes)
    agree(param, grad, slots, "t", "eta", "prev")
    old = slots or {
        "t": np.array(0),
        "eta": np.full_like(param, lr),
        "prev": np.zeros_like(param),
    }
    g = direction(param, grad, 0.0, maximize)
    agreement = g * old["prev"]
    reversed_ = agreement < 0.0
    factor = np.where(reversed_, minus, np.where(agreement > 0.0, plus, 1.0))
    eta = np.clip(old["eta"] * factor.astype(param.dtype), least, most)
    prev = np.where(reversed_, np.zeros_like(g), g)
    t = np.array(int(old["t"]) + 1)
    return param - eta * np.sign(prev), {"t": t, "eta": eta, "prev": prev}
