r"""What the update rules have in common, as stated: decay, moving averages, counting, scalars.

Programs keep hyperparameters, and what they compute from them ($1 - \beta_2^t$), in double
precision, whatever the type of their arrays, and round each once where it meets an array. So a
scalar is tracked in double precision (`number`) and rounded to the type of an array by `held`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from compare.formulas.arithmetic import Tracked, errors, exact
from compare.formulas.functions import power, total
from compare.formulas.precision import added, magnitude, narrowed

Slots = Callable[[str], Tracked | None]
Expected = Iterator[tuple[str, Tracked]]
DOUBLE = np.dtype(np.float64)


def number(x: float) -> Tracked:
    """Return a hyperparameter as a program holds it: exact, in double precision."""
    return exact(np.asarray(x, dtype=DOUBLE), DOUBLE)


ONE = number(1.0)


def held(s: Tracked | float, like: Tracked) -> Tracked:
    """Return the scalar `s` in the type of `like`: rounded once where that is the narrower one.

    >>> p = exact(np.ones(2), np.dtype("float32"))
    >>> float(held(0.1, p).error), held(0.1, ONE).error
    (0.1, None)
    """
    s = s if isinstance(s, Tracked) else number(s)
    own = magnitude(s.value) if s.u < like.u else None
    value = s.value if s.value.dtype == like.value.dtype else narrowed(s.value, like.value.dtype)
    error, fresh = errors(lambda e: added(own, None if e is None else e * (s.u / like.u)), s)
    return Tracked(value, error, like.u, s.terms, fresh)


def zero(like: Tracked) -> Tracked:
    return Tracked(like.number(0.0), None, like.u)


def decayed(p: Tracked, g: Tracked, weight_decay: float, maximize: bool) -> Tracked:
    r"""Return $\pm g + \lambda p$."""
    g = -g if maximize else g
    return g if weight_decay == 0.0 else total(g, held(weight_decay, p) * p)


def shrunk(p: Tracked, lr: float, weight_decay: float) -> Tracked:
    r"""Return $(1 - \eta\lambda)\,p$, the decoupled decay."""
    return p if weight_decay == 0.0 else held(1.0 - number(lr) * number(weight_decay), p) * p


def square(g: Tracked) -> Tracked:
    return g * g


def average(beta: float, old: Tracked | None, x: Tracked) -> Tracked:
    r"""Return the moving average $\beta\,old + (1 - \beta)\,x$, which starts from zero."""
    share = held(1.0 - number(beta), x) * x
    return share if old is None else total(held(beta, x) * old, share)


def counted(old: Tracked | None, like: Tracked) -> Tracked:
    """Return the number of steps taken, exact: one more than before."""
    before = zero(like) if old is None else old
    return Tracked(before.value + like.number(1.0), None, like.u)


def bias(beta: float, t: Tracked) -> Tracked:
    r"""Return $1 - \beta^t$, the sum of the weights of a moving average after `t` steps."""
    return 1.0 - power(beta, held(t, ONE))
