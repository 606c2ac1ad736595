r"""Mistakes of the net itself: activations and their derivatives, losses, biases, batch norm, clipping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare.diagnosis.scene import Scene, Shown, Variant
from compare.formulas import activations, losses
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import (
    absolute,
    exp,
    log,
    maximum,
    minimum,
    sqrt,
    tanh,
    total,
    where,
)
from compare.formulas.stepping import Formulas
from compare.judgement import Operands

Formula = Callable[..., Tracked]


def plain(
    name: str, formula: Formula, wrong: str, right: str, source: str = "", same: str = ""
) -> Variant:
    """Return a variant that computes the entry directly from its operands and the step shown."""
    return Variant(name, wrong, right, source, same, direct=formula)


def mistakes(scene: Scene) -> Iterator[Variant]:
    """Yield the mistakes that an entry of this kind can have."""
    families: Mapping[str, Callable[[Scene], Iterator[Variant]]] = {
        "Z": linear,
        "A": forward_activations,
        "dZ": backward_activations,
        "dN": backward_activations,
        "loss": loss_values,
        "dA": gradients_of_outputs,
        "dD": gradients_of_outputs,
        "db": bias_gradients,
        "dW": weight_gradients,
        "a": accumulations,
        "g": clippings,
        "norm": clippings,
    }
    if scene.kind in families:
        yield from families[scene.kind](scene)
    yield from normalizations(scene)


def linear(scene: Scene) -> Iterator[Variant]:
    l = scene.layer
    b, W = f"b{l}", f"W{l}"
    right = f"Z{l} = {W} A{l - 1} + {b}"
    b_shape = scene.last.state[b].shape if b in scene.last.state else None
    if b_shape:
        yield Variant(f"the bias {b} is forgotten", f"{W} A{l - 1}", right,
                      then=lambda s: {b: 0.0 * s.then(b)})  # fmt: skip
        if b_shape[0] == scene.last.X.shape[1]:
            yield Variant(
                f"the bias {b} is added along the examples", f"{W} A + {b}^T", right,
                "a 1-D bias broadcasts over the last axis",
                then=lambda s: {b: s.then(b).T},
            )  # fmt: skip
    yield from look_ahead(scene)


def look_ahead(scene: Scene) -> Iterator[Variant]:
    """Yield the forward pass at the point that momentum is about to carry the parameters to."""
    l, h = scene.layer, scene.last.formulas.hyperparameters
    mu, lr = h.get("momentum", 0.0), h.get("lr", 0.0)
    for what, step in (("W - lr mu m", lr * mu), ("W - mu m", mu)):
        if mu and f"m.W{l}" in scene.last.state:
            yield Variant(
                f"the gradient is taken at the look-ahead point {what}",
                f"Z{l} = ({what}) A + ...", "Z = W A + b; the look-ahead is in the update",
                "Nesterov's original form; torch and Sutskever et al. rewrite it",
                then=lambda s, step=step: {
                    n: s.then(n) - step * s.then(f"m.{n}") for n in (f"W{l}", f"b{l}") if f"m.{n}" in s.state
                },
            )  # fmt: skip


def names_of(module: Any, suffix: str = "_gradient") -> list[str]:
    """Return the names of the stated activations, or losses, that have a gradient."""
    return [n.removesuffix(suffix) for n in vars(module) if n.endswith(suffix)]


def swapped(
    formulas: Formulas, shown: Shown, *, layer: int, index: int, formula: Formula
) -> Formulas:
    """Return the formulas with an activation, or its gradient, of one layer replaced."""
    pairs = [list(pair) for pair in formulas.activations]
    pairs[layer - 1][index] = formula
    return replace(formulas, activations=[tuple(pair) for pair in pairs])


def forward_activations(scene: Scene) -> Iterator[Variant]:
    """Yield every other activation, and this one's options as other frameworks have them."""
    l = scene.layer
    _right, name, options = activation_of(scene, l)
    for option, value in options.items():
        for other in ACTIVATION_OPTIONS.get(option, ()):
            if other != value:
                other_formula = partial(getattr(activations, name), **{**options, option: other})
                change = partial(swapped, layer=l, index=0, formula=other_formula)
                yield Variant(f"{name} with {option}={other:g}", f"{option} = {other:g}",
                              f"{option} = {value:g}", OPTION_SOURCES.get((option, other), ""),
                              formulas=change)  # fmt: skip
    for other in names_of(activations):
        if other != name:
            change = partial(swapped, layer=l, index=0, formula=getattr(activations, other))
            source = "the default of JAX and of GPT-2's code" if other == "gelu_tanh" else ""
            yield Variant(f"{other} in place of {name}", other, name, source, formulas=change)
    for wrong, formula in OTHER_FORMS.get(name, {}).items():
        change = partial(swapped, layer=l, index=0, formula=partial(formula, **options))
        yield Variant(f"{name} as {wrong}", wrong, f"A{l} = {name}(Z{l})", formulas=change)


ACTIVATION_OPTIONS = {
    "negative_slope": (0.0, 0.01, 0.05, 0.1, 0.2, 0.3),
    "alpha": (1.0, 0.1, 0.5, 1.6732632423543772),
    "beta": (1.0, 2.0),
    "threshold": (20.0, 1e9, 30.0),
}
OPTION_SOURCES = {
    ("negative_slope", 0.2): "TensorFlow's leaky_relu",
    ("negative_slope", 0.3): "Keras' LeakyReLU",
}


