r"""Kinks passed by rounding: a unit that is on for one side and off for the other, though both are right.

At a kink the derivative jumps. Where an operand is nearer to it than its rounding error, two right
programs may stand on either side, and all that follows differs by the jump.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from compare.configuration import Configuration, parse
from compare.traces import Array, Trace


@dataclass(frozen=True)
class Flip:
    """One kink passed: in which layer, unit and example, and what each side has of the operand."""

    step: int
    entry: str
    kink: str
    layer: int
    unit: int
    example: int
    manual: float
    torch: float

    def __str__(self) -> str:
        return (
            f"step {self.step}: {self.kink} of layer {self.layer}, unit {self.unit}, example "
            f"{self.example}: {self.entry} is {self.manual:.3g} by hand, {self.torch:.3g} by torch"
        )


def flips(step: int, c: Configuration, mine: Trace, theirs: Trace, Y: Array) -> Iterator[Flip]:
    """Yield the kinks that the two sides stand on different sides of, in the order of the step."""
    for entry, kink, layer in kinks(c):
        a, b = (operand(trace, entry, Y) for trace in (mine, theirs))
        for unit, example in np.argwhere(side(a, kink) != side(b, kink)):
            place = int(unit), int(example)
            yield Flip(step, entry, kink, layer, *place, float(a[place]), float(b[place]))


def kinks(c: Configuration) -> Iterator[tuple[str, str, int]]:
    """Yield (entry, kink, layer) for every entry in whose zero the slope of what follows jumps.

    >>> list(kinks(Configuration(("relu", "identity"), "l1")))
    [('Z1', 'relu', 1), ('A2 - Y', 'l1', 2)]
    """
    L = len(c.activations)
    for l, text in enumerate(c.activations, 1):
        name, options = parse(text)
        if name in ("relu", "leaky_relu") or (name == "elu" and options.get("alpha", 1.0) != 1.0):
            normal = c.batch_norm is not None and l < L
            yield f"{'N' if normal else 'Z'}{l}", name, l
    name, options = parse(c.loss)
    if name == "l1" or (name == "smooth_l1" and options.get("beta") == 0.0):
        yield f"A{L} - Y", name, L


def operand(trace: Trace, entry: str, Y: Array) -> Array:
    name, minus, _ = entry.partition(" - ")
    return np.asarray(trace[name] - Y if minus else trace[name])


def side(x: Array, kink: str) -> Array:
    """Return on which side of the kink each element is; at 0 a rectifier is off, a distance neither."""
    return np.asarray(np.sign(x) if kink.endswith("l1") else x > 0.0)
