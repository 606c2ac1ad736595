r"""What update rules have in common, as people get it wrong: decay, averages, epsilon's place, bias corrections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import maximum, power, sqrt, total, where
from compare.formulas.optimizers.terms import ONE, held, number

Options = Mapping[str, Any]
OTHERS = (1e-16, 1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5)  # epsilons of other frameworks
DECOUPLED = (
    "decoupled", "no lr", "after", "none", "sign decoupled", "divided", "at the step",
)  # fmt: skip


def sign(p: Tracked) -> Tracked:
    return where(p > 0.0, 1.0 + 0.0 * p, where(p < 0.0, -1.0 + 0.0 * p, 0.0 * p))


def decayed(p: Tracked, g: Tracked, o: Options, form: str, m: int) -> Tracked:
    """Return the gradient with weight decay in one of its forms; `m` is the number of examples."""
    wd = o.get("weight_decay", 0.0)
    ascending = o.get("maximize") and form != "not ascending"
    g = -g if ascending else g
    if not wd or form in DECOUPLED:
        return g
    shares = {"over m": 1.0 / m, "half": 0.5, "double": 2.0, "times lr": o["lr"]}
    amount = float(wd * shares.get(form, 1.0))
    term = held(amount, p) * (sign(p) if form == "l1" else p)
    negative = form == "sign" or (form == "ascended too" and ascending)
    return total(g, -term if negative else term)


def shrunk(p: Tracked, o: Options, form: str) -> Tracked:
    """Return the parameter with decoupled decay in one of its forms."""
    wd, lr = number(o.get("weight_decay", 0.0)), number(o["lr"])
    if not o.get("weight_decay"):
        return p
    amount = {
        "decoupled": lr * wd, "no lr": wd, "sign decoupled": -(lr * wd), "both": lr * wd,
    }.get(form)  # fmt: skip
    return p if amount is None else held(1.0 - amount, p) * p


def pooled(d: Tracked, form: str) -> Tracked:
    """Return one number for the squares of all entries: their mean, their sum, or the largest."""
    s = d * d
    if form == "max":
        return Tracked(np.full_like(s.value, s.value.max()), s.size * 0.0 + s.size.max(), s.u)
    N = float(d.value.size) if form == "mean" else 1.0
    return 0.0 * s + s.sum() / N


POOLED = {"mean": "np.mean(g**2)", "sum": "np.sum(g**2)", "max": "np.max(g**2)"}


def average(beta: float, old: Tracked | None, x: Tracked, form: str = "mean") -> Tracked:
    """Return a moving average in one of the forms it is written."""
    b = number(beta)
    keep, share = {
        "mean": (b, 1.0 - b),
        "of squares": (b, 1.0 - b),
        "undecayed": (b, 1.0 - b),
        "swapped": (1.0 - b, b),
        "sum": (b, ONE),
        "unweighted": (ONE, ONE),
        "growing": (ONE, 1.0 - b),
        "first whole": (b, 1.0 - b if old is not None else ONE),
        "from one": (b, 1.0 - b),
    }[form]
    new = held(share, x) * x
    old = 1.0 + 0.0 * x if old is None and form == "from one" else old
    return new if old is None else total(held(keep, x) * old, new)


def root(s: Tracked, eps: float, form: str) -> Tracked:
    """Return the denominator with epsilon in one of its places."""
    e = held(eps, s)
    if form.startswith("inside 1"):
        return sqrt(s + held(float(form.removeprefix("inside ")), s))
    return {
        "outside": lambda: sqrt(s) + e,
        "inside": lambda: sqrt(s + e),
        "inside, squared": lambda: sqrt(s + e * e),
        "both": lambda: sqrt(s + e) + e,
        "maximum": lambda: maximum(sqrt(s), e),
        "maximum inside": lambda: sqrt(maximum(s, e)),
        "none": lambda: sqrt(s),
        "no root": lambda: s + e,
        "bare": lambda: s,
    }[form]()


def corrections(b1: float, b2: float, t: Tracked, form: str) -> tuple[Tracked, Tracked]:
    """Return 1 - beta1^t and 1 - beta2^t in one of the forms they are written."""
    late = {"late": 1.0, "early": -1.0}.get(form, 0.0)
    k = held(t, ONE) + late
    k = maximum(k - 1.0, ONE) if form == "late start" else k
    one, two = 1.0 - power(b1, k), 1.0 - power(b2, k)
    plain = 1.0 - number(b1), 1.0 - number(b2)
    single = [number(1.0 - float(np.float32(b) ** k.value.astype(np.float32))) for b in (b1, b2)]
    times = 1.0 - number(b1) * k, 1.0 - number(b2) * k
    return {
        "none": (ONE, ONE),
        "no power": plain,
        "times t": times,
        "single": (single[0], single[1]),
        "same beta": (one, one),
        "second beta": (two, two),
        "first only": (one, ONE),
        "second only": (ONE, two),
        "swapped": (two, one),
        "not subtracted": (power(b1, k), power(b2, k)),
        "plus": (1.0 + power(b1, k), 1.0 + power(b2, k)),
        "multiplied": (1.0 / one, 1.0 / two),
        "first multiplied": (1.0 / one, two),
        "of the rest": (power(1.0 - b1, k), power(1.0 - b2, k)),
        "twice": (one * one / sqrt(two), two),
    }.get(form, (one, two))