def clipped_sigmoid(z: Tracked, bound: float) -> Tracked:
    return activations.sigmoid(minimum(maximum(z, -bound), bound))


def overflowing(right: Tracked, z: Tracked, made: float) -> Tracked:
    """Return the right value, and `made` (NaN or infinity) where e^z overflows the program's type."""
    top = float(np.log(np.finfo(np.float32 if z.u > 2.0**-30 else np.float64).max))
    return Tracked(np.where(z.value > top, made, right.value), right.error, right.u, right.terms)


def unshifted_softmax(z: Tracked) -> Tracked:
    """Return e^z / sum e^z as a program has it whose e^z overflows: infinite over infinite, or 0."""
    e = overflowing(exp(z), z, float("inf"))
    return e / e.sum(axis=0)


def plain_softplus(z: Tracked, **options: float) -> Tracked:
    return overflowing(log(1.0 + exp(z)), z, float("inf"))


OTHER_FORMS: dict[str, dict[str, Formula]] = {
    "sigmoid": {
        "e^z / (1 + e^z), which overflows": lambda z: overflowing(
            activations.sigmoid(z), z, float("nan")
        ),
        "1 / (1 + exp(z)), the sign of z lost": lambda z: activations.sigmoid(-z),
        "sigmoid of z clipped to [-500, 500]": lambda z: clipped_sigmoid(z, 500.0),
        "sigmoid of z clipped to [-10, 10]": lambda z: clipped_sigmoid(z, 10.0),
        "max(0, min(1, 0.2 z + 0.5)), the hard sigmoid": lambda z: maximum(
            minimum(0.2 * z + 0.5, 1.0), 0.0
        ),
    },
    "gelu": {"z sigmoid(1.702 z)": lambda z: z * activations.sigmoid(1.702 * z)},
    "softmax": {
        "softmax without subtracting the maximum": unshifted_softmax,
        "softmax over the examples": lambda z: activations.softmax(z.T).T,
    },
    "elu": {"exp(z) - 1 without alpha": lambda z, **o: activations.elu(z)},
    "relu": {"|z|": absolute, "min(max(z, 0), 6)": lambda z: minimum(maximum(z, 0.0), 6.0)},
    "softplus": {
        "log(1 + exp(z)) everywhere": lambda z, **o: activations.softplus(z, threshold=1e9),
        "log(1 + e^z), which overflows, and cancels below": plain_softplus,
    },
    "silu": {
        "z e^z / (1 + e^z), which overflows": lambda z: overflowing(
            activations.silu(z), z, float("nan")
        )
    },
}


def activation_of(scene: Scene, l: int) -> tuple[Formula, str, dict[str, Any]]:
    """Return the stated activation of layer l, its name, and all its options."""
    formula = scene.last.formulas.activations[l - 1][0]
    given = formula.keywords if isinstance(formula, partial) else {}
    function = formula.func if isinstance(formula, partial) else formula
    return formula, function.__name__, (function.__kwdefaults__ or {}) | given


def backward_activations(scene: Scene) -> Iterator[Variant]:
    """Yield the derivative left out, another activation's, at the kink, or formed from the wrong operand."""
    l = scene.layer
    _, name, options = activation_of(scene, l)
    if (
        scene.kind == "dZ"
        and scene.last.formulas.batch_norm is not None
        and f"N{l}" in scene.last.trace
    ):
        return
    for wrong, formula in WRONG_DERIVATIVES.get(name, {}).items():
        change = partial(swapped, layer=l, index=1, formula=partial(formula, **options))
        yield Variant(f"{name}: {wrong}", wrong, DERIVATIVES.get(name, ""), formulas=change)
    for other in names_of(activations):
        if other == name:
            continue
        change = partial(
            swapped, layer=l, index=1, formula=getattr(activations, other + "_gradient")
        )
        what = (
            f"the derivative of g{l} is left out"
            if other == "identity"
            else f"the derivative of {other}"
        )
        yield Variant(
            what, f"dA{l} g'(Z{l}) with {other}'s g'", DERIVATIVES.get(name, ""), formulas=change
        )
    for option, value in options.items():
        for other_value in ACTIVATION_OPTIONS.get(option, ()):
            if other_value != value:
                chosen = {**options, option: other_value}
                formula = partial(getattr(activations, name + "_gradient"), **chosen)
                change = partial(swapped, layer=l, index=1, formula=formula)
                yield Variant(f"the derivative with {option}={other_value:g}", formulas=change)
    if l == len(scene.last.formulas.activations):
        yield from joined_gradients(scene)


def joined_gradients(scene: Scene) -> Iterator[Variant]:
    """Yield the short forms of dZ at the output, right for one pair of loss and activation only."""
    L = scene.layer
    for factor, what in ((1.0, ""), (2.0, "2 "), (0.5, "1/2 ")):
        for n, divisor in divisors(scene.last).items():
            yield plain(
                f"dZ{L} = {what}(A{L} - Y) / {n}",
                lambda r, s, f=factor, d=divisor: f * (r.read(f"A{L}") - r.read("Y")) / d,
                f"{what}(A{L} - Y) / {n}", f"dA{L} g'(Z{L})",
                "right for cross entropy after softmax or sigmoid, and MSE after identity",
            )  # fmt: skip


