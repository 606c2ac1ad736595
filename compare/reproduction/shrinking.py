r"""The smallest batch and widths at which a step still goes wrong at the same entry, found by halving."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from compare.configuration import Configuration
from compare.diagnosis import Shown
from compare.divergence import Divergence
from compare.traces import Array, Trace
from compare.verification import Batch, verify_step

Attempt = Callable[[Trace, Array, Array], Shown | None]
Given = tuple[dict[str, Array], Array, Array]
UNITS = ("W", "b", "gamma", "beta", "running_mean", "running_var", "mask")  # a row for each unit


def smallest(attempt: Attempt, shown: Shown) -> Shown:
    """Return the step on as few examples, units, inputs and outputs as still make it wrong.

    `attempt(state, X, Y)` makes the step and returns it if it is wrong at the same entry, else
    None. Examples and units are taken away a half at a time, then one by one.
    """
    best, smaller = shown, True
    while smaller:
        smaller = False
        for given in reduced(best):
            found = tried(attempt, given)
            if found is not None:
                best, smaller = found, True
                break
    return best


def again(configuration: Configuration, shown: Shown, found: Divergence) -> Attempt:
    """Return the attempt to make the step by hand once more, on less, and to find the same divergence."""
    options = shown.formulas.hyperparameters
    step, reference = configuration.by_hand(), configuration.by_torch()

    def attempt(state: Trace, X: Array, Y: Array) -> Shown | None:
        batch = Batch(X, Y, options)
        try:
            verify_step(step, reference, configuration, state, batch, found.step, found.whose)
        except Divergence as divergence:
            if (divergence.origin, divergence.kind) == (found.origin, found.kind):
                return Shown(step(dict(state), X, Y, **options), state, X, Y, shown.formulas)
        return None

    return attempt


def tried(attempt: Attempt, given: Given) -> Shown | None:
    try:
        with np.errstate(all="ignore"):
            return attempt(*given)
    except Exception:  # a program that takes no other sizes keeps those it has
        return None


def reduced(shown: Shown) -> Iterator[Given]:
    """Yield the step's input with some examples, then units of a layer, left out."""
    state = {n: x for n, x in shown.state.items() if needed(n)}
    X, Y = shown.X, shown.Y
    for kept in parts(X.shape[1]):
        masks = {n: x[:, kept] for n, x in state.items() if n.startswith("mask")}
        yield {**state, **masks}, X[:, kept], Y[:, kept]
    depth = sum(n[0] == "W" and n[1:].isdigit() for n in state)
    for l in range(depth + 1):
        size = X.shape[0] if l == 0 else state[f"W{l}"].shape[0]
        for kept in parts(size):
            yield without(state, X, Y, l, depth, kept)


def needed(name: str) -> bool:
    """Tell whether an entry is state: a step starts from no others."""
    base = name.rsplit(".", 1)[-1].rstrip("0123456789")
    return base in (*UNITS, "batches", "micro")


def parts(n: int) -> Iterator[NDArray[np.intp]]:
    """Yield what to keep of n: each half; where they are few, all but one."""
    every = np.arange(n)
    if n > 1:
        yield every[: n // 2]
        yield every[n // 2 :]
    if 2 < n <= 8:
        yield from (np.delete(every, k) for k in range(n))


def without(state: Trace, X: Array, Y: Array, l: int, depth: int, kept: NDArray[np.intp]) -> Given:
    """Return the input with only some units of layer l: rows of its arrays, columns of the next weights."""
    cut = dict(state)
    for name, x in state.items():
        base = name.rsplit(".", 1)[-1]
        kind = base.rstrip("0123456789")
        layer = int(base.removeprefix(kind) or 0)
        if x.ndim == 2 and kind in UNITS and layer == l:
            cut[name] = x[kept]
        elif x.ndim == 2 and kind == "W" and layer == l + 1:
            cut[name] = x[:, kept]
    return cut, X[kept] if l == 0 else X, Y[kept] if l == depth else Y
