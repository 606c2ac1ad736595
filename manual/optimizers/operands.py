r"""What every rule does before its own formula: check what it was given, form what it descends.

The hyperparameters come back as Python floats: NumPy lets a Python float take the dtype of the
array it meets, while a `np.float64` would turn a float32 step into a float64 one.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOATS = (np.float32, np.float64)
Array = NDArray[Any]
Slots = Mapping[str, Array]
Step = tuple[Array, dict[str, Array]]


def agree(param: Array, grad: Array, slots: Slots, *names: str) -> None:
    """Raise ValueError unless `grad` and the slots `names`, once there are any, fit `param`.

    >>> import numpy as np
    >>> agree(np.zeros((2, 1)), np.zeros((1, 2)), {})
    Traceback (most recent call last):
    ...
    ValueError: the gradient is (1, 2) float64 but the parameter is (2, 1) float64: they must agree
    """
    if grad.shape != param.shape or grad.dtype != param.dtype:
        raise ValueError(
            f"the gradient is {grad.shape} {grad.dtype} but the parameter is "
            f"{param.shape} {param.dtype}: they must agree"
        )
    if param.dtype not in FLOATS:
        raise ValueError(f"the parameter is {param.dtype}: a rule needs float32 or float64")
    for name in names if slots else ():
        if name not in slots:
            raise ValueError(
                f"slot {name!r} is missing beside {sorted(slots)}: "
                "pass all that the last step returned, or none at the first step"
            )
        if slots[name].shape not in (param.shape, ()):
            raise ValueError(
                f"slot {name!r} is {slots[name].shape} but the parameter is {param.shape}: "
                "pass the slots that the last step returned for this parameter"
            )


def amounts(**hyperparameters: float) -> tuple[float, ...]:
    """Return the hyperparameters as Python floats; ValueError for one negative or not finite.

    >>> amounts(lr=0.1, eps=float("nan"))
    Traceback (most recent call last):
    ...
    ValueError: eps is nan: it must be a finite number, 0 or more
    """
    for name, x in hyperparameters.items():
        if not 0.0 <= x < inf:
            raise ValueError(f"{name} is {x}: it must be a finite number, 0 or more")
    return tuple(map(float, hyperparameters.values()))


def rates(betas: tuple[float, float]) -> tuple[float, float]:
    """Return both decay rates as Python floats; ValueError unless there are two, each in [0, 1).

    >>> rates((0.9, 1.0))
    Traceback (most recent call last):
    ...
    ValueError: betas[1] is 1.0: a decay rate must be at least 0 and below 1
    """
    two("betas", betas)
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"betas[{i}] is {beta}: a decay rate must be at least 0 and below 1")
    beta1, beta2 = betas
    return float(beta1), float(beta2)


def two(name: str, pair: tuple[float, float]) -> None:
    """Raise ValueError unless a pair has two numbers.

    >>> two("betas", (0.9,))
    Traceback (most recent call last):
    ...
    ValueError: betas are (0.9,): give two numbers
    """
    if len(pair) != 2:
        raise ValueError(f"{name} are {pair}: give two numbers")


def fraction(name: str, x: float) -> float:
    """Return the hyperparameter `x` as a Python float; ValueError unless it lies in [0, 1].

    >>> fraction("rho", 1.1)
    Traceback (most recent call last):
    ...
    ValueError: rho is 1.1: it must lie between 0 and 1
    """
    if not 0.0 <= x <= 1.0:
        raise ValueError(f"{name} is {x}: it must lie between 0 and 1")
    return float(x)


def bounds(
    etas: tuple[float, float], step_sizes: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Return all four as Python floats; ValueError for factors or limits out of order.

    >>> bounds((1.0, 0.5), (1e-6, 50.0))
    Traceback (most recent call last):
    ...
    ValueError: etas are (1.0, 0.5): they must satisfy 0 < etas[0] < 1 < etas[1], finite
    """
    two("etas", etas)
    two("step_sizes", step_sizes)
    (minus, plus), (least, most) = map(float, etas), map(float, step_sizes)
    if not 0.0 < minus < 1.0 < plus < inf:
        raise ValueError(f"etas are {etas}: they must satisfy 0 < etas[0] < 1 < etas[1], finite")
    if not 0.0 <= least <= most < inf:
        raise ValueError(
            f"step_sizes are {step_sizes}: the least must be 0 or more and at most the largest"
        )
    return minus, plus, least, most


def direction(w: Array, grad: Array, weight_decay: float, maximize: bool) -> Array:
    r"""Return $g = \pm\nabla L + \lambda w$: the gradient, negated to ascend, and the penalty's.

    Derivation. Weight decay adds $\tfrac\lambda2 \lVert w \rVert^2$ to the loss, whose gradient
    is $\lambda w$. The penalty is descended even where the loss is ascended: `maximize` negates
    the gradient alone.

    >>> import numpy as np
    >>> direction(np.array([10.0]), np.array([1.0]), 0.1, True)
    array([0.])
    """
    g = -grad if maximize else grad
    return g if weight_decay == 0.0 else g + weight_decay * w


def moving_average(beta: float, old: Array, new: Array) -> Array:
    r"""Return $\beta\,old + (1 - \beta)\,new$: one end plus a share of the way to the other.

    Starting from whichever end weighs more keeps the rounding error in proportion to the result.

    **In PyTorch:** `torch.lerp(old, new, 1 - beta)`.

    >>> import numpy as np
    >>> moving_average(0.75, np.array([4.0]), np.array([8.0]))
    array([5.])
    """
    if beta > 0.5:
        return old + (1.0 - beta) * (new - old)
    return new - beta * (new - old)


def mean_square(beta: float, old: Array, g: Array) -> Array:
    r"""Return $\beta\,old + (1 - \beta)\,g^2$, multiplied from the left as PyTorch does.

    $((1 - \beta) g) g$ and $(1 - \beta) g^2$ differ where $g^2$ leaves the range of the numbers.

    **In PyTorch:** `old.mul(beta).addcmul(g, g, value=1 - beta)`.

    >>> import numpy as np
    >>> mean_square(0.75, np.array([4.0]), np.array([2.0]))
    array([4.])
    """
    return beta * old + ((1.0 - beta) * g) * g
