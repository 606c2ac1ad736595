r"""Adagrad, RMSprop and Adadelta, whose step is divided by a root of squares, and where epsilon goes wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.terms import OTHERS, POOLED, average, decayed, pooled, root, shrunk
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, power, sqrt, total
from compare.formulas.optimizers.terms import (
    ONE,
    Expected,
    Slots,
    bias,
    counted,
    held,
    number,
    square,
    zero,
)


def adagrad(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "outside", rate: str = "t - 1",
    start: str = "given", **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `epsilon` is its place, `rate` the decay of lr, `start` how the sum is kept."""
    d = decayed(p, g, o, weight, m)
    t = counted(old("t"), p)
    yield "t", t
    first = held({"0.1": 0.1}.get(start, o.get("initial_accumulator_value", 0.0)), p)
    s = total(old("s") or first, square(d))
    if start in ("no sum", "magnitudes"):
        s = square(d) if start == "no sum" else total(old("s") or first, absolute(d))
    yield "s", s
    t, s = new("t") or t, new("s") or s
    steps = {"t": held(t, ONE), "none": 0.0 * held(t, ONE)}.get(rate, held(t, ONE) - 1.0)
    decay = o.get("lr_decay", 0.0)
    below = 1.0 + steps * number(decay) if rate != "compound" else compounded(decay, t)
    below = {"root": sqrt(below), "power": power(1.0 + decay, steps)}.get(rate, below)
    lr = number(o["lr"]) / below
    squares = old("s") or first if start == "stale" else s
    squares = squares / held(t, p) if start == "mean" else squares
    step = held(lr, p) * d / root(squares, o.get("eps", 1e-10), epsilon)
    yield "", total(shrunk(p, o, weight), -step)


def compounded(decay: float, t: Tracked) -> Tracked:
    r"""Return $\prod_{k < t} (1 + k \lambda)$: every step divides the rate that the last one left."""
    steps = int(t.value.flat[0])
    product = float(np.prod(1.0 + decay * np.arange(steps)))
    return number(product).rounded(math.sqrt(steps))