def divisors(shown: Shown) -> dict[str, float]:
    m, n_y = float(shown.X.shape[1]), float(shown.Y.shape[0])
    return {"1": 1.0, "m": m, "n_y": n_y, "(n_y m)": m * n_y}


DERIVATIVES = {
    "relu": "dA where Z > 0, 0 where Z <= 0",
    "leaky_relu": "dA where Z > 0, slope dA where Z <= 0",
    "elu": "dA (a + alpha) = dA alpha e^z where z <= 0",
    "sigmoid": "dA a (1 - a)",
    "tanh": "dA (1 - a^2)",
    "gelu": "dA (Phi(z) + z phi(z))",
    "silu": "dA s (1 + z (1 - s))",
    "softplus": "dA sigmoid(beta z)",
    "softmax": "a (dA - sum(dA a))",
    "identity": "dA",
}


def squashed(a: Tracked, da: Tracked) -> Tracked:
    return da * (a * (1.0 - a))


WRONG_DERIVATIVES: dict[str, dict[str, Formula]] = {
    "relu": {
        "derivative 1 at exactly zero": lambda z, a, da: where(z >= 0.0, da, 0.0),
        "derivative 1/2 at exactly zero": lambda z, a, da: where(
            z > 0.0, da, where(z >= 0.0, 0.5 * da, 0.0)
        ),
        "z in place of its derivative": lambda z, a, da: da * a,
    },
    "leaky_relu": {
        "derivative 1 at exactly zero": lambda z, a, da, negative_slope: where(
            z >= 0.0, da, da * negative_slope
        ),
        "slope with the wrong sign": lambda z, a, da, negative_slope: where(
            z > 0.0, da, da * -negative_slope
        ),
    },
    "elu": {
        "a + 1 in place of a + alpha": lambda z, a, da, alpha: where(z > 0.0, da, da * (a + 1.0)),
        "e^z without alpha": lambda z, a, da, alpha: activations.elu_gradient(z, a, da),
        "a in place of a + alpha": lambda z, a, da, alpha: where(z > 0.0, da, da * a),
    },
    "sigmoid": {
        "a (1 + a)": lambda z, a, da: da * (a * (1.0 + a)),
        "a alone": lambda z, a, da: da * a,
        "1 - a alone": lambda z, a, da: da * (1.0 - a),
        "formed from z: z (1 - z)": lambda z, a, da: squashed(z, da),
        "sigmoid applied twice: s(a) (1 - s(a))": lambda z, a, da: squashed(
            activations.sigmoid(a), da
        ),
        "1 - a^2, that of tanh": lambda z, a, da: da * (1.0 - a * a),
    },
    "tanh": {
        "formed from z: 1 - z^2": lambda z, a, da: da * (1.0 - z * z),
        "1 - a, the square left out": lambda z, a, da: da * (1.0 - a),
        "tanh applied twice: 1 - tanh(a)^2": lambda z, a, da: da * (1.0 - tanh(a) * tanh(a)),
        "1 + a^2": lambda z, a, da: da * (1.0 + a * a),
        "a (1 - a), that of sigmoid": lambda z, a, da: squashed(a, da),
    },
    "gelu": {
        "Phi(z) without z phi(z)": lambda z, a, da: da * activations.normal_cdf(z),
        "that of the tanh approximation": activations.gelu_tanh_gradient,
    },
    "gelu_tanh": {"that of the erf form": activations.gelu_gradient},
    "silu": {
        "s alone": lambda z, a, da: da * activations.sigmoid(z),
        "s (1 - s), that of sigmoid": lambda z, a, da: squashed(activations.sigmoid(z), da),
        "s + z s, without (1 - s)": lambda z, a, da: da * (activations.sigmoid(z) * (1.0 + z)),
    },
    "softplus": {
        "sigmoid(-z)": lambda z, a, da, **o: da * activations.sigmoid(-z),
        "sigmoid without the threshold": lambda z, a, da, beta, threshold: (
            da * activations.sigmoid(beta * z)
        ),
    },
    "softmax": {
        "the diagonal alone: a (1 - a)": lambda z, a, da: squashed(a, da),
        "over the examples": lambda z, a, da: activations.softmax_gradient(z.T, a.T, da.T).T,
    },
}


def log_floor(x: Tracked, floor: float) -> Tracked:
    return maximum(log(x), floor)


def bce_with(p: Callable[[Tracked], Tracked], floor: float, A: Tracked, Y: Tracked) -> Tracked:
    a = p(A)
    terms = Y * log_floor(a, floor) + (1.0 - Y) * log_floor(1.0 - a, floor)
    return -(terms.sum() / float(A.value.size))


def clipped_to(eps: float) -> Callable[[Tracked], Tracked]:
    return lambda A: minimum(maximum(A, eps), 1.0 - eps)


