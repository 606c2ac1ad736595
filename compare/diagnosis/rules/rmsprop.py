r"""RMSprop, whose step is divided by the root of averaged squares, as people get it wrong."""

from __future__ import annotations

from typing import Any

from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.roots import AVERAGES, INSIDE, NEAR, OUTSIDE, ROOTS
from compare.diagnosis.rules.terms import POOLED, average, decayed, pooled, root, shrunk
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, total
from compare.formulas.optimizers.terms import (
    ONE,
    Expected,
    Slots,
    bias,
    counted,
    held,
    number,
    square,
)


def rmsprop(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "outside", form: str = "mean",
    centring: str = "right", velocity: str = "torch", squared: str = "g", start: str = "zero",
    counts: bool = True, **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `form` is how s is averaged, `centring` what is subtracted, `velocity` how m is kept."""
    plain, g = (-g if o.get("maximize") else g), decayed(p, g, o, weight, m)
    lr, alpha = number(o["lr"]), o.get("alpha", 0.99)
    if counts:
        yield "t", counted(old("t"), p)
    first = old("s") if old("s") is not None or start != "one" else 1.0 + 0.0 * p
    squares = absolute(g) if squared == "|g|" else square(plain if squared == "undecayed g" else g)
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
    top = plain if centring == "undecayed" else top
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


UNDECAYED = (
    Mistake({"squared": "undecayed g"}, "weight decay missing from the mean square", "s of g, the step of g + wd * W",
            "both of g + wd * W", needs="weight_decay"),
    Mistake({"centring": "undecayed"}, "weight decay missing from the gradient that is divided",
            "s of g + wd * W, the step of g", "both of g + wd * W", needs="weight_decay"),
)  # fmt: skip
MISTAKES = (
    *UNDECAYED,
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
            "it while lr is constant; another rule once lr changes", needs="momentum"),
    Mistake({"velocity": "average"}, "momentum as a moving average", "m = mu * m + (1 - mu) * d",
            "m = mu * m + d", "", "a learning rate (1 - mu) times as large", needs="momentum"),
)  # fmt: skip
EPS_INSIDE = (OUTSIDE, *ROOTS, *AVERAGES)
