r"""Trials on both sides of a clipping threshold: gradients that are clipped, and gradients that are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from compare.checking.inputs import Trial, trial
from compare.configuration import Configuration, parse
from compare.targets import TARGETS
from compare.traces import Array
from compare.verification import Batch

CLEAR = 1.5  # times the threshold, or a part of it, so that no rounding decides
SIZES = (1.0, 10.0, 0.1, 100.0, 0.01, 1e3, 1e4)  # times X, and targets that are real numbers
AGREEING = (1.0, 3.0, 10.0)  # how far the outputs are on the side of their labels
NEAR = (0.1, 1e-2, 1e-3, 1e-4)  # how far real targets are from the outputs


def clipped(
    c: Configuration, sizes: tuple[int, ...], *, m: int, dtype: str, seed: int
) -> tuple[list[Trial], list[str]]:
    """Return a trial whose gradients are clipped and one whose are not, and notes on what is not found."""
    if not c.clip:
        return [], []
    limit = next(iter(c.clip.values()))
    found: dict[str, Trial] = {}
    for t in varied(c, trial("", c, sizes, (m, m), dtype, seed)):
        size = largest(c, t)
        side = "above" if size > CLEAR * limit else "below" if size < limit / CLEAR else ""
        found.setdefault(side, t)
        if {"above", "below"} <= found.keys():
            break
    notes = [
        f"no gradients were found {side} the threshold {limit:g}: clipping was not judged there"
        for side in ("above", "below")
        if side not in found
    ]
    made = [
        replace(
            t,
            name=f"gradients {side} the threshold",
            batches=tuple(b for b in t.batches for _ in range(c.accumulate)),
        )
        for side, t in found.items()
        if side
    ]
    return made, notes


def varied(c: Configuration, t: Trial) -> Iterator[Trial]:
    """Yield a trial with larger and smaller inputs, then with targets that its outputs agree with."""
    real = parse(c.loss)[0] not in TARGETS
    for f in SIZES:
        batches = (replace(b, X=f * b.X, Y=f * b.Y if real else b.Y) for b in t.batches)
        yield replace(t, batches=tuple(typed(b.X, b.Y, b) for b in batches))
    yield from near(c, t) if real else agreeing(c, t)


def near(c: Configuration, t: Trial) -> Iterator[Trial]:
    """Yield trials whose targets are near the outputs."""
    L = len(c.activations)
    made = [traced(c, t.state, b)[f"A{L}"] for b in t.batches]
    for f in NEAR:
        batches = (typed(b.X, A + f * b.Y, b) for A, b in zip(made, t.batches, strict=True))
        yield replace(t, batches=tuple(batches))


def agreeing(c: Configuration, t: Trial) -> Iterator[Trial]:
    """Yield trials whose labels are those that the last bias is in favour of."""
    L = len(c.activations)
    for f in AGREEING:
        b = t.state[f"b{L}"]
        sides = np.where(b == b.max(), 1.0, -1.0).astype(b.dtype)
        state = {**t.state, f"b{L}": f * sides}
        labels = np.broadcast_to(np.maximum(sides, 0.0), t.batches[0].Y.shape)
        yield replace(t, state=state, batches=tuple(typed(x.X, labels, x) for x in t.batches))


def typed(X: Array, Y: Array, batch: Batch) -> Batch:
    return replace(batch, X=X.astype(batch.X.dtype), Y=Y.astype(batch.Y.dtype))


def largest(c: Configuration, t: Trial) -> float:
    """Return the size of the first gradients, as the clipping measures it: their norm, or the largest entry."""
    with np.errstate(all="ignore"):
        trace = traced(c, t.state, t.batches[0])
        g = np.concatenate([trace[f"d{n}"].ravel() for n in t.state if f"d{n}" in trace])
        return float(np.linalg.norm(g) if "norm" in (c.clip or {}) else np.abs(g).max())


def traced(c: Configuration, state: Mapping[str, Array], b: Batch) -> Mapping[str, Array]:
    """Return the step by hand, neither clipped nor accumulated."""
    step = replace(c, clip=None, accumulate=1).by_hand()
    return step({**state, **b.state}, b.X, b.Y)
