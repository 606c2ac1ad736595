r"""The update rules as people get them wrong: each family once, with a switch for every choice that varies.

A switch at its first value is the right formula. A mistake is one switch turned; the functions
have the contract of `compare.formulas.optimizers`.
"""

from __future__ import annotations

from typing import Any

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, maximum, power, sqrt, total, where
from compare.formulas.optimizers.terms import ONE, Expected, Slots, counted, held, number, square


def decay(p: Tracked, g: Tracked, o: dict[str, Any], form: str, m: int) -> Tracked:
    """Return the gradient with weight decay in one of its forms."""
    wd = o.get("weight_decay", 0.0)
    g = -g if o.get("maximize") else g
    if not wd or form in ("decoupled", "no lr", "after", "none"):
        return g
    amount = {"over m": wd / m, "half": wd / 2, "double": 2 * wd}.get(form, wd)
    term = held(amount, p) * (sign(p) if form == "l1" else p)
    return total(g, -term if form == "sign" else term)


def sign(p: Tracked) -> Tracked:
    return where(p > 0.0, 1.0 + 0.0 * p, where(p < 0.0, -1.0 + 0.0 * p, 0.0 * p))


def shrunk(p: Tracked, o: dict[str, Any], form: str) -> Tracked:
    """Return the parameter with decoupled decay in one of its forms."""
    wd, lr = number(o.get("weight_decay", 0.0)), number(o["lr"])
    if not o.get("weight_decay"):
        return p
    amount = {"decoupled": lr * wd, "no lr": wd}.get(form)
    return p if amount is None else held(1.0 - amount, p) * p


def mean(beta: float, old: Tracked | None, x: Tracked, form: str = "mean") -> Tracked:
    b = number(beta)
    keep, share = {
        "mean": (b, 1.0 - b),
        "swapped": (1.0 - b, b),
        "sum": (b, ONE),
        "unweighted": (ONE, ONE),
        "first whole": (b, 1.0 - b if old is not None else ONE),
    }[form]
    new = held(share, x) * x
    return new if old is None else total(held(keep, x) * old, new)


def sgd(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", velocity: str = "torch", nesterov_form: str = "new",
    **o: Any,
) -> Expected:  # fmt: skip
    """Gradient descent with momentum: `velocity` and `nesterov_form` are the choices that frameworks differ in."""
    mu, tau, lr = o.get("momentum", 0.0), o.get("dampening", 0.0), number(o["lr"])
    d = decay(p, g, o, weight, m)
    q, inside = shrunk(p, o, weight), velocity.startswith("lr inside")
    if mu:
        before = old("m")
        share = held(lr if inside else ONE, p) * d
        if tau and (before is not None or velocity == "dampened first"):
            share = held(1.0 - number(tau), p) * share
        if velocity == "average":
            share = held(1.0 - number(mu), p) * d
        if velocity == "alias" and before is not None:
            before = d  # the buffer is the gradient's own array, and holds this step's by now
        if velocity == "alias, scaled" and before is not None:
            before, share = d, held(mu, p) * d  # and scaling the one scaled the other
        kept = {"forgotten": number(0.0), "undecayed": ONE}.get(velocity, number(mu))
        v = share if before is None else total(held(kept, p) * before, share)
        yield "m", v
        v = new("m") or v
        if o.get("nesterov"):
            look = {"old": before if before is not None else 0.0 * d, "new": v, "none": v}
            d = v if nesterov_form == "none" else total(d, held(mu, p) * look[nesterov_form])
        else:
            d = v
    if weight == "after" and o.get("weight_decay"):
        d = total(d, held(o["weight_decay"], p) * p)
    step = d if inside and mu else held(lr, p) * d
    yield "", total(q, -step)


def adagrad(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "outside", rate: str = "t - 1",
    start: str = "given", **o: Any,
) -> Expected:  # fmt: skip
    d = decay(p, g, o, weight, m)
    t = counted(old("t"), p)
    yield "t", t
    first = held(o.get("initial_accumulator_value", 0.0) if start == "given" else 0.1, p)
    s = total(old("s") or first, square(d))
    if start == "no sum":
        s = square(d)
    yield "s", s
    t, s = new("t") or t, new("s") or s
    steps = {"t - 1": held(t, ONE) - 1.0, "t": held(t, ONE), "none": 0.0 * held(t, ONE)}[rate]
    lr = number(o["lr"]) / (1.0 + steps * number(o.get("lr_decay", 0.0)))
    yield "", total(p, -(held(lr, p) * d / root(s, o.get("eps", 1e-10), epsilon)))


