r"""How the line of each entry should read, in NumPy: what a report shows beside the mistake."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from compare.diagnosis.scene import Scene
from compare.diagnosis.updates import update
from compare.formulas.network import source
from compare.formulas.stepping import Formulas
from compare.traces import kind

ACTIVATIONS = {
    "identity": "{a} = {z}",
    "relu": "{a} = np.maximum({z}, 0)",
    "leaky_relu": "{a} = np.where({z} > 0, {z}, {negative_slope} * {z})",
    "elu": "{a} = np.where({z} > 0, {z}, {alpha} * np.expm1(np.minimum({z}, 0)))",
    "sigmoid": "e = np.exp(-np.abs({z})); {a} = np.where({z} >= 0, 1, e) / (1 + e)",
    "tanh": "{a} = np.tanh({z})",
    "gelu": "{a} = {z} * 0.5 * (1 + erf({z} / np.sqrt(2)))",
    "gelu_tanh": "{a} = 0.5 * {z} * (1 + np.tanh(np.sqrt(2 / np.pi) * ({z} + 0.044715 * {z}**3)))",
    "silu": "{a} = {z} * sigmoid({z})",
    "softplus": "{a} = np.where({beta} * {z} > {threshold}, {z}, np.log1p(np.exp({beta} * {z})) / {beta})",
    "softmax": "e = np.exp({z} - {z}.max(axis=0)); {a} = e / e.sum(axis=0)",
}
DERIVATIVES = {
    "identity": "{dz} = {da}",
    "relu": "{dz} = np.where({z} > 0, {da}, 0)",
    "leaky_relu": "{dz} = np.where({z} > 0, {da}, {negative_slope} * {da})",
    "elu": "{dz} = np.where({z} > 0, {da}, {da} * ({a} + {alpha}))",
    "sigmoid": "{dz} = {da} * {a} * (1 - {a})",
    "tanh": "{dz} = {da} * (1 - {a}**2)",
    "gelu": "{dz} = {da} * (Phi({z}) + {z} * np.exp(-{z}**2 / 2) / np.sqrt(2 * np.pi))",
    "gelu_tanh": "t = np.tanh(u); {dz} = {da} * (0.5 * (1 + t) + 0.5 * {z} * (1 - t**2) * du)",
    "silu": "s = sigmoid({z}); {dz} = {da} * s * (1 + {z} * (1 - s))",
    "softplus": "{dz} = np.where({beta} * {z} > {threshold}, {da}, {da} * sigmoid({beta} * {z}))",
    "softmax": "{dz} = {a} * ({da} - ({da} * {a}).sum(axis=0))",
}
LOSSES = {
    "mse": "loss = ((A - Y)**2).mean()",
    "mse_per_example": "loss = ((A - Y)**2).sum() / m",
    "l1": "loss = np.abs(A - Y).mean()",
    "huber": "r = np.abs(A - Y); loss = np.where(r < delta, r**2 / 2, delta * (r - delta / 2)).mean()",
    "smooth_l1": "r = np.abs(A - Y); loss = np.where(r < beta, r**2 / (2 * beta), r - beta / 2).mean()",
    "bce": "loss = -(Y * np.maximum(np.log(A), -100) + (1 - Y) * np.maximum(np.log1p(-A), -100)).mean()",
    "bce_with_logits": "loss = (np.maximum(A, 0) - A * Y + np.log1p(np.exp(-np.abs(A)))).mean()",
    "cross_entropy": "s = A - A.max(axis=0); loss = -(Y * (s - np.log(np.exp(s).sum(axis=0)))).sum() / m",
    "cross_entropy_on_probabilities": "loss = -np.log(A[Y > 0]).sum() / m",
}
GRADIENTS = {
    "mse": "dA = 2 * (A - Y) / A.size",
    "mse_per_example": "dA = 2 * (A - Y) / m",
    "l1": "dA = np.sign(A - Y) / A.size",
    "huber": "dA = np.clip(A - Y, -delta, delta) / A.size",
    "smooth_l1": "dA = np.clip((A - Y) / beta, -1, 1) / A.size",
    "bce": "dA = (A - Y) / np.maximum(A * (1 - A), np.float32(1e-12)) / A.size",
    "bce_with_logits": "dA = (sigmoid(A) - Y) / A.size",
    "cross_entropy": "dA = (softmax(A) - Y) / m",
    "cross_entropy_on_probabilities": "dA = -Y / A / m",
}
LAYERS = {
    "mu": "mu{l} = Z{l}.mean(axis=1, keepdims=True)",
    "var": "var{l} = Z{l}.var(axis=1, keepdims=True)",
    "xhat": "xhat{l} = (Z{l} - mu{l}) / np.sqrt(var{l} + eps)",
    "N": "N{l} = gamma{l} * xhat{l} + beta{l}",
    "running_mean": "running_mean{l} = (1 - momentum) * running_mean{l} + momentum * mu{l}",
    "running_var": "running_var{l} = (1 - momentum) * running_var{l} + momentum * var{l} * m / (m - 1)",
    "batches": "batches{l} = batches{l} + 1",
    "D": "D{l} = A{l} * mask{l} / (1 - p)",
    "dW": "dW{l} = dZ{l} @ {below}.T",
    "db": "db{l} = dZ{l}.sum(axis=1, keepdims=True)",
    "dD": "dD{l} = W{up}.T @ dZ{up}",
    "dgamma": "dgamma{l} = (dN{l} * xhat{l}).sum(axis=1, keepdims=True)",
    "dbeta": "dbeta{l} = dN{l}.sum(axis=1, keepdims=True)",
    "micro": "micro = micro % k + 1",
    "norm": "norm = np.sqrt(sum((g**2).sum() for g in gradients))",
}
NORMALIZED = "d = gamma{l} * dN{l}; dZ{l} = (d - mean(d) - xhat{l} * mean(d * xhat{l})) / np.sqrt(var{l} + eps)"


def line(scene: Scene) -> str:
    """Return how the line that computes the suspected entry should read, in NumPy; "" where none is known."""
    entry, f = scene.entry, scene.last.formulas
    what = kind(entry)
    if scene.slots:
        return update(entry, f)
    special: dict[str, Callable[[Scene, Formulas], str]] = {
        "Z": linear, "A": activation, "dZ": derivative, "dN": derivative, "dA": output, "loss": loss,
        "a": accumulated, "g": clipped,
    }  # fmt: skip
    if what in special:
        return special[what](scene, f)
    below = source(scene.layer, f.dropout)
    return LAYERS.get(what, "").format(l=scene.layer, up=scene.layer + 1, below=below)


def named(formula: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of a stated activation or loss, and its options."""
    function = formula.func if isinstance(formula, partial) else formula
    given = formula.keywords if isinstance(formula, partial) else {}
    name = getattr(function, "__name__", "")
    return name, (getattr(function, "__kwdefaults__", None) or {}) | given