BCE_VALUES: dict[str, Formula] = {
    f"probabilities clipped to [{eps:g}, 1 - {eps:g}]": partial(bce_with, clipped_to(eps), -100.0)
    for eps in (1e-7, 1e-15, 1e-12, 1e-10, 1e-8, 1e-6, 1e-5)
} | {
    f"{eps:g} added inside the logarithms": lambda A, Y, e=eps: -(
        (Y * log(A + e) + (1.0 - Y) * log(1.0 - A + e)).sum() / float(A.value.size)
    )
    for eps in (1e-7, 1e-15, 1e-12, 1e-10, 1e-8, 1e-5)
}  # fmt: skip
BCE_VALUES |= {
    "the logarithms not clamped at -100": lambda A, Y: (
        -((Y * log(A) + (1.0 - Y) * log(1.0 - A)).sum() / float(A.value.size))
    ),
    "the term (1 - y) log(1 - a) left out": lambda A, Y: (
        -((Y * log_floor(A, -100.0)).sum() / float(A.value.size))
    ),
    "labels in uint8: -1 is 255": lambda A, Y: (
        (where(Y > 0.0, 255.0, 0.0 * Y) * log(A) - (1.0 - Y) * log(1.0 - A)).sum()
        / float(A.value.size)
    ),
    "logarithm to base 2": lambda A, Y: losses.bce(A, Y) / float(np.log(2.0)),
}
LOSS_VALUES: dict[str, dict[str, Formula]] = {
    "mse": {
        "its root (RMSE)": lambda A, Y: sqrt(losses.mse(A, Y)),
        "broadcast: every prediction against every target": lambda A, Y: broadcast_mse(A, Y),
        "the sum of errors, not of their squares": lambda A, Y: (A - Y).sum() / float(A.value.size),
    },
    "bce": BCE_VALUES,
    "cross_entropy": {
        "softmax over the examples": lambda A, Y: (
            losses.cross_entropy(A.T, Y.T) * (A.shape[0] / A.shape[1])
        ),
        "softmax applied twice": lambda A, Y: losses.cross_entropy(activations.softmax(A), Y),
        "logits taken for probabilities": lambda A, Y: -((Y * log(A)).sum() / float(A.shape[1])),
    },
}
LOSS_VALUES["cross_entropy"] |= {
    f"{eps:g} added inside the logarithm": lambda A, Y, e=eps: (
        -((Y * log(activations.softmax(A) + e)).sum() / float(A.shape[1]))
    )
    for eps in (1e-12, 1e-10, 1e-9, 1e-8, 1e-15, 1e-7)
}


LOSS_VALUES["cross_entropy_on_probabilities"] = {
    "the mean over the elements": lambda A, Y: losses.cross_entropy_on_probabilities(A, Y) / float(A.shape[0]),
    "the sum over the examples": lambda A, Y: losses.cross_entropy_on_probabilities(A, Y) * float(A.shape[1]),
} | {
    f"{eps:g} added inside the logarithm": lambda A, Y, e=eps: -((Y * log(A + e)).sum() / float(A.shape[1]))
    for eps in (1e-12, 1e-10, 1e-9, 1e-8, 1e-15, 1e-7)
} | {
    f"probabilities clipped to [{eps:g}, 1 - {eps:g}]": lambda A, Y, e=eps: -(
        (Y * log(clipped_to(e)(A))).sum() / float(A.shape[1])
    )
    for eps in (1e-7, 1e-15, 1e-12, 1e-10, 1e-8, 1e-6)
}  # fmt: skip


def broadcast_mse(A: Tracked, Y: Tracked) -> Tracked:
    """Return the mean over all pairs (i, j) of (a_j - y_i)^2: (m, 1) against (1, m)."""
    r = A - Y.T
    return (r * r).sum() / float(r.value.size)


def loss_name(scene: Scene) -> tuple[str, dict[str, Any]]:
    formula = scene.last.formulas.loss[0]
    function = formula.func if isinstance(formula, partial) else formula
    given = formula.keywords if isinstance(formula, partial) else {}
    return function.__name__, given


def with_loss(formulas: Formulas, shown: Shown, *, index: int, formula: Formula) -> Formulas:
    pair = list(formulas.loss)
    pair[index] = formula
    return replace(formulas, loss=(pair[0], pair[1]))


def loss_values(scene: Scene) -> Iterator[Variant]:
    name, _ = loss_name(scene)
    for wrong, formula in LOSS_VALUES.get(name, {}).items():
        change = partial(with_loss, index=0, formula=formula)
        yield Variant(f"{name}: {wrong}", wrong, formulas=change)
    for other in names_of(losses):
        if other != name and compatible(name, other):
            change = partial(with_loss, index=0, formula=getattr(losses, other))
            yield Variant(f"{other} in place of {name}", other, name, formulas=change)
    yield Variant("the loss of the parameters after the update", "L(W_new)", "L of the W that gave the gradient",
                  direct=lambda r, s: after_update(scene, s))  # fmt: skip


def compatible(name: str, other: str) -> bool:
    labels = {"bce", "bce_with_logits", "cross_entropy", "cross_entropy_on_probabilities"}
    return (name in labels) == (other in labels)


def after_update(scene: Scene, shown: Shown) -> Tracked:
    """Return the loss of the batch at the parameters that this step arrived at."""
    from compare.judgement import stated

    state = {n: shown.trace.get(n, x) for n, x in shown.state.items()}
    values = stated(shown.formulas, {}, state, shown.X, shown.Y, own=False)
    return next(value for name, value in values if name == "loss")


