r"""Mistakes of batch norm forward: the unbiased variance, epsilon's place, the statistics that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line
from compare.diagnosis.variant import Variant, plain
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import sqrt, total
from compare.formulas.stepping import Formulas
from compare.operands import Operands


@dataclass(frozen=True)
class Layer:
    """Batch norm of one layer as a formula sees it: its operands by name, and its options."""

    r: Operands
    s: Shown
    l: int

    def now(self, name: str) -> Tracked:
        """Return an operand of this step, as far as a program knows it that forms it anew."""
        return self.r.read(f"{name}{self.l}").rounded()

    def old(self, name: str) -> Tracked:
        return self.r.before(f"{name}{self.l}")

    @property
    def Z(self) -> Tracked:
        return self.r.read(f"Z{self.l}")

    @property
    def eps(self) -> float:
        return float((self.s.formulas.batch_norm or {}).get("eps", 1e-5))

    @property
    def weight(self) -> float:
        """Return the weight of the newest batch in the running statistics."""
        momentum = (self.s.formulas.batch_norm or {}).get("momentum", 0.1)
        batches = float(self.old("batches").value) + 1.0
        return 1.0 / batches if momentum is None else float(momentum)

    @property
    def first(self) -> bool:
        return float(self.old("batches").value) == 0.0

    @property
    def bessel(self) -> float:
        m = self.s.X.shape[1]
        return float(m / (m - 1))

    @property
    def s_(self) -> Tracked:
        return sqrt(self.now("var") + self.eps)

    def spread(self, scale: Tracked) -> Tracked:
        return (self.Z - self.now("mu")) / scale

    def squares(self, less: int = 0) -> Tracked:
        d = self.Z - self.now("mu")
        return (d * d).sum(axis=1) / float(d.shape[1] - less)

    def activated(self, x: Tracked) -> Tracked:
        return self.s.formulas.activations[self.l - 1][0](x)

    def scaled(self, xhat: Tracked) -> Tracked:
        affine = self.r.has(f"gamma{self.l}")
        return total(self.old("gamma") * xhat, self.old("beta")) if affine else xhat

    def blended(self, name: str, new: Tracked, weight: float) -> Tracked:
        return total((1.0 - weight) * self.old(name), weight * new)


def mean(x: Tracked, axis: int = 1) -> Tracked:
    return x.sum(axis=axis) / float(x.shape[axis])


def after_activation(b: Layer) -> Tracked:
    a = b.activated(b.Z)
    centred = a - mean(a)
    return b.scaled(centred / sqrt(mean(centred * centred) + b.eps))


def layer_norm(b: Layer) -> Tracked:
    centred = b.Z - mean(b.Z, 0)
    return centred / sqrt(mean(centred * centred, 0) + b.eps)


def everything(b: Layer) -> Tracked:
    N = float(b.Z.value.size)
    centred = b.Z - b.Z.sum() / N
    return centred / sqrt((centred * centred).sum() / N + b.eps)


def median(x: Tracked) -> Tracked:
    """Return the median of each row."""
    return Tracked(np.median(x.value, axis=1, keepdims=True), None, x.u)


OPTIONS: Mapping[str, Mapping[float, str]] = {
    "eps": {1e-3: "Keras", 1e-5: "torch's default", 1e-8: "", 1e-7: "", 1e-6: "", 1e-12: ""},
    "momentum": {0.1: "torch's default", 0.01: "Keras' 0.99 turned round", 0.9: "", 0.99: "",
                 0.001: "", 0.05: "", 0.5: ""},
}  # fmt: skip
DEFAULTS: Mapping[str, float] = {"eps": 1e-5, "momentum": 0.1}
Form = tuple[Callable[[Layer], Tracked], str]
RUNNING_MEAN: dict[str, Form] = {
    "momentum is the weight of the old value": (
        lambda b: b.blended("running_mean", b.now("mu"), 1.0 - b.weight),
        "momentum * old + (1 - momentum) * new"),
    "not updated": (lambda b: b.old("running_mean"), "old"),
    "the batch's alone": (lambda b: b.now("mu"), "new"),
    "summed, not averaged": (
        lambda b: total(b.old("running_mean"), b.weight * b.now("mu")), "old + momentum * new"),
    "the first batch's as it is, blended from then on": (
        lambda b: b.now("mu") if b.first else b.blended("running_mean", b.now("mu"), b.weight),
        "new at the first step"),
}  # fmt: skip
RUNNING_VAR: dict[str, Form] = {
    "momentum is the weight of the old value": (
        lambda b: b.blended("running_var", b.now("var") * b.bessel, 1.0 - b.weight),
        "momentum * old + (1 - momentum) * new"),
    "the biased variance is stored": (
        lambda b: b.blended("running_var", b.now("var"), b.weight), "var, not var * m / (m - 1)"),
    "the biased variance, momentum the weight of the old value": (
        lambda b: b.blended("running_var", b.now("var"), 1.0 - b.weight),
        "momentum * old + (1 - momentum) * var"),
    "not updated": (lambda b: b.old("running_var"), "old"),
    "the batch's alone": (lambda b: b.now("var") * b.bessel, "new"),
    "the batch's alone, biased": (lambda b: b.now("var"), "var"),
    "it starts at 0, not at 1": (
        lambda b: b.weight * (b.now("var") * b.bessel) if b.first
        else b.blended("running_var", b.now("var") * b.bessel, b.weight), "running_var = zeros"),
    "the first batch's as it is, blended from then on": (
        lambda b: b.now("var") * b.bessel if b.first
        else b.blended("running_var", b.now("var") * b.bessel, b.weight), "new at the first step"),
    "the biased standard deviation is kept": (
        lambda b: b.blended("running_var", sqrt(b.now("var")), b.weight), "sqrt(var)"),
    "the standard deviation is kept": (
        lambda b: b.blended("running_var", sqrt(b.now("var") * b.bessel), b.weight), "sqrt(var)"),
    "corrected the wrong way round: (m - 1) / m": (
        lambda b: b.blended("running_var", b.now("var") / b.bessel, b.weight),
        "var * (m - 1) / m"),
}  # fmt: skip
FORMS: Mapping[str, dict[str, Form]] = {
    "A": {
        "after the activation, not before it": (
            lambda b: after_activation(b), "gamma * (g(Z) - mean) / np.sqrt(var + eps) + beta"),
        "its output in evaluation mode": (
            lambda b: b.activated(b.scaled((b.Z - b.old("running_mean")) / sqrt(b.old("running_var") + b.eps))),
            "g(gamma * (Z - running_mean) / np.sqrt(running_var + eps) + beta)"),
    },
    "mu": {
        "the running mean in training": (lambda b: b.old("running_mean"), "mu = running_mean"),
        "statistics over the units (layer norm)": (
            lambda b: mean(b.Z, 0) + 0.0 * b.Z, "Z.mean(axis=0)"),
        "after the activation, not before it": (
            lambda b: mean(b.activated(b.Z)), "g(Z).mean(axis=1)"),
        "the median": (lambda b: median(b.Z), "np.median(Z, axis=1)"),
        "the mean over everything": (
            lambda b: b.Z.sum() / float(b.Z.value.size) + 0.0 * mean(b.Z), "Z.mean()"),
    },
    "var": {
        "the unbiased variance": (lambda b: b.squares(1), "Z.var(axis=1, ddof=1)"),
        "the running variance in training": (lambda b: b.old("running_var"), "var = running_var"),
        "the mean of squares, the mean not subtracted": (
            lambda b: mean(b.Z * b.Z), "(Z**2).mean(axis=1)"),
        "the standard deviation": (lambda b: sqrt(b.squares()), "Z.std(axis=1)"),
        "epsilon already added": (lambda b: b.squares() + b.eps, "Z.var(axis=1) + eps"),
        "around the running mean": (
            lambda b: mean((b.Z - b.old("running_mean")) * (b.Z - b.old("running_mean"))),
            "((Z - running_mean)**2).mean(axis=1)"),
        "summed, not averaged": (
            lambda b: b.squares() * float(b.Z.shape[1]), "((Z - mu)**2).sum(axis=1)"),
    },
    "xhat": {
        "epsilon outside the square root": (
            lambda b: b.spread(sqrt(b.now("var")) + b.eps), "(Z - mu) / (np.sqrt(var) + eps)"),
        "epsilon left out": (lambda b: b.spread(sqrt(b.now("var"))), "(Z - mu) / np.sqrt(var)"),
        "the square root left out": (
            lambda b: b.spread(b.now("var") + b.eps), "(Z - mu) / (var + eps)"),
        "the unbiased variance": (
            lambda b: b.spread(sqrt(b.now("var") * b.bessel + b.eps)),
            "(Z - mu) / np.sqrt(var * m / (m - 1) + eps)"),
        "the mean not subtracted": (lambda b: b.Z / b.s_, "Z / np.sqrt(var + eps)"),
        "not divided by the deviation": (lambda b: b.Z - b.now("mu"), "Z - mu"),
        "over the units, as in layer norm": (
            lambda b: layer_norm(b), "(Z - Z.mean(axis=0)) / np.sqrt(Z.var(axis=0) + eps)"),
        "over everything": (
            lambda b: everything(b), "(Z - Z.mean()) / np.sqrt(Z.var() + eps)"),
        "by the running statistics in training": (
            lambda b: (b.Z - b.old("running_mean")) / sqrt(b.old("running_var") + b.eps),
            "(Z - running_mean) / np.sqrt(running_var + eps)"),
    },
    "N": {
        "beta left out": (lambda b: b.old("gamma") * b.now("xhat"), "gamma * xhat"),
        "gamma left out": (lambda b: b.now("xhat") + b.old("beta"), "xhat + beta"),
        "1 + gamma in place of gamma": (
            lambda b: (1.0 + b.old("gamma")) * b.now("xhat") + b.old("beta"),
            "(1 + gamma) * xhat + beta"),
        "gamma and beta swapped": (
            lambda b: b.old("beta") * b.now("xhat") + b.old("gamma"), "beta * xhat + gamma"),
        "gamma applied to beta too": (
            lambda b: b.old("gamma") * (b.now("xhat") + b.old("beta")), "gamma * (xhat + beta)"),
    },
    "running_mean": RUNNING_MEAN,
    "running_var": RUNNING_VAR,
}  # fmt: skip


def normalizations(scene: Scene) -> Iterator[Variant]:
    """Yield the mistakes of batch norm in the forward pass, and its options at other frameworks' values."""
    yield from formed(scene, FORMS)
    if scene.kind != "A":
        yield from reoptioned(scene)


