r"""Adagrad, whose step is divided by the root of all squares so far, as people get it wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.roots import INSIDE, NEAR, ROOTS
from compare.diagnosis.rules.terms import POOLED, average, decayed, pooled, root, shrunk
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, power, sqrt, total
from compare.formulas.optimizers.terms import (
    ONE,
    Expected,
    Slots,
    counted,
    held,
    number,
    square,
)


def adagrad(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "outside", rate: str = "t - 1",
    start: str = "given", **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `epsilon` is its place, `rate` the decay of lr, `start` how the sum is kept."""
    plain, d = (-g if o.get("maximize") else g), decayed(p, g, o, weight, m)
    t = counted(old("t"), p)
    yield "t", t
    first = held({"0.1": 0.1}.get(start, o.get("initial_accumulator_value", 0.0)), p)
    s = total(old("s") or first, pooled(d, start) if start in POOLED else square(d))
    if start in ("no sum", "magnitudes"):
        s = square(d) if start == "no sum" else total(old("s") or first, absolute(d))
    if start in AVERAGED:
        s = average(AVERAGED[start], old("s") or first, square(d))
    if start == "running mean":
        before = old("s") or first
        s = total(before, total(square(d), -before) / held(t, p))
    if start == "undecayed":
        s = total(old("s") or first, square(plain))
    yield "s", s
    t, s = new("t") or t, new("s") or s
    steps = {"t": held(t, ONE), "none": 0.0 * held(t, ONE)}.get(rate, held(t, ONE) - 1.0)
    decay = o.get("lr_decay", 0.0)
    below = 1.0 + steps * number(decay) if rate != "compound" else compounded(decay, t)
    below = {"root": sqrt(below), "power": power(1.0 + decay, steps)}.get(rate, below)
    lr = number(o["lr"]) / below
    squares = old("s") or first if start == "stale" else s
    squares = squares / held(t, p) if start == "over t" else squares
    d = plain if start == "undecayed step" else d
    step = held(lr, p) * d / root(squares, o.get("eps", 1e-10), epsilon)
    yield "", total(shrunk(p, o, weight), -step)


def compounded(decay: float, t: Tracked) -> Tracked:
    r"""Return $\prod_{k < t} (1 + k \lambda)$: every step divides the rate that the last one left."""
    steps = int(t.value.flat[0])
    product = float(np.prod(1.0 + decay * np.arange(steps)))
    return number(product).rounded(math.sqrt(steps))


AVERAGED = {f"mean {b:g}": b for b in (0.9, 0.99, 0.999, 0.95)}
MISTAKES = (
    Mistake({"start": "undecayed"}, "weight decay missing from the sum of squares", "s of g, the step of g + wd * W",
            "both of g + wd * W", needs="weight_decay"),
    Mistake({"start": "undecayed step"}, "weight decay missing from the gradient that is divided",
            "s of g + wd * W, the step of g", "both of g + wd * W", needs="weight_decay"),
    INSIDE,
    *ROOTS,
    *NEAR,
    Mistake({"rate": "t"}, "lr_decay one step early", "lr / (1 + t * lr_decay)",
            "lr / (1 + (t - 1) * lr_decay)", needs="lr_decay"),
    Mistake({"rate": "compound"}, "lr_decay compounds from step to step",
            "lr = lr / (1 + (t - 1) * lr_decay), kept for the next step",
            "lr / (1 + (t - 1) * lr_decay) of the first lr", needs="lr_decay"),
    Mistake({"rate": "root"}, "the root of the decay", "lr / np.sqrt(1 + (t - 1) * lr_decay)",
            "lr / (1 + (t - 1) * lr_decay)", needs="lr_decay"),
    Mistake({"rate": "power"}, "lr_decay as a power of the step", "lr / (1 + lr_decay)**(t - 1)",
            "lr / (1 + (t - 1) * lr_decay)", needs="lr_decay"),
    *(Mistake({"start": form}, f"one number for the whole array: {text}", f"s = s + {text}",
              "s = s + g**2", apart=True) for form, text in POOLED.items()),
    Mistake({"start": "over t"}, "the mean of the squares, not their sum", "np.sqrt(s / t)", "np.sqrt(s)"),
    Mistake({"start": "running mean"}, "the mean of the squares, not their sum", "s = s + (g**2 - s) / t",
            "s = s + g**2"),
    *(Mistake({"start": form}, "squares are averaged, as in RMSprop, not summed",
              f"s = {b:g} * s + {1 - b:g} * g**2", "s = s + g**2") for form, b in AVERAGED.items()),
    Mistake({"rate": "none"}, "lr_decay left out", "lr", "lr / (1 + (t - 1) * lr_decay)",
            same_as="lr_decay=0", needs="lr_decay"),
    Mistake({"start": "0.1"}, "the accumulator starts at 0.1", "s_0 = 0.1",
            "s_0 = initial_accumulator_value", "Keras, optax", "initial_accumulator_value=0.1"),
    Mistake({"start": "no sum"}, "squares are not summed", "s = g**2", "s = s + g**2"),
    Mistake({"start": "magnitudes"}, "the gradient is not squared", "s = s + np.abs(g)", "s = s + g**2"),
)  # fmt: skip