def gradients_of_outputs(scene: Scene) -> Iterator[Variant]:
    """Yield the mistakes of dA at the output (the loss's gradient) and of dA behind a layer."""
    l = scene.layer
    if scene.kind == "dA" and l == len(scene.last.formulas.activations):
        yield from loss_gradients(scene)
        return
    W, dZ = f"W{l + 1}", f"dZ{l + 1}"
    right = f"dA{l} = {W}^T {dZ}, with {W} as it was in the forward pass"
    yield Variant(f"{W} is updated before dA{l} is computed", f"dA{l} = {W}_new^T {dZ}", right,
                  "two loops in one: update while going back",
                  then=lambda s: {W: s.now(W)} if W in s.trace else {})  # fmt: skip
    yield plain("only the first output unit contributes", lambda r, s: first_unit(r, W, dZ),
                f"dA{l} = w_1^T dz_1", right)  # fmt: skip
    for n, divisor in divisors(scene.last).items():
        if divisor != 1.0:
            yield Variant(f"the factor 1/{n} is kept in the output layer only",
                          f"dA{l} = {n} {W}^T {dZ}", right,
                          result=lambda x, s, d=divisor: x * d)  # fmt: skip


def first_unit(r: Operands, W: str, dZ: str) -> Tracked:
    w, d = r.before(W), r.read(dZ)
    u = w.u
    return Tracked(w.value[:1].T, None, u) @ Tracked(d.value[:1], None, u)


def loss_gradients(scene: Scene) -> Iterator[Variant]:
    name, _ = loss_name(scene)
    for wrong, formula in LOSS_GRADIENTS.get(name, {}).items():
        change = partial(with_loss, index=1, formula=formula)
        yield Variant(f"{name}: {wrong}", wrong, formulas=change)
    for other in names_of(losses):
        if other != name and compatible(name, other):
            change = partial(with_loss, index=1, formula=getattr(losses, other + "_gradient"))
            yield Variant(f"the gradient of {other}", formulas=change)


def guarded(A: Tracked, Y: Tracked, q: Tracked) -> Tracked:
    return (A - Y) / q / float(A.value.size)


LOSS_GRADIENTS: dict[str, dict[str, Formula]] = {
    "mse": {
        "broadcast: every prediction against the mean target": lambda A, Y: (
            (2.0 / A.value.size) * (A - Y.sum(axis=1) / float(A.shape[1]))
        ),
        "targets minus predictions": lambda A, Y: (2.0 / A.value.size) * (Y - A),
        "that of the root (RMSE)": lambda A, Y: losses.mse_gradient(A, Y) / (2.0 * sqrt(losses.mse(A, Y))),
    },
    "bce": {
        "no floor under a (1 - a)": lambda A, Y: guarded(A, Y, (1.0 - A) * A),
        "(a - y) / N: already the gradient at Z": lambda A, Y: (A - Y) / float(A.value.size),
        "the term of y = 0 left out: -y / a": lambda A, Y: -(Y / A) / float(A.value.size),
    }
    | {
        f"probabilities clipped to [{eps:g}, 1 - {eps:g}]": lambda A, Y, e=eps: guarded(
            clipped_to(e)(A), Y, (1.0 - clipped_to(e)(A)) * clipped_to(e)(A)
        )
        for eps in (1e-7, 1e-15, 1e-12, 1e-10, 1e-8, 1e-6)
    }
    | {
        f"{eps:g} added to a (1 - a)": lambda A, Y, e=eps: guarded(A, Y, (1.0 - A) * A + e)
        for eps in (1e-7, 1e-15, 1e-12, 1e-10, 1e-8)
    },
    "cross_entropy": {
        "softmax over the examples": lambda A, Y: (
            (activations.softmax(A.T).T - Y) / float(A.shape[1])
        ),
        "without softmax: a - y": lambda A, Y: (A - Y) / float(A.shape[1]),
        "without the target: softmax(a)": lambda A, Y: activations.softmax(A) / float(A.shape[1]),
    },
    "bce_with_logits": {"without the sigmoid: z - y": lambda A, Y: (A - Y) / float(A.value.size)},
}  # fmt: skip


def bias_gradients(scene: Scene) -> Iterator[Variant]:
    l = scene.layer
    right = f"db{l} = sum of dZ{l} over the examples"
    yield plain("the mean over the examples, not the sum",
                lambda r, s: r.read(f"dZ{l}").sum(axis=1) / float(s.X.shape[1]),
                f"db{l} = mean of dZ{l}", right, "1/m is already in dZ")  # fmt: skip
    yield plain("the first example alone",
                lambda r, s: column(r.read(f"dZ{l}"), 0), f"db{l} = dz of example 0", right)  # fmt: skip
    yield plain("the last example alone",
                lambda r, s: column(r.read(f"dZ{l}"), -1), f"db{l} = dz of the last example", right)  # fmt: skip
    yield plain("summed over everything",
                lambda r, s: r.read(f"dZ{l}").sum() + 0.0 * r.read(f"dZ{l}").sum(axis=1),
                f"db{l} = the sum of all of dZ{l}", right)  # fmt: skip
    yield plain(f"dA{l} summed in place of dZ{l}",
                lambda r, s: r.read(f"dA{l}").sum(axis=1), f"db{l} = sum of dA{l}", right)  # fmt: skip


def column(x: Tracked, j: int) -> Tracked:
    return Tracked(x.value[:, [j]], None, x.u)