def reoptioned(scene: Scene) -> Iterator[Variant]:
    """Yield batch norm with its epsilon or momentum at a value that people confuse it with."""
    given = scene.last.formulas.batch_norm or {}
    for option, values in OPTIONS.items():
        value = given.get(option, DEFAULTS[option])
        for other, source in values.items():
            turned = option == "momentum" and value is not None and abs(other - 1.0 + value) < 1e-9
            if other != value and not turned:  # turned round: a form of the running statistics
                told, asked = f"{option}={other:g}", f"{option}={value}"
                yield Variant(
                    f"batch norm with {told} where {asked} was asked for", told, asked, source,
                    formulas=partial(optioned, option=option, value=other),
                )  # fmt: skip


def optioned(formulas: Formulas, shown: Shown, *, option: str, value: float) -> Formulas:
    return replace(formulas, batch_norm={**(formulas.batch_norm or {}), option: value})


def formed(scene: Scene, forms: Mapping[str, dict[str, Form]]) -> Iterator[Variant]:
    """Yield the wrong forms of the suspected entry."""
    if scene.last.formulas.batch_norm is None or scene.layer >= scene.depth:
        return
    l = scene.layer
    for name, (formula, wrong) in forms.get(scene.kind, {}).items():
        entry = partial(evaluated, formula=formula, l=l)
        yield plain(f"batch norm: {name}", entry, f"{scene.entry} = {wrong}", line(scene))


def evaluated(r: Operands, s: Shown, *, formula: Callable[[Layer], Tracked], l: int) -> Tracked:
    return formula(Layer(r, s, l))
