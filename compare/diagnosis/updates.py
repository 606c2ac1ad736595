r"""How the lines of each update rule should read, in NumPy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from compare.formulas.stepping import Formulas
from compare.traces import kind

MEANS = {
    "t": "t = t + 1",
    "m": "m = beta1 * m + (1 - beta1) * g",
    "v": "v = beta2 * v + (1 - beta2) * g**2",
    "vmax": "vmax = np.maximum(vmax, v)",
}
HATS = "mhat = m / (1 - beta1**t); vhat = {v} / (1 - beta2**t); "
ADAM = MEANS | {"": HATS + "{p} = {p} - lr * mhat / (np.sqrt(vhat) + eps)"}
LINES: Mapping[str, Mapping[str, str]] = {
    "sgd": {
        "m": "m = momentum * m + (1 - dampening) * g, at the first step m = g",
        "": "{p} = {p} - lr * {d}",
    },
    "adagrad": {
        "t": MEANS["t"],
        "s": "s = s + g**2",
        "": "{p} = {p} - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s) + eps)",
    },
    "rmsprop": {
        "t": MEANS["t"],
        "s": "s = alpha * s + (1 - alpha) * g**2",
        "ga": "ga = alpha * ga + (1 - alpha) * g",
        "m": "m = momentum * m + g / (np.sqrt({variance}) + eps)",
        "": "{p} = {p} - lr * {scaled}",
    },
    "rmsprop_eps_inside": {
        "s": "s = alpha * s + (1 - alpha) * g**2",
        "": "{p} = {p} - lr * g / np.sqrt(s + eps)",
    },
    "adam": ADAM,
    "adamw": ADAM,
    "adadelta": {
        "t": MEANS["t"],
        "v": "v = rho * v + (1 - rho) * g**2",
        "d": "d = rho * d + (1 - rho) * delta**2",
        "": "delta = np.sqrt(d_old + eps) / np.sqrt(v + eps) * g; {p} = {p} - lr * delta",
    },
    "adamax": MEANS
    | {
        "u": "u = np.maximum(beta2 * u, np.abs(g) + eps)",
        "": "{p} = {p} - lr / (1 - beta1**t) * m / u",
    },
    "nadam": MEANS
    | {
        "mu": "mu = mu * beta1 * (1 - 0.5 * 0.96**(t * momentum_decay))",
        "": "{p} = {p} - lr * ((1 - mu_t) / (1 - mu) * g + mu_next / (1 - mu * mu_next) * m) / (np.sqrt(vhat) + eps)",
    },
    "radam": MEANS
    | {"": "{p} = {p} - lr * mhat * (r * np.sqrt(1 - beta2**t) / (np.sqrt(v) + eps) if rho > 5 else 1)"},
    "rprop": {
        "t": MEANS["t"],
        "eta": "eta = np.clip(eta * np.where(g * prev > 0, eta_plus, np.where(g * prev < 0, eta_minus, 1)), least, most)",
        "prev": "prev = np.where(g * prev < 0, 0, g)",
        "": "{p} = {p} - eta * np.sign(prev)",
    },
}  # fmt: skip


def update(entry: str, formulas: Formulas) -> str:
    """Return the line that computes a slot of the rule, or a parameter; "" where none is known.

    >>> from compare.configuration import Configuration
    >>> update("s.W1", Configuration(optimizer="adagrad").formulas())
    's = s + g**2'
    """
    rule = getattr(formulas.rule, "__name__", "").replace("momentum", "sgd")
    slot, name = (kind(entry), entry.split(".")[1]) if "." in entry else ("", entry)
    text = LINES.get(rule, {}).get(slot, "")
    return text.format(p=name, **choices(formulas.hyperparameters)) + decay(text, rule, formulas)


def choices(o: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts of a line that depend on options."""
    velocity = "(g + momentum * m)" if o.get("nesterov") else "m" if o.get("momentum") else "g"
    variance = "s - ga**2" if o.get("centered") else "s"
    scaled = "m" if o.get("momentum") else f"g / (np.sqrt({variance}) + eps)"
    top = "vmax" if o.get("amsgrad") else "v"
    return {"d": velocity, "variance": variance, "scaled": scaled, "v": top}


def decay(text: str, rule: str, formulas: Formulas) -> str:
    """Return what weight decay and maximising add to a line with g in it."""
    o = formulas.hyperparameters
    apart = rule == "adamw" or o.get("decoupled_weight_decay")
    sign, gradient = "-" if o.get("maximize") else "", bool(re.search(r"\bg\b", text))
    if o.get("weight_decay", 0.01 * (rule == "adamw")) and text:
        if apart:
            return "  # p = (1 - lr * weight_decay) * p before it" if "{p}" in text else ""
        return f"  # g = {sign}grad + weight_decay * p" if gradient else ""
    return "  # g = -grad" if sign and gradient else ""