def root(s: Tracked, eps: float, form: str) -> Tracked:
    """Return the denominator with epsilon in one of its places."""
    e = held(eps, s)
    return {
        "outside": lambda: sqrt(s) + e,
        "inside": lambda: sqrt(s + e),
        "inside, squared": lambda: sqrt(s + e * e),
        "both": lambda: sqrt(s + e) + e,
        "maximum": lambda: maximum(sqrt(s), e),
        "none": lambda: sqrt(s),
        "no root": lambda: s + e,
    }[form]()


def rmsprop(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "outside", average: str = "mean",
    centring: str = "right", velocity: str = "torch", squared: str = "g", start: str = "zero",
    **o: Any,
) -> Expected:  # fmt: skip
    g = decay(p, g, o, weight, m)
    lr, alpha = number(o["lr"]), o.get("alpha", 0.99)
    yield "t", counted(old("t"), p)
    first = old("s") if old("s") is not None or start == "zero" else 1.0 + 0.0 * p
    s = mean(alpha, first, absolute(g) if squared == "|g|" else square(g), average)
    yield "s", s
    variance = new("s") or s
    if o.get("centered"):
        ga = mean(alpha, old("ga"), g, average)
        yield "ga", ga
        ga = new("ga") or ga
        if centring != "ignored":
            variance = total(variance, -(ga if centring == "not squared" else ga * ga))
    d = g / root(variance, o.get("eps", 1e-8), epsilon)
    if o.get("momentum"):
        d = held(lr, p) * d if velocity == "lr inside" else d
        before = old("m")
        v = d if before is None else total(held(o["momentum"], p) * before, d)
        yield "m", v
        d = new("m") or v
    inside = o.get("momentum") and velocity == "lr inside"
    yield "", total(shrunk(p, o, weight), -(d if inside else held(lr, p) * d))


def adam(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "outside", correction: str = "both",
    first: str = "mean", second: str = "mean", squared: str = "g", maximal: str = "raw", **o: Any,
) -> Expected:  # fmt: skip
    """Adam and AdamW: epsilon's place, the bias corrections, the averages, the decay."""
    b1, b2 = o.get("betas", (0.9, 0.999))
    decoupled = weight in ("decoupled", "no lr", "after", "none")
    d = decay(p, g, o, weight, m)
    q = p if not decoupled else shrunk(p, o, weight)
    t = counted(old("t"), p)
    yield "t", t
    mt = mean(b1, old("m"), d, first)
    yield "m", mt
    t, mt = new("t") or t, new("m") or mt
    of = {"g": d, "m": mt, "|g|": d, "undecayed g": -g if o.get("maximize") else g}[squared]
    vt = mean(b2, old("v"), absolute(of) if squared == "|g|" else square(of), second)
    yield "v", vt
    vt = new("v") or vt
    one, two = corrections(b1, b2, t, correction)
    if o.get("amsgrad"):
        raw = vt / held(two, p) if maximal == "corrected" else vt
        top = old("vmax")
        vt = raw if top is None else maximum(top, raw)
        yield "vmax", vt
        vt = new("vmax") or vt
        two = ONE if maximal == "corrected" else two
    step = held(number(o["lr"]) / one, p) * mt / denominator(vt, two, o.get("eps", 1e-8), epsilon)
    if weight == "after" and o.get("weight_decay"):
        q = q - held(number(o["lr"]) * number(o["weight_decay"]), p) * (q - step)
    yield "", total(q, -step)


def corrections(b1: float, b2: float, t: Tracked, form: str) -> tuple[Tracked, Tracked]:
    """Return 1 - beta1^t and 1 - beta2^t in one of the forms they are written."""
    late = {"late": 1.0, "early": -1.0}.get(form, 0.0)
    k = held(t, ONE) + late
    one, two = 1.0 - power(b1, k), 1.0 - power(b2, k)
    plain = 1.0 - number(b1), 1.0 - number(b2)
    return {
        "none": (ONE, ONE),
        "no power": plain,
        "same beta": (one, one),
        "second beta": (two, two),
        "first only": (one, ONE),
        "second only": (ONE, two),
        "swapped": (two, one),
        "not subtracted": (power(b1, k), power(b2, k)),
    }.get(form, (one, two))


def denominator(v: Tracked, two: Tracked, eps: float, form: str) -> Tracked:
    e, c = held(eps, v), held(sqrt(two), v)
    if form == "hat":
        return (sqrt(v) + e) / c
    if form == "inside":
        return sqrt(v / held(two, v) + e)
    if form == "inside hat":
        return sqrt(v + e) / c
    if form == "uncorrected root":
        return sqrt(v) / held(two, v) + e
    return (
        root(v / held(two, v) if form != "outside" else v, eps, form)
        if form != "outside"
        else sqrt(v) / c + e
    )
