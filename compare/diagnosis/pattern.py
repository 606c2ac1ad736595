r"""How wrong numbers look, where no known mistake explains them: the ratio, its support, what it follows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.variant import right

Array = NDArray[np.float64]


def pattern(scene: Scene) -> str:
    """Return one clause that describes the failing entry beside its right value."""
    shown = scene.last
    good = right(scene)
    x = np.asarray(shown.trace[scene.origin], dtype=np.float64)
    if good is None or np.shape(good.value) != x.shape:
        return f"{scene.origin} has shape {x.shape}"
    o = np.asarray(good.value, dtype=np.float64)
    if not np.isfinite(x).all():
        lost = int((~np.isfinite(x)).sum())
        early = lost == x.size and scene.moved and len(scene.steps) == 1
        hint = "; as from a bias correction with t = 0, which divides by 0" * (
            early and corrected(scene)
        )
        return f"{lost} of {x.size} elements are not finite{hint}"
    if scene.moved:
        p = np.asarray(shown.then(scene.origin).value, dtype=np.float64)
        told = "; ".join(clauses(x - p, o - p, scene, shown))
        return f"of its update: {told or 'it should stand still at this step'}"
    return "; ".join(clauses(x, o, scene, shown))


def corrected(scene: Scene) -> bool:
    """Tell whether the rule corrects the bias of its averages."""
    rule = getattr(scene.last.formulas.rule, "__name__", "")
    return rule in ("adam", "adamw", "adamax", "nadam", "radam")


def clauses(x: Array, o: Array, scene: Scene, shown: Shown) -> list[str]:
    with np.errstate(all="ignore"):
        ratio = (x / o)[o != 0.0]
        difference = x - o
        wrong = np.abs(difference) > 1e-9 * np.maximum(np.abs(o), np.finfo(float).tiny)
    found = []
    if x.size and not x.any():
        found.append("all elements are 0")
    elif ratio.size and constant(ratio):
        found.append(f"constant ratio {factor(float(np.median(ratio)))}")
    elif ratio.size:
        least, most = (factor(float(r), digits=4) for r in (ratio.min(), ratio.max()))
        found.append(f"ratio to the right value from {least} to {most}")
        found += [small] if (small := single(x, o)) else []
    if 0 < wrong.sum() < x.size:
        found.append(f"{int(wrong.sum())} of {x.size} elements differ")
    found += follows(difference, scene, shown)
    return found


def constant(ratio: Array) -> bool:
    """Tell whether a ratio is one number; where it is near 1, what it is more or less than 1."""
    spread = float(np.ptp(ratio))
    return bool(spread < 1e-9 * np.abs(ratio).max() and spread < 1e-2 * np.abs(ratio - 1.0).max())


def factor(c: float, digits: int = 9) -> str:
    """Return a factor with the digits that tell it from 1.

    >>> factor(0.5), factor(1.000000001)
    ('0.5', '1 + 1e-09')
    """
    near = c - 1.0
    if near == 0.0:
        return "1"
    return (
        f"1 {'+' if near > 0 else '-'} {abs(near):.3g}" if abs(near) < 1e-4 else f"{c:.{digits}g}"
    )


def single(x: Array, o: Array) -> str:
    """Say so where the error has the size of float32's rounding in a float64 array."""
    with np.errstate(all="ignore"):
        relative = np.abs(x - o) / np.abs(o)
        usual = float(np.nanmedian(relative)) if np.isfinite(relative).any() else np.inf
    worst = float(np.nanmax(relative, initial=0.0))
    return "unstructured error of 6e-8: float32 somewhere" if usual > 2e-9 and worst < 2e-7 else ""


def follows(difference: Array, scene: Scene, shown: Shown) -> list[str]:
    """Return the entries of the same shape that the error is a multiple of."""
    if not difference.any() or difference.size < 2:
        return []
    found = []
    entries = [(n, x) for n, x in shown.trace.items()] + [
        (f"{n} before the step", x) for n, x in shown.state.items()
    ]
    for name, entry in entries:
        if np.shape(entry) != difference.shape or name == scene.origin or entry.dtype.kind != "f":
            continue
        y = np.asarray(entry, dtype=np.float64)
        square = float((y * y).sum())
        c = float((difference * y).sum()) / square if 0 < square < np.inf else 0.0
        if c and np.abs(difference - c * y).max() < 1e-6 * np.abs(difference).max():
            found.append(f"the error is {c:.6g} times {name}")
    return found[:2]