def normalized(scene: Scene, f: Formulas) -> bool:
    return f.batch_norm is not None and scene.layer < scene.depth


def linear(scene: Scene, f: Formulas) -> str:
    l = scene.layer
    below = source(l, f.dropout)
    bias = f" + b{l}" if f"b{l}" in scene.last.state else ""
    return f"Z{l} = W{l} @ {below}{bias}"


def activation(scene: Scene, f: Formulas) -> str:
    name, options = named(f.activations[scene.layer - 1][0])
    z = f"{'N' if normalized(scene, f) else 'Z'}{scene.layer}"
    return ACTIVATIONS.get(name, "").format(a=f"A{scene.layer}", z=z, **options)


def derivative(scene: Scene, f: Formulas) -> str:
    l = scene.layer
    if normalized(scene, f) and scene.kind == "dZ":
        return NORMALIZED.format(l=l)
    name, options = named(f.activations[l - 1][0])
    z = f"{'N' if normalized(scene, f) else 'Z'}{l}"
    return DERIVATIVES.get(name, "").format(a=f"A{l}", z=z, da=f"dA{l}", dz=f"d{z}", **options)


def output(scene: Scene, f: Formulas) -> str:
    """Return the line of dA: the loss's gradient at the output, of a layer or of dropout below it."""
    l = scene.layer
    if l < scene.depth:
        return (
            f"dA{l} = dD{l} * mask{l} / (1 - p)" if f.dropout else f"dA{l} = W{l + 1}.T @ dZ{l + 1}"
        )
    return filled(GRADIENTS.get(named(f.loss[0])[0], ""), scene, f)


def loss(scene: Scene, f: Formulas) -> str:
    return filled(LOSSES.get(named(f.loss[0])[0], ""), scene, f)


def filled(text: str, scene: Scene, f: Formulas) -> str:
    """Return the line of a loss with the output's number, and its options."""
    text = re.sub(r"\b(d?A)\b", rf"\g<1>{scene.depth}", text)
    for option, value in named(f.loss[0])[1].items():
        text = re.sub(rf"\b{option}\b", f"{value:g}", text)
    return text


def accumulated(scene: Scene, f: Formulas) -> str:
    n = scene.entry.removeprefix("a.")
    return f"a_{n} = a_{n} + d{n}, from 0 after every update; the loss divided by {f.accumulate}"


def clipped(scene: Scene, f: Formulas) -> str:
    n = scene.entry.removeprefix("g.")
    limits = f.clip.keywords if isinstance(f.clip, partial) else {}
    if "clip_value" in limits:
        return f"g_{n} = np.clip(d{n}, -{limits['clip_value']:g}, {limits['clip_value']:g})"
    return f"g_{n} = d{n} * min({limits.get('max_norm', 1.0):g} / (norm + 1e-6), 1)"


def substitution(scene: Scene, name: str, template: str) -> str:
    """Return the line with one operand replaced by `template` of it: how it reads in the program, as understood."""
    left, equals, text = line(scene).partition(" = ")
    token = operand(scene, name)
    changed = re.sub(rf"\b{re.escape(token)}\b(?!\.\w)", lambda _: template.format(token), text)
    return f"{left}{equals}{changed}" if equals and changed != text else ""


def operand(scene: Scene, name: str) -> str:
    """Return what an operand is called in the line: a rule's are g, m, v, ..., whichever the parameter."""
    if not scene.slots:
        return name
    what = kind(name)
    gradient = what in ("a", "g") if "." in name else what.startswith("d")
    return "g" if gradient else what if "." in name else name