def weight_gradients(scene: Scene) -> Iterator[Variant]:
    l = scene.layer
    source = "X" if l == 1 else f"A{l - 1}"
    right = f"dW{l} = dZ{l} {source}^T"
    wd = scene.last.formulas.hyperparameters.get("weight_decay")
    for wrong, factor in (("weight decay", 1.0), ("twice the weight decay", 2.0)):
        if wd:
            yield plain(f"{wrong} added to dW itself",
                        lambda r, s, f=factor: r.read(f"dZ{l}") @ r.read(source).T + f * wd * r.before(f"W{l}"),
                        f"dW{l} + wd W{l}", right)  # fmt: skip
    yield plain(f"dA{l} in place of dZ{l}", lambda r, s: r.read(f"dA{l}") @ r.read(source).T,
                f"dW{l} = dA{l} {source}^T", right)  # fmt: skip
    yield plain("the mean over the examples once more",
                lambda r, s: r.read(f"dZ{l}") @ r.read(source).T / float(s.X.shape[1]),
                f"dW{l} = dZ{l} {source}^T / m", right, "1/m is already in dZ")  # fmt: skip


def accumulations(scene: Scene) -> Iterator[Variant]:
    """Yield the gradients of micro-batches summed, or the sum never started anew."""
    n = scene.entry.removeprefix("a.")
    k = scene.last.formulas.accumulate

    def summed(r: Operands, s: Shown) -> Tracked:
        first = int(r.read("micro").value) == 1 or not r.has(f"a.{n}")
        return r.read(f"d{n}") if first else r.before(f"a.{n}") + r.read(f"d{n}")

    right = f"a.{n} = sum of d{n} / {k} over the {k} micro-batches"
    yield plain("the gradients of the micro-batches are summed, not averaged", summed,
                f"a.{n} = sum of d{n}", right, same="a learning rate k times as large")  # fmt: skip
    yield plain(
        "only the last micro-batch counts", lambda r, s: r.read(f"d{n}"), f"a.{n} = d{n}", right
    )
    yield plain("the sum is not started anew after the update",
                lambda r, s: r.before(f"a.{n}") + r.read(f"d{n}"), f"a.{n} goes on and on", right)  # fmt: skip


def clippings(scene: Scene) -> Iterator[Variant]:
    """Yield the ways of clipping by norm that are not torch's."""
    clip = scene.last.formulas.clip
    if not isinstance(clip, partial) or "max_norm" not in clip.keywords:
        return
    c = float(clip.keywords["max_norm"])
    right = "g min(c / (norm + 1e-6), 1), norm over all gradients together"
    for name, (formula, wrong) in CLIPS.items():
        yield plain(name, partial(clip_entry, scene=scene, c=c, formula=formula), wrong, right)


def gradients(r: Operands, s: Shown) -> dict[str, Tracked]:
    prefix = "a." if s.formulas.accumulate > 1 else "d"
    names = [n.removeprefix("g.") for n in s.trace if n.startswith("g.")]
    return {n: r.read(prefix + n) for n in names}


def square_sum(g: Tracked) -> Tracked:
    return (g * g).sum()


def clip_entry(r: Operands, s: Shown, *, scene: Scene, c: float, formula: Formula) -> Tracked:
    """Return the norm, or the clipped gradient, that `formula(gradients, c, name)` gives."""
    found = gradients(r, s)
    norm, factor = formula(found, r, c, scene.entry.removeprefix("g."))
    return norm if scene.entry == "norm" else found[scene.entry.removeprefix("g.")] * factor


def global_norm(g: Mapping[str, Tracked]) -> Tracked:
    return sqrt(total(*(square_sum(x) for x in g.values())))


def largest(g: Mapping[str, Tracked]) -> Tracked:
    top = max(float(np.abs(x.value).max()) for x in g.values())
    like = next(iter(g.values()))
    return Tracked(like.number(top), None, like.u)


def ratio(c: float, norm: Tracked, eps: float = 1e-6) -> Tracked:
    return minimum(c / (norm + eps), 1.0)


def shown_norm(g: Mapping[str, Tracked], r: Operands) -> Tracked:
    return r.read("norm").rounded() if "norm" in r.trace else global_norm(g)


CLIPS: dict[str, tuple[Formula, str]] = {
    "the coefficient without torch's 1e-6": (
        lambda g, r, c, n: (global_norm(g), ratio(c, shown_norm(g, r), 0.0)), "c / norm"),
    "always rescaled to the threshold": (
        lambda g, r, c, n: (global_norm(g), c / (shown_norm(g, r) + 1e-6)), "g c / (norm + 1e-6), no min with 1"),
    "always rescaled, without the 1e-6": (
        lambda g, r, c, n: (global_norm(g), c / shown_norm(g, r)), "g c / norm, no min with 1"),
    "the sum of the norms as the global norm": (
        lambda g, r, c, n: (sum_norms(g), ratio(c, sum_norms(g))), "norm = sum of the norms"),
    "the norm not rooted": (
        lambda g, r, c, n: (squares(g), ratio(c, squares(g))), "norm = sum of the squares"),
    "each gradient clipped by its own norm": (
        lambda g, r, c, n: (global_norm(g), ratio(c, sqrt(square_sum(g.get(n, next(iter(g.values()))))))),
        "g_k min(c / norm_k, 1)"),
    "each gradient clipped by its own norm, without the 1e-6": (
        lambda g, r, c, n: (global_norm(g), ratio(c, sqrt(square_sum(g.get(n, next(iter(g.values()))))), 0.0)),
        "g_k min(c / norm_k, 1)"),
    "the largest entry as the norm": (
        lambda g, r, c, n: (largest(g), ratio(c, largest(g))), "norm = max |g|"),
    "the sum of magnitudes as the norm": (
        lambda g, r, c, n: (one_norm(g), ratio(c, one_norm(g))), "norm = sum of |g|"),
    "clipping left out": (lambda g, r, c, n: (global_norm(g), 0.0 * global_norm(g) + 1.0), "g"),
    "the biases left out of the norm": (
        lambda g, r, c, n: (weights_norm(g), ratio(c, weights_norm(g))), "norm over the weights only"),
}  # fmt: skip


