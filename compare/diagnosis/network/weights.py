r"""Z made with other weights than those given: which ones, and how they differ, found by least squares."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line
from compare.diagnosis.variant import Variant
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.network import source as input_of

Array = NDArray[np.float64]
SPREAD = 8.0  # roundings that the least-squares fit may add, for inputs of about unit scale
NEAR, SINGLE = 1e-9, 2.0**-22  # of what least squares gives; what rounding to float32 may do
RATIOS = {"sqrt(2)": math.sqrt(2.0), "sqrt(3)": math.sqrt(3.0), "sqrt(6)": math.sqrt(6.0),
          "tanh's gain 5/3": 5.0 / 3.0, "(tanh's gain 5/3)**2": 25.0 / 9.0}  # fmt: skip


def other_weights(scene: Scene) -> Iterator[Variant]:
    """Yield the layer with the weights that its own numbers show, where there are examples enough to tell."""
    if scene.kind != "Z":
        return
    l, source = scene.layer, input_of(scene.layer, scene.last.formulas.dropout)
    found = fitted(scene.last, l, source)
    if found is None:
        return
    yield Variant(
        f"the weights are not those given: {differing(found, scene.last, l)}",
        f"{line(scene)} with other values of W{l} and b{l}",
        "the initial state that was given; initialisers differ in their scale, their fan and their "
        "random stream",
        then=partial(as_shown, l=l, source=source),
    )


def fitted(s: Shown, l: int, source: str) -> tuple[Array, Array] | None:
    """Return the W and b that make Z of the layer's input; None where too few examples determine them."""
    A = s.X if source == "X" else s.trace.get(source)
    Z = s.trace.get(f"Z{l}")
    if A is None or Z is None or A.shape[1] < A.shape[0] + 2:
        return None
    wide = np.vstack([A, np.ones((1, A.shape[1]))]).astype(np.float64)
    solution, _, rank, _ = np.linalg.lstsq(wide.T, Z.T.astype(np.float64), rcond=None)
    if rank < wide.shape[0]:
        return None
    W, b = np.split(solution.T.astype(np.float64), [A.shape[0]], axis=1)
    return W, b


def as_shown(s: Shown, *, l: int, source: str) -> dict[str, Tracked]:
    found = fitted(s, l, source)
    if found is None:
        return {}
    names = [n for n in (f"W{l}", f"b{l}") if n in s.state]
    return {n: estimate(x, s.X.dtype) for n, x in zip(names, found, strict=False)}


def estimate(x: Array, dtype: np.dtype[Any]) -> Tracked:
    """Return what least squares found, known to some roundings of its largest entry."""
    error = np.full(x.shape, SPREAD * float(np.abs(x).max(initial=0.0)))
    return exact(x, dtype).with_error(error)


def differing(found: tuple[Array, Array], s: Shown, l: int) -> str:
    """Return how each parameter differs from the one given, in words."""
    size = float(np.abs(found[0]).max(initial=0.0))
    pairs = zip((f"W{l}", f"b{l}"), found, strict=True)
    told = [compared(n, x, s.state[n], size) for n, x in pairs if n in s.state]
    return "; ".join(filter(None, [*told, repeated(found[0], s, l)]))


def compared(name: str, x: Array, given: Array, size: float) -> str:
    """Return what is known of one parameter of a layer whose weights have this size.

    >>> compared("W1", np.full((2, 2), 0.5), np.array([[1.0, 2.0], [3.0, 4.0]]), 0.5)
    'all entries of W1 are 0.5'
    """
    if np.abs(x - given).max(initial=0.0) <= NEAR * size:
        return ""
    if x.size > 1 and np.ptp(x) <= NEAR * size:
        value = float(x.flat[0])
        return f"all entries of {name} are {value if abs(value) > NEAR * size else 0.0:.6g}"
    if np.abs(x - given).max() <= SINGLE * size:
        return f"{name} is rounded, to float32 perhaps: off by {np.abs(x - given).max():.1g}"
    if (
        x.size > 2
        and np.abs(np.sort(x, axis=None) - np.sort(given, axis=None)).max() <= NEAR * size
    ):
        return f"{name} has the same numbers in another order: transposed, or drawn in another"
    square = float((given * given).sum())
    c = float((x * given).sum()) / square if square else 0.0
    if c and np.abs(x - c * given).max() <= NEAR * size:
        return f"{name} is {factor(c, given.shape)} times the given one"
    return f"{name} has other entries, of deviation {x.std():.4g} where {given.std():.4g} was given"


def repeated(W: Array, s: Shown, l: int) -> str:
    """Say so where the weights are those of an earlier layer again: the same draws, scaled."""
    for k in range(1, l):
        x, y = (w.ravel()[: min(W.size, s.state[f"W{k}"].size)] for w in (W, s.state[f"W{k}"]))
        c = float((x * y).sum()) / float((y * y).sum()) if y.any() else 0.0
        if x.size > 2 and c and np.abs(x - c * y).max() <= NEAR * np.abs(x).max():
            return f"W{l} has the same draws as W{k}: the generator is seeded anew for every layer"
    return ""


def factor(c: float, shape: tuple[int, ...]) -> str:
    """Return a factor, by name where it has one.

    >>> factor(0.7071067811865476, (3, 5))
    '1/sqrt(2) (0.707107)'
    """
    for name, r in known(*shape):
        for text, value in ((name, r), (f"1/{name}", 1.0 / r)):
            if abs(c / value - 1.0) < NEAR:
                return f"{text} ({c:.6g})"
    return f"{c:.6g}"


def known(n_out: int, n_in: int) -> Iterator[tuple[str, float]]:
    """Yield the ratios of the scales that initialisers have, the simplest first."""
    fans = {
        "sqrt(n_in / n_out)": math.sqrt(n_in / n_out),
        "sqrt(n_in)": math.sqrt(n_in),
        "sqrt(2 n_in / (n_in + n_out))": math.sqrt(2.0 * n_in / (n_in + n_out)),
        "sqrt((n_in + 1) / n_in)": math.sqrt((n_in + 1) / n_in),
    }
    fans = {name: r for name, r in fans.items() if n_in > 1 and abs(r - 1.0) > NEAR}
    yield from RATIOS.items()
    yield from fans.items()
    for (name, r), (fan, s) in product(RATIOS.items(), fans.items()):
        yield from ((f"({name} {fan})", r * s), (f"({name} / {fan})", r / s))
