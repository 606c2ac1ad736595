r"""Gradient descent: a step against the gradient; with momentum, against a memory of gradients."""

from __future__ import annotations

from manual.optimizers.operands import Array, Slots, Step, agree, amounts, direction


def sgd(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 1e-3,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Step:
    r"""Return the parameter and the slots after one step of (stochastic) gradient descent.

    $$g = \nabla L + \lambda w, \qquad
      m \leftarrow \mu m + (1 - \tau) g, \qquad
      w \leftarrow w - \eta d, \quad
      d = \begin{cases} g & \mu = 0 \\ m & \mu > 0 \\ g + \mu m & \text{Nesterov} \end{cases}$$

    Shapes: param $w$, grad and slot `m` alike. Slots: `m`, the momentum buffer, where $\mu > 0$;
    none otherwise, and no `t`: nothing in the rule depends on the step number.

    Derivation. To first order $L(w + \Delta) = L(w) + \nabla L \cdot \Delta$; among all $\Delta$
    of one length the one along $-\nabla L$ lowers it most. Momentum unrolls to $m_t = \sum_{i \le
    t} \mu^{t-i} g_i$: under a constant gradient it tends to $g / (1 - \mu)$, so that $\mu = 0.9$
    multiplies the step by ten, while components that change sign cancel. Nesterov's variant takes
    the gradient where momentum is about to lead; in the variable that already contains the
    look-ahead, the step is $g + \mu m$.

    **In PyTorch:** `torch.optim.SGD`. The first step sets $m = g$ and ignores the dampening
    $\tau$; $\eta$ multiplies the buffer rather than the gradient that enters it, so that a change
    of `lr` takes effect at once (Sutskever's form has $\eta$ inside).

    Args:
        param: $w$.
        grad: $\nabla L$ at $w$.
        slots: the state the last step returned; empty at the first.
        lr: $\eta$.
        momentum: $\mu$.
        dampening: $\tau$.
        nesterov: whether to look ahead.
        weight_decay: $\lambda$.
        maximize: whether to ascend the loss instead.

    Raises ValueError for a negative or non-finite hyperparameter, and for Nesterov's variant
    without momentum or with dampening.

    Source: Robbins and Monro, 1951; Polyak, *Some methods of speeding up the convergence of
    iteration methods*, 1964; Nesterov, 1983; Sutskever et al., *On the importance of
    initialization and momentum in deep learning*, 2013, eq. 1-4.

    >>> import numpy as np
    >>> w, slots = sgd(np.array([1.0]), np.array([2.0]), {}, lr=0.25, momentum=0.5)
    >>> w, slots
    (array([0.5]), {'m': array([2.])})
    >>> sgd(w, np.array([2.0]), slots, lr=0.25, momentum=0.5)
    (array([-0.25]), {'m': array([3.])})
    """
    lr, mu, tau, weight_decay = amounts(
        lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay
    )
    if nesterov and (mu == 0.0 or tau != 0.0):
        raise ValueError(
            f"nesterov is on with momentum {mu} and dampening {tau}: "
            "it needs a momentum above 0 and no dampening"
        )
    agree(param, grad, slots, *(["m"] if mu else []))
    g = direction(param, grad, weight_decay, maximize)
    if mu == 0.0:
        return param - lr * g, {}
    m = mu * slots["m"] + (1.0 - tau) * g if slots else g.copy()
    d = g + mu * m if nesterov else m
    return param - lr * d, {"m": m}


def momentum(
    param: Array,
    grad: Array,
    slots: Slots,
    *,
    lr: float = 1e-3,
    momentum: float = 0.9,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Step:
    r"""Return the parameter and the slots after one step of `sgd` with momentum, 0.9 unless told.

    $$m \leftarrow \mu m + g, \qquad w \leftarrow w - \eta m$$

    Shapes, slots, options and errors: those of `sgd`.

    **In PyTorch:** `torch.optim.SGD(params, momentum=0.9)`.

    Source: Polyak, 1964.

    >>> import numpy as np
    >>> momentum(np.array([1.0]), np.array([2.0]), {"m": np.array([10.0])}, lr=0.5)
    (array([-4.5]), {'m': array([11.])})
    """
    return sgd(
        param,
        grad,
        slots,
        lr=lr,
        momentum=momentum,
        dampening=dampening,
        nesterov=nesterov,
        weight_decay=weight_decay,
        maximize=maximize,
    )