def sum_norms(g: Mapping[str, Tracked]) -> Tracked:
    return total(*(sqrt(square_sum(x)) for x in g.values()))


def squares(g: Mapping[str, Tracked]) -> Tracked:
    return total(*(square_sum(x) for x in g.values()))


def one_norm(g: Mapping[str, Tracked]) -> Tracked:
    return total(*(absolute(x).sum() for x in g.values()))


def weights_norm(g: Mapping[str, Tracked]) -> Tracked:
    return global_norm({n: x for n, x in g.items() if n[0] == "W"} or dict(g))


def normalizations(scene: Scene) -> Iterator[Variant]:
    """Yield the mistakes of batch norm, for the entries it computes."""
    options = scene.last.formulas.batch_norm
    if options is None or scene.layer == len(scene.last.formulas.activations):
        return
    l, eps = scene.layer, options.get("eps", 1e-5)
    momentum = options.get("momentum", 0.1)
    for name, (formula, wrong, right) in NORMALIZATIONS.get(scene.kind, {}).items():
        settled = partial(formula, l=l, eps=eps, momentum=momentum)
        yield plain(f"batch norm: {name}", lambda r, s, f=settled: f(r, s), wrong, right)


def mean(x: Tracked, axis: int = 1) -> Tracked:
    return x.sum(axis=axis) / float(x.shape[axis])


def Z(r: Operands, l: int) -> Tracked:
    return r.read(f"Z{l}")


def variance(r: Operands, l: int, less: int = 0) -> Tracked:
    d = Z(r, l) - r.read(f"mu{l}").rounded()
    return (d * d).sum(axis=1) / float(d.shape[1] - less)


def deviation(r: Operands, l: int, eps: float) -> Tracked:
    return sqrt(r.read(f"var{l}").rounded() + eps)


def upstream(r: Operands, l: int) -> Tracked:
    """Return the gradient at xhat: gamma dN."""
    d = r.read(f"dN{l}")
    return r.before(f"gamma{l}") * d if r.has(f"gamma{l}") else d


def bessel(s: Shown) -> float:
    m = s.X.shape[1]
    return m / (m - 1)


def blended(r: Operands, l: int, name: str, new: Tracked, weight: float) -> Tracked:
    return total((1.0 - weight) * r.before(f"{name}{l}"), weight * new)


def spread(r: Operands, l: int, scale: Tracked) -> Tracked:
    return (Z(r, l) - r.read(f"mu{l}").rounded()) / scale


def weight(momentum: float | None, r: Operands, l: int) -> float:
    return momentum if momentum is not None else 1.0 / (float(r.before(f"batches{l}").value) + 1.0)


