r"""The smallest relative fault that is caught in an array: $\delta$ such that $x (1 + \delta)$ is refused.

The whole array is at fault by the same $\delta$, as with a wrong factor or divisor; of all its
elements, the one whose rounding is best known shows it first. Where rounding takes away what the
fault adds, no test can see it: a difference of two numbers that agree in all their digits is
rounding alone. So each array is also shaken: its operands are moved by a few roundings, and the
stated formula is evaluated once more. An array that this already moves by a tenth of the target is
not *determined* by its operands to the target, and is counted apart. (Of a sum of K terms a shake
shows the root of what roundings that all go one way would do, hence the factor $\sqrt K$.) The
estimates on trial have no say in that. A count has no roundings: its smallest fault is one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from compare.distances import allowance, floating, widened
from compare.formulas import stepping
from compare.formulas.arithmetic import Tracked
from compare.formulas.precision import magnitude, roundoff, smallest
from compare.formulas.stepping import Formulas
from compare.operands import Operands, stated
from compare.selftest.choices import Random
from compare.tolerances import FAULT_TARGETS
from compare.traces import PARAMETERS, Array, Trace, kind, parameters

FORMED_ANEW = (
    "mu",
    "var",
    "xhat",
)  # which formulas take as known only to the rounding of its making
SHAKES, ROUNDINGS = 3, 8  # of the machine epsilon each, fewer than that
SINGLE = ("mu.*",)  # NAdam's product of coefficients, which PyTorch keeps in the default dtype


@dataclass(frozen=True)
class Fault:
    """The smallest relative fault caught in one array, and how far shaken operands move the array."""

    entry: str
    name: str
    smallest: float
    moved: float

    def determined(self, target: float) -> bool:
        return self.moved <= target / 10.0


def label(name: str) -> str:
    """Return the kind of an entry, apart from its layer; the rule's state keeps its dot.

    >>> label("dW2"), label("m.W1"), label("mu1"), label("mu.W1")
    ('dW', 'm.*', 'mu', 'mu.*')
    """
    return f"{name.split('.')[0]}.*" if "." in name else kind(name)


def faults(
    trace: Trace,
    state: Trace,
    expected: Mapping[str, Tracked],
    limits: Mapping[str, float],
    moves: Mapping[str, Array],
) -> list[Fault]:
    """Return the smallest fault caught in each entry that is not zero throughout, and in each update."""
    out = []
    for name, target in expected.items():
        x = trace[name]
        room = hidden(x, target, limits[name])
        move = math.sqrt(target.terms) * moves[name]
        if np.any(x != 0.0):
            out.append(fault(label(name), name, room, x, move))
        if kind(name) in PARAMETERS and "." not in name:
            update = x.astype(np.float64) - state[name]
            if np.any(update != 0.0):
                out.append(fault(f"update {kind(name)}", name, room, update, move))
    return out


def fault(entry: str, name: str, room: Array, x: Array, move: Array) -> Fault:
    """Return the fault as a share of `x`: the array itself, or what a step has added to it."""
    if x.dtype.kind != "f":
        return Fault(entry, name, 1.0 / float(x.max()), 0.0)
    size = magnitude(x)
    with np.errstate(all="ignore"):
        share = np.where(size > 0.0, room / size, np.inf)
        moved = magnitude(move).max(initial=0.0) + smallest(roundoff(floating(x)))
    return Fault(entry, name, float(share.min()), float(moved / size.max()))


def hidden(x: Array, expected: Tracked, limit: float) -> Array:
    """Return how far each element may be moved, either way and however it is rounded, and still pass."""
    with np.errstate(all="ignore"):
        unit, _ = allowance(expected, floating(x))
        gap = magnitude(widened(x, expected.value.dtype) - expected.value)
        room = limit * unit + gap + roundoff(floating(x)) * magnitude(x)
    return np.broadcast_to(np.asarray(room), x.shape)


def moves(
    formulas: Formulas, trace: Trace, state: Trace, X: Array, Y: Array, random: Random
) -> dict[str, Array]:
    """Return how far each stated value moves, at most, when its operands are shaken."""
    still = dict(stated(formulas, trace, state, X, Y, own=True))
    out = {name: np.zeros(x.shape) for name, x in still.items()}
    shown = {n: x for n, x in trace.items() if "." in n or kind(n) not in FORMED_ANEW}
    given = shown, state, {"X": X, "Y": Y}
    for _ in range(SHAKES):
        trace, state, batch = (shaken(x, random) for x in given)
        with np.errstate(all="ignore"):
            for name, x in restated(formulas, trace, state, batch, random):
                gap = magnitude(x.value - still[name].value)
                out[name] = np.fmax(out[name], np.where(np.isfinite(gap), gap, np.inf))
    return out


def restated(
    formulas: Formulas, trace: Trace, state: Trace, batch: Trace, random: Random
) -> Iterator[tuple[str, Tracked]]:
    """Yield every entry as stated from shaken operands; what is formed anew of them is shaken too."""
    operands = Operands(trace, state, batch["X"], batch["Y"], own=True)
    read, before, has = operands.read, operands.before, operands.has
    for name, x in stepping.step(formulas, parameters(state), read, before, has):
        operands.stated[name] = x
        if name not in trace:
            factors = shrinking(x.value.astype(operands.dtype), random)
            operands.stated[name] = x * factors.astype(np.float64)
        yield name, x


def shaken(arrays: Trace, random: Random) -> dict[str, Array]:
    """Return the arrays with every number a few roundings nearer to zero; zeros and counts stay."""
    return {n: x * shrinking(x, random) if x.dtype.kind == "f" else x for n, x in arrays.items()}


def shrinking(x: Array, random: Random) -> Array:
    factors = 1.0 - np.finfo(x.dtype).eps * random.integers(0, ROUNDINGS, size=x.shape)
    return np.asarray(factors, dtype=x.dtype)


def target(dtype: str, entry: str) -> float:
    """Return the smallest fault that should be caught; that of float32 for what PyTorch keeps in it."""
    return FAULT_TARGETS["float32" if entry in SINGLE else dtype]
