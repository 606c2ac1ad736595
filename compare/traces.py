r"""The structure of a trace, checked before any number is: names, order, shapes, dtypes, finiteness, memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Trace = Mapping[str, Array]
COUNTS = ("t", "batches", "micro")
PARAMETERS = ("W", "b", "gamma", "beta")


class Misshapen(ValueError):
    """A trace that cannot be compared: an entry missing, extra, out of order, misshapen, aliased or not a number."""


def kind(name: str) -> str:
    """Return what a name denotes, without layer: W for W12, dW for dW12, m for m.W1.

    >>> kind("dW12"), kind("m.W1")
    ('dW', 'm')
    """
    return name.split(".")[0].rstrip("0123456789")


def parameters(state: Iterable[str]) -> list[str]:
    """Return the names of the parameters in a state, layer by layer.

    >>> parameters({"b1": 0, "W1": 0, "Z1": 0, "m.W1": 0})
    ['W1', 'b1']
    """
    known = set(state)
    depth = sum(kind(name) == "W" and "." not in name for name in known)
    return [f"{k}{l}" for l in range(1, depth + 1) for k in PARAMETERS if f"{k}{l}" in known]


def check(candidate: Trace, reference: Trace, *, whose: str = "manual", where: str = "") -> None:
    """Raise Misshapen unless `candidate` has exactly the entries of `reference`, in order, shape and dtype."""
    if not reference or not candidate:
        raise Misshapen(f"{where}nothing to compare: {whose} gave {len(candidate)} entries, "
                        f"the reference {len(reference)}")  # fmt: skip
    missing = [n for n in reference if n not in candidate]
    extra = [n for n in candidate if n not in reference]
    if missing or extra:
        parts = [f"lacks {', '.join(missing)}"] * bool(missing)
        parts += [f"has {', '.join(extra)}, but the reference does not"] * bool(extra)
        raise Misshapen(f"{where}{whose}'s trace {' and '.join(parts)}")
    for position, (mine, right) in enumerate(zip(candidate, reference, strict=True)):
        if mine != right:
            raise Misshapen(
                f"{where}entry {position + 1} of {whose}'s trace is {mine} where {right} should "
                "stand; entries come in the order they are computed"
            )
    for name, theirs in reference.items():
        check_entry(name, candidate[name], theirs, whose=whose, where=where)


def check_entry(name: str, mine: Array, theirs: Array, *, whose: str, where: str) -> None:
    if not isinstance(mine, np.ndarray):
        raise Misshapen(
            f"{where}{whose}'s {name} is a {type(mine).__name__}; a NumPy array should stand there"
        )
    if mine.shape != theirs.shape:
        raise Misshapen(
            f"{where}{whose}'s {name} is {mine.shape} where {theirs.shape} should stand"
        )
    if mine.dtype != theirs.dtype and kind(name) not in COUNTS:
        raise Misshapen(
            f"{where}{whose}'s {name} is {mine.dtype} where {theirs.dtype} should stand"
        )


def check_memory(
    trace: Trace,
    state: Trace,
    *,
    whose: str = "manual",
    where: str = "",
    batch: Trace | None = None,
) -> None:
    """Raise Misshapen if two entries of a trace share memory, or one shares it with the state or the batch."""
    if apart([*trace.values(), *state.values(), *(batch or {}).values()]):
        return
    others = {f"the state's {n}": x for n, x in state.items() if isinstance(x, np.ndarray)}
    others |= {f"the batch's {n}": x for n, x in (batch or {}).items()}
    roots = {n: root(x) for n, x in (*others.items(), *trace.items()) if x.size}
    blocks = {n: x.ctypes.data for n, x in roots.items()}
    views: dict[int, dict[str, Array]] = {}
    for name in filter(blocks.__contains__, others):
        views.setdefault(blocks[name], {})[name] = others[name]
    for name in filter(blocks.__contains__, trace):
        seen = views.setdefault(blocks[name], {})
        for other, x in seen.items():
            if np.shares_memory(trace[name], x):
                raise Misshapen(
                    f"{where}{whose}'s {name} shares memory with {other}: a later in-place update "
                    f"would change both; record a copy, {name}.copy()"
                )
        seen[name] = trace[name]


def apart(arrays: Iterable[Array]) -> bool:
    """Tell whether all arrays are views of different ones that have memory of their own.

    >>> x = np.zeros(3)
    >>> apart([x, np.zeros(3)]), apart([x, x[:1]])
    (True, False)
    """
    roots = [x if x.base is None else root(x) for x in arrays if isinstance(x, np.ndarray)]
    return len(set(map(id, roots))) == len(roots) and all(x.base is None for x in roots)


def root(x: Array) -> Array:
    """Return the array that an array is a view into, itself where it is none."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


def nonfinite(trace: Trace, names: Sequence[str] | None = None) -> str | None:
    """Return the first entry, in computation order, that is not finite everywhere; None where all are.

    >>> nonfinite({"Z1": np.zeros(2), "A1": np.array([1.0, np.inf])})
    'A1'
    """
    for name in names if names is not None else trace:
        x = trace[name]
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            return name
    return None