Entry = dict[str, tuple[Formula, str, str]]
NORMALIZATIONS: dict[str, Entry] = {
    "mu": {
        "the running mean in training": (
            lambda r, s, l, **o: r.before(f"running_mean{l}"), "mu = running mean", "mu of the batch"),
        "statistics over the units (layer norm)": (
            lambda r, s, l, **o: mean(Z(r, l), 0), "mean over the units", "mean over the examples"),
    },
    "var": {
        "the unbiased variance": (
            lambda r, s, l, **o: variance(r, l, 1), "sum (z - mu)^2 / (m - 1)", "sum (z - mu)^2 / m"),
        "the running variance in training": (
            lambda r, s, l, **o: r.before(f"running_var{l}"), "var = running variance", "var of the batch"),
        "the mean of squares, the mean not subtracted": (
            lambda r, s, l, **o: mean(Z(r, l) * Z(r, l)), "mean of z^2", "mean of (z - mu)^2"),
        "the standard deviation": (
            lambda r, s, l, **o: sqrt(variance(r, l)), "sqrt(var)", "var"),
    },
    "xhat": {
        "epsilon outside the square root": (
            lambda r, s, l, eps, **o: spread(r, l, sqrt(r.read(f"var{l}").rounded()) + eps),
            "(z - mu) / (sqrt(var) + eps)", "(z - mu) / sqrt(var + eps)"),
        "epsilon left out": (
            lambda r, s, l, **o: spread(r, l, sqrt(r.read(f"var{l}").rounded())),
            "(z - mu) / sqrt(var)", "(z - mu) / sqrt(var + eps)"),
        "the square root left out": (
            lambda r, s, l, eps, **o: spread(r, l, r.read(f"var{l}").rounded() + eps),
            "(z - mu) / (var + eps)", "(z - mu) / sqrt(var + eps)"),
        "the unbiased variance": (
            lambda r, s, l, eps, **o: spread(r, l, sqrt(r.read(f"var{l}").rounded() * bessel(s) + eps)),
            "(z - mu) / sqrt(m / (m - 1) var + eps)", "the biased variance"),
        "the mean not subtracted": (
            lambda r, s, l, eps, **o: Z(r, l) / deviation(r, l, eps), "z / s", "(z - mu) / s"),
    },
    "running_mean": {
        "momentum is the weight of the old value": (
            lambda r, s, l, momentum, **o: blended(
                r, l, "running_mean", r.read(f"mu{l}").rounded(), 1.0 - weight(momentum, r, l)),
            "momentum old + (1 - momentum) new", "(1 - momentum) old + momentum new"),
        "not updated": (lambda r, s, l, **o: r.before(f"running_mean{l}"), "old", "old and new"),
        "the batch's alone": (lambda r, s, l, **o: r.read(f"mu{l}").rounded(), "new", "old and new"),
    },
    "running_var": {
        "momentum is the weight of the old value": (
            lambda r, s, l, momentum, **o: blended(
                r, l, "running_var", r.read(f"var{l}").rounded() * bessel(s), 1.0 - weight(momentum, r, l)),
            "momentum old + (1 - momentum) new", "(1 - momentum) old + momentum new"),
        "the biased variance is stored": (
            lambda r, s, l, momentum, **o: blended(
                r, l, "running_var", r.read(f"var{l}").rounded(), weight(momentum, r, l)),
            "var", "var m / (m - 1): torch stores the unbiased one"),
        "not updated": (lambda r, s, l, **o: r.before(f"running_var{l}"), "old", "old and new"),
        "the batch's alone": (
            lambda r, s, l, **o: r.read(f"var{l}").rounded() * bessel(s), "new", "old and new"),
        "the biased variance, momentum the weight of the old value": (
            lambda r, s, l, momentum, **o: blended(
                r, l, "running_var", r.read(f"var{l}").rounded(), 1.0 - weight(momentum, r, l)),
            "momentum old + (1 - momentum) var", "(1 - momentum) old + momentum var m / (m - 1)"),
    },
    "N": {
        "beta left out": (
            lambda r, s, l, **o: r.before(f"gamma{l}") * r.read(f"xhat{l}").rounded(),
            "gamma xhat", "gamma xhat + beta"),
        "gamma left out": (
            lambda r, s, l, **o: r.read(f"xhat{l}").rounded() + r.before(f"beta{l}"),
            "xhat + beta", "gamma xhat + beta"),
    },
    "dgamma": {
        "formed with the output in place of xhat": (
            lambda r, s, l, **o: (r.read(f"dN{l}") * r.read(f"N{l}")).sum(axis=1),
            "sum dN N", "sum dN xhat"),
        "formed with Z in place of xhat": (
            lambda r, s, l, **o: (r.read(f"dN{l}") * Z(r, l)).sum(axis=1), "sum dN z", "sum dN xhat"),
        "the mean, not the sum": (
            lambda r, s, l, **o: mean(r.read(f"dN{l}") * r.read(f"xhat{l}").rounded()),
            "mean of dN xhat", "sum dN xhat"),
    },
    "dbeta": {
        "the mean, not the sum": (lambda r, s, l, **o: mean(r.read(f"dN{l}")), "mean of dN", "sum of dN"),
        "formed with xhat": (
            lambda r, s, l, **o: (r.read(f"dN{l}") * r.read(f"xhat{l}").rounded()).sum(axis=1),
            "sum dN xhat", "sum of dN"),
    },
    "dZ": {
        "mean and variance taken as constants": (
            lambda r, s, l, eps, **o: upstream(r, l) / deviation(r, l, eps), "d / s",
            "(d - mean(d) - xhat mean(d xhat)) / s"),
        "the variance term left out": (
            lambda r, s, l, eps, **o: centred(upstream(r, l)) / deviation(r, l, eps),
            "(d - mean(d)) / s", "(d - mean(d) - xhat mean(d xhat)) / s"),
        "the mean term left out": (
            lambda r, s, l, eps, **o: (
                upstream(r, l) - r.read(f"xhat{l}").rounded() * mean(upstream(r, l) * r.read(f"xhat{l}").rounded())
            ) / deviation(r, l, eps), "(d - xhat mean(d xhat)) / s", "(d - mean(d) - xhat mean(d xhat)) / s"),
        "gamma left out": (
            lambda r, s, l, eps, **o: full(r, l, eps, r.read(f"dN{l}")), "dN in place of gamma dN",
            "d = gamma dN"),
        "epsilon left out": (
            lambda r, s, l, **o: full(r, l, 0.0, upstream(r, l)), "s = sqrt(var)", "s = sqrt(var + eps)"),
        "not divided by s": (
            lambda r, s, l, eps, **o: full(r, l, eps, upstream(r, l)) * deviation(r, l, eps),
            "d - mean(d) - xhat mean(d xhat)", "(d - mean(d) - xhat mean(d xhat)) / s"),
        "means over m - 1": (
            lambda r, s, l, eps, **o: full(r, l, eps, upstream(r, l), bessel(s)),
            "sums / (m - 1)", "sums / m"),
    },
}  # fmt: skip


def centred(d: Tracked) -> Tracked:
    return total(d, -mean(d))


def full(r: Operands, l: int, eps: float, d: Tracked, scale: float = 1.0) -> Tracked:
    """Return the whole gradient of batch norm for the gradient d at xhat."""
    xhat = r.read(f"xhat{l}").rounded(2.0)
    parts = total(d, -(scale * mean(d)), -(xhat * (scale * mean(d * xhat))))
    return parts / deviation(r, l, eps)
