r"""Gradient descent with momentum, and the forms that frameworks differ in."""

from __future__ import annotations

from typing import Any

from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.terms import decayed, shrunk, sign
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import total
from compare.formulas.optimizers.terms import ONE, Expected, Slots, held, number


def sgd(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", velocity: str = "torch", look: str = "new",
    direction: str = "d", **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `velocity` is how m is kept, `look` what Nesterov looks ahead with."""
    mu, lr = o.get("momentum", 0.0), number(o["lr"])
    d = decayed(p, g, o, weight, m)
    q, downhill = shrunk(p, o, weight), bool(mu) and velocity == "lr and sign inside"
    inside = downhill or (bool(mu) and velocity == "lr inside")
    if mu:
        before = old("m")
        v = kept(before, d, p, o, velocity)
        yield "m", v
        v = new("m") or v
        d = (
            -g
            if o.get("maximize") and weight == "buffer only"
            else g
            if weight == "buffer only"
            else d
        )
        d = scaled(d, p, lr, downhill) if inside else d
        d = looked(look if o.get("nesterov") or look == "stale" else "none", d, v, before, mu)
    d = sign(d) if direction == "sign" else d
    if weight == "after" and o.get("weight_decay"):
        d = total(d, held(o["weight_decay"], p) * p)
    yield "", total(q, d if downhill else -(d if inside else held(lr, p) * d))


def scaled(d: Tracked, p: Tracked, lr: Any, downhill: bool) -> Tracked:
    """Return the gradient as a velocity with the learning rate inside has it."""
    share = held(lr, p) * d
    return -share if downhill else share


def looked(look: str, g: Tracked, v: Tracked, before: Tracked | None, mu: float) -> Tracked:
    """Return the direction that momentum gives, with Nesterov's look-ahead in one of its forms."""
    m, old = held(mu, v), before if before is not None else 0.0 * v
    return {
        "new": lambda: total(g, m * v),
        "old": lambda: total(g, m * old),
        "none": lambda: v,
        "without g": lambda: m * v,
        "twice": lambda: total(g, m * (m * v)),
        "sum": lambda: total(g, v),
        "both": lambda: total(held(1.0 + number(mu), v) * v, -(m * g)),
        "plus old": lambda: total(held(1.0 + number(mu), v) * v, m * old),
        "swapped": lambda: total(v, m * g),
        "stale": lambda: old,
    }[look]()


def kept(before: Tracked | None, d: Tracked, p: Tracked, o: dict[str, Any], form: str) -> Tracked:
    """Return the velocity in one of the forms it is written."""
    mu, tau, lr = o.get("momentum", 0.0), o.get("dampening", 0.0), number(o["lr"])
    inside = form in ("lr inside", "lr inside, and out", "lr and sign inside")
    share = held(lr if inside else ONE, p) * d
    share = -share if form == "lr and sign inside" else share
    if form == "average" or (form == "average after the first" and before is not None):
        share = held(1.0 - number(mu), p) * d
    elif tau and form != "undampened" and (before is not None or form == "dampened first"):
        share = held(number(tau) if form == "tau itself" else 1.0 - number(tau), p) * share
    if before is None and form == "all scaled from the first":
        return held(mu, p) * share
    if form == "alias" and before is not None:
        before = d  # the buffer is the gradient's own array, and holds this step's by now
    if form == "alias, scaled" and before is not None:
        before, share = d, held(mu, p) * d  # and scaling the one scaled the other
    factor = {"forgotten": number(0.0), "undecayed": ONE}.get(form, number(mu))
    if form == "dampened old" and before is not None:
        factor, share = number(mu) * (1.0 - number(tau)), d
    share = -share if form == "subtracted" and before is not None else share
    if form.startswith("all scaled") and before is not None:
        return held(mu, p) * total(before, share)
    once = share if before is None else total(held(factor, p) * before, share)
    return total(held(mu, p) * once, share) if form == "twice" else once


MISTAKES = (
    Mistake({"velocity": "dampened first"}, "dampening applied at the first step",
            "m_1 = (1 - dampening) * g", "m_1 = g; dampening from the second step on",
            "torch.optim.SGD clones the first gradient", needs="dampening"),
    Mistake({"velocity": "undampened"}, "dampening left out", "m = mu * m + g",
            "m = mu * m + (1 - dampening) * g", same_as="dampening=0", needs="dampening"),
    Mistake({"velocity": "tau itself"}, "dampening in place of 1 - dampening",
            "m = mu * m + dampening * g", "m = mu * m + (1 - dampening) * g", needs="dampening"),
    Mistake({"velocity": "lr inside"}, "learning rate inside the velocity",
            "m = mu * m + lr * g; W = W - m", "m = mu * m + g; W = W - lr * m",
            "Sutskever et al. 2013, Keras", "it while lr is constant; another rule once lr changes"),
    Mistake({"velocity": "lr and sign inside"}, "the velocity is the step itself, learning rate and sign inside",
            "m = mu * m - lr * g; W = W + m", "m = mu * m + g; W = W - lr * m", "Keras' SGD",
            "it while lr is constant; another rule once lr changes"),
    Mistake({"velocity": "lr inside, and out"}, "learning rate inside the velocity and in the update too",
            "m = mu * m + lr * g; W = W - lr * m", "m = mu * m + g; W = W - lr * m", "",
            "a learning rate lr times as large"),
    Mistake({"look": "plus old"}, "Nesterov's old velocity added, not subtracted",
            "W + mu * v_old + (1 + mu) * v", "W - mu * v_old + (1 + mu) * v", needs="nesterov"),
    Mistake({"look": "swapped"}, "Nesterov with g and m swapped", "d = m + mu * g", "d = g + mu * m",
            needs="nesterov"),
    Mistake({"weight": "buffer only"}, "weight decay in the velocity, not in Nesterov's gradient",
            "d = g + mu * m, m of g + wd * W", "both of g + wd * W", needs="nesterov"),
    Mistake({"velocity": "average"}, "momentum as a moving average",
            "m = mu * m + (1 - mu) * g", "m = mu * m + (1 - dampening) * g",
            "the form of Adam's m", "a learning rate (1 - mu) times as large"),
    Mistake({"velocity": "average after the first"}, "momentum as a moving average from the second step on",
            "m_1 = g; m = mu * m + (1 - mu) * g", "m = mu * m + (1 - dampening) * g",
            "", "dampening=mu"),
    Mistake({"velocity": "all scaled"}, "the new gradient multiplied by mu too",
            "m = mu * (m + g)", "m = mu * m + g", "", "a learning rate mu times as large"),
    Mistake({"velocity": "dampened old"}, "dampening on the old velocity, not on the gradient",
            "m = (1 - dampening) * mu * m + g", "m = mu * m + (1 - dampening) * g", needs="dampening"),
    Mistake({"velocity": "subtracted"}, "the gradient subtracted from the velocity", "m = mu * m - g",
            "m = mu * m + g", "forms with W = W + m"),
    Mistake({"look": "stale"}, "the step is made with the old velocity", "W = W - lr * m_old; then m",
            "m, then W = W - lr * m", needs="momentum"),
    Mistake({"direction": "sign"}, "the sign of the step in place of the step", "W - lr * np.sign(d)",
            "W - lr * d", "signSGD"),
    Mistake({"look": "sum"}, "Nesterov without the factor mu", "d = g + m", "d = g + mu * m",
            needs="nesterov"),
    Mistake({"look": "both"}, "Nesterov with the velocity once too often", "(1 + mu) * m - mu * g",
            "g + mu * m", "forms that keep the look-ahead parameters", needs="nesterov"),
    Mistake({"velocity": "all scaled from the first"}, "every gradient multiplied by mu, the first too",
            "m = mu * (m + g) from m = 0", "m = mu * m + g", "", "a learning rate mu times as large"),
    Mistake({"velocity": "forgotten"}, "the velocity starts anew at every step",
            "m = g", "m = mu * m + g", "state created inside the step"),
    Mistake({"velocity": "undecayed"}, "the velocity is not decayed", "m = m + g", "m = mu * m + g"),
    Mistake({"velocity": "twice"}, "the velocity is stepped twice", "m = mu * m + g, and again",
            "m = mu * m + g", "one buffer updated in two loops"),
    Mistake({"velocity": "alias"}, "the velocity aliases the gradient array",
            "m_1 = g, the same array: m = mu * g + g later", "m_1 = g.copy()"),
    Mistake({"velocity": "alias, scaled"}, "the velocity aliases the gradient array, scaled in place",
            "m_1 = g, the same array; m *= mu; m += g gives 2 * mu * g", "m_1 = g.copy()"),
    Mistake({"look": "old"}, "Nesterov with the old velocity",
            "d = g + mu * m_old", "d = g + mu * m", "torch.optim.SGD looks ahead with the new one",
            needs="nesterov"),
    Mistake({"look": "none"}, "Nesterov's look-ahead left out",
            "W = W - lr * m", "W = W - lr * (g + mu * m)", same_as="nesterov=False", needs="nesterov"),
    Mistake({"look": "without g"}, "Nesterov's step without the gradient", "W = W - lr * mu * m",
            "W = W - lr * (g + mu * m)", needs="nesterov"),
    Mistake({"look": "twice"}, "Nesterov's momentum applied twice", "g + mu**2 * m",
            "g + mu * m", needs="nesterov"),
)  # fmt: skip