def rmsprop(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "outside", form: str = "mean",
    centring: str = "right", velocity: str = "torch", squared: str = "g", start: str = "zero",
    counts: bool = True, **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `form` is how s is averaged, `centring` what is subtracted, `velocity` how m is kept."""
    g = decayed(p, g, o, weight, m)
    lr, alpha = number(o["lr"]), o.get("alpha", 0.99)
    if counts:
        yield "t", counted(old("t"), p)
    first = old("s") if old("s") is not None or start != "one" else 1.0 + 0.0 * p
    squares = absolute(g) if squared == "|g|" else square(g)
    s = average(alpha, first, pooled(g, squared) if squared in POOLED else squares, form)
    yield "s", s
    variance = new("s") or s
    if start == "stale":
        variance = old("s") or 0.0 * s
    if o.get("centered"):
        before_ga = old("ga")
        ga = average(alpha, before_ga, g, "sum" if centring == "sum" else "mean")
        yield "ga", ga
        ga = new("ga") or ga
        if centring != "ignored":
            centre = (before_ga or 0.0 * ga) if centring == "old" else ga
            square_of = centre if centring == "not squared" else centre * centre
            variance = total(variance, square_of if centring == "added" else -square_of)
            variance = absolute(variance) if centring == "not squared" else variance
    if start == "corrected":
        variance = variance / held(bias(alpha, held(new("t") or counted(old("t"), p), ONE)), p)
    top = total(g, -ga) if centring == "numerator" and o.get("centered") else g
    below = root(variance, o.get("eps", 1e-8), epsilon)
    d = top if velocity == "raw" and o.get("momentum") else top / below
    inside = bool(o.get("momentum")) and velocity == "lr inside"
    if o.get("momentum"):
        d = held(lr, p) * d if inside else d
        share = held(1.0 - number(o["momentum"]), p) * d if velocity == "average" else d
        before = old("m")
        v = share if before is None else total(held(o["momentum"], p) * before, share)
        yield "m", v
        ahead = velocity == "nesterov"
        d = total(d, held(o["momentum"], p) * (new("m") or v)) if ahead else new("m") or v
        d = d / below if velocity == "raw" else d
    yield "", total(shrunk(p, o, weight), -(d if inside else held(lr, p) * d))


def rmsprop_eps_inside(p: Tracked, g: Tracked, old: Slots, new: Slots, **o: Any) -> Expected:
    yield from rmsprop(p, g, old, new, **{"epsilon": "inside", **o, "counts": False})


def adadelta(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "inside", order: str = "behind",
    form: str = "mean", numerator: str = "root", **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `order` tells which squares of steps it uses, `numerator` whether they are rooted."""
    g = decayed(p, g, o, weight, m)
    yield "t", counted(old("t"), p)
    rho, eps = o.get("rho", 0.9), o.get("eps", 1e-6)
    v = average(rho, old("v"), square(g), form)
    yield "v", v
    v = new("v") or v
    before = old("d") or zero(p)
    place = {"outside below": "outside", "none above": "inside"}.get(epsilon, epsilon)
    bottom = root(v, eps, place)
    above = root(
        before, eps, {"outside below": "inside", "none above": "none"}.get(epsilon, epsilon)
    )
    above = {"none": held(1.0, p) + 0.0 * above, "square": before + held(eps, p)}.get(
        numerator, above
    )
    above = bottom if numerator == "upside down" else above
    bottom = root(before, eps, epsilon) if numerator == "upside down" else bottom
    if numerator == "no roots":
        above, bottom = before + held(eps, p), v + held(eps, p)
    delta = above / bottom * g
    scaled = held(o["lr"], p) * delta
    if order == "old squares":
        delta = above / root(old("v") or zero(p), eps, epsilon) * g
        scaled = held(o["lr"], p) * delta
    kept = {"after lr": square(scaled), "gradients": square(g), "magnitudes": absolute(delta)}
    yield "d", average(rho, before, kept.get(order, square(delta)), form)
    yield "", total(shrunk(p, o, weight), -scaled)


ROOTS = (
    Mistake({"epsilon": "none"}, "epsilon left out", "g / np.sqrt(s)", "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "maximum"}, "epsilon as a floor", "g / np.maximum(np.sqrt(s), eps)",
            "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "maximum inside"}, "epsilon as a floor of the squares",
            "g / np.sqrt(np.maximum(s, eps))", "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "no root"}, "the square root left out", "g / (s + eps)",
            "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "both"}, "epsilon both inside and outside the root",
            "g / (np.sqrt(s + eps) + eps)", "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "inside, squared"}, "the square of epsilon inside the square root",
            "g / np.sqrt(s + eps**2)", "g / (np.sqrt(s) + eps)"),
    Mistake({"start": "stale"}, "divided by the root of the old squares", "g / (np.sqrt(s_old) + eps)",
            "g / (np.sqrt(s) + eps), s of this step"),
)  # fmt: skip
NEAR = tuple(
    Mistake({"epsilon": f"inside {x:g}"}, f"epsilon inside the square root, and {x:g}",
            f"g / np.sqrt(s + {x:g})", "g / (np.sqrt(s) + eps)")
    for x in OTHERS
)  # fmt: skip
INSIDE = Mistake({"epsilon": "inside"}, "epsilon inside the square root", "g / np.sqrt(s + eps)",
                 "g / (np.sqrt(s) + eps)", "Keras, optax and many texts; torch outside")  # fmt: skip
OUTSIDE = Mistake({"epsilon": "outside"}, "epsilon outside the square root", "g / (np.sqrt(s) + eps)",
                  "g / np.sqrt(s + eps)", "torch.optim.RMSprop; the source document inside")  # fmt: skip
ADAGRAD = (
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
    Mistake({"start": "mean"}, "the mean of the squares, not their sum", "np.sqrt(s / t)", "np.sqrt(s)"),
    Mistake({"rate": "none"}, "lr_decay left out", "lr", "lr / (1 + (t - 1) * lr_decay)",
            same_as="lr_decay=0", needs="lr_decay"),
    Mistake({"start": "0.1"}, "the accumulator starts at 0.1", "s_0 = 0.1",
            "s_0 = initial_accumulator_value", "Keras, optax", "initial_accumulator_value=0.1"),
    Mistake({"start": "no sum"}, "squares are not summed", "s = g**2", "s = s + g**2"),
    Mistake({"start": "magnitudes"}, "the gradient is not squared", "s = s + np.abs(g)", "s = s + g**2"),
)  # fmt: skip
AVERAGES = (
    Mistake({"form": "swapped"}, "the weights of the average swapped",
            "s = (1 - alpha) * s + alpha * g**2", "s = alpha * s + (1 - alpha) * g**2",
            same_as="alpha -> 1 - alpha"),
    Mistake({"form": "sum"}, "the new square not weighted", "s = alpha * s + g**2",
            "s = alpha * s + (1 - alpha) * g**2"),
    Mistake({"form": "unweighted"}, "squares summed, as in Adagrad", "s = s + g**2",
            "s = alpha * s + (1 - alpha) * g**2"),
    Mistake({"form": "growing"}, "the old average not decayed", "s = s + (1 - alpha) * g**2",
            "s = alpha * s + (1 - alpha) * g**2"),
    Mistake({"form": "first whole"}, "the average starts with the first square whole",
            "s_1 = g**2", "s_1 = (1 - alpha) * g**2"),
)  # fmt: skip
RMSPROP = (
    INSIDE,
    *ROOTS,
    *NEAR,
    *AVERAGES,
    Mistake({"start": "one"}, "the average starts at 1", "s_0 = 1", "s_0 = 0", "TensorFlow 1's RMSProp"),
    Mistake({"squared": "|g|"}, "the gradient is not squared",
            "s = alpha * s + (1 - alpha) * np.abs(g)", "s = alpha * s + (1 - alpha) * g**2"),
    *(Mistake({"squared": form}, f"one number for the whole array: {text}",
              f"s = alpha * s + (1 - alpha) * {text}", "s = alpha * s + (1 - alpha) * g**2", apart=True)
      for form, text in POOLED.items()),
    Mistake({"start": "corrected"}, "the average is bias corrected, as in Adam",
            "np.sqrt(s / (1 - alpha**t))", "np.sqrt(s)"),
    Mistake({"centring": "added"}, "the square of the mean is added, not subtracted",
            "np.sqrt(s + ga**2) + eps", "np.sqrt(s - ga**2) + eps", needs="centered"),
    Mistake({"velocity": "nesterov"}, "Nesterov's look-ahead in RMSprop", "W - lr * (d + mu * m)",
            "W - lr * m", "Keras' nesterov option", needs="momentum"),
    Mistake({"centring": "ignored"}, "centred, but the mean is not subtracted", "np.sqrt(s) + eps",
            "np.sqrt(s - ga**2) + eps", same_as="centered=False", needs="centered"),
    Mistake({"centring": "numerator"}, "the mean is subtracted from the gradient too",
            "(g - ga) / np.sqrt(s - ga**2)", "g / (np.sqrt(s - ga**2) + eps)", needs="centered"),
    Mistake({"centring": "old"}, "centred with the old mean", "np.sqrt(s - ga_old**2)",
            "np.sqrt(s - ga**2) + eps", needs="centered"),
    Mistake({"centring": "sum"}, "the mean gradient's new share not weighted", "ga = alpha * ga + g",
            "ga = alpha * ga + (1 - alpha) * g", needs="centered"),
    Mistake({"velocity": "raw"}, "momentum on the raw gradient, divided afterwards",
            "m = mu * m + g; W - lr * m / (np.sqrt(s) + eps)", "m = mu * m + g / (np.sqrt(s) + eps)",
            needs="momentum"),
    Mistake({"centring": "not squared"}, "the mean gradient is not squared",
            "np.sqrt(s - ga) + eps", "np.sqrt(s - ga**2) + eps", needs="centered"),
    Mistake({"velocity": "lr inside"}, "learning rate inside the momentum buffer",
            "m = mu * m + lr * d; W = W - m", "m = mu * m + d; W = W - lr * m", "TensorFlow",
            "the same while lr is constant", needs="momentum"),
    Mistake({"velocity": "average"}, "momentum as a moving average", "m = mu * m + (1 - mu) * d",
            "m = mu * m + d", "", "a learning rate (1 - mu) times as large", needs="momentum"),
)  # fmt: skip
RMSPROP_EPS_INSIDE = (OUTSIDE, *ROOTS, *AVERAGES)
ADADELTA = (
    Mistake({"epsilon": "outside"}, "epsilon outside the square roots",
            "(np.sqrt(d) + eps) / (np.sqrt(v) + eps)", "np.sqrt(d + eps) / np.sqrt(v + eps)",
            "torch and Zeiler put it inside"),
    Mistake({"epsilon": "none"}, "epsilon left out", "np.sqrt(d) / np.sqrt(v)",
            "np.sqrt(d + eps) / np.sqrt(v + eps)"),
    Mistake({"numerator": "none"}, "the root of the squared steps left out", "g / np.sqrt(v + eps)",
            "np.sqrt(d + eps) / np.sqrt(v + eps) * g", "RMSprop"),
    Mistake({"epsilon": "outside below"}, "epsilon outside the root of the denominator",
            "np.sqrt(d + eps) / (np.sqrt(v) + eps)", "np.sqrt(d + eps) / np.sqrt(v + eps)"),
    Mistake({"epsilon": "none above"}, "epsilon left out of the numerator", "np.sqrt(d) / np.sqrt(v + eps)",
            "np.sqrt(d + eps) / np.sqrt(v + eps)", "no step is ever taken from d = 0"),
    Mistake({"numerator": "no roots"}, "the square roots left out", "(d + eps) / (v + eps) * g",
            "np.sqrt(d + eps) / np.sqrt(v + eps) * g"),
    Mistake({"numerator": "upside down"}, "the ratio upside down", "np.sqrt(v + eps) / np.sqrt(d + eps) * g",
            "np.sqrt(d + eps) / np.sqrt(v + eps) * g"),
    Mistake({"order": "old squares"}, "divided by the root of the old squares",
            "np.sqrt(v_old + eps)", "np.sqrt(v + eps), v of this step"),
    Mistake({"order": "gradients"}, "d averages the gradients, not the steps", "d of g**2", "d of delta**2"),
    Mistake({"order": "magnitudes"}, "the steps are not squared", "d of np.abs(delta)", "d of delta**2"),
    Mistake({"numerator": "square"}, "the numerator not rooted", "(d + eps) / np.sqrt(v + eps)",
            "np.sqrt(d + eps) / np.sqrt(v + eps)"),
    Mistake({"order": "after lr"}, "the squared steps averaged after the learning rate",
            "d of (lr * delta)**2", "d of delta**2"),
    *(Mistake(x.switch, x.name, x.wrong.replace("alpha", "rho").replace("s", "v"),
              x.right.replace("alpha", "rho").replace("s", "v")) for x in AVERAGES),
)  # fmt: skip
