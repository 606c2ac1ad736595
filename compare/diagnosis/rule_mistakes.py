r"""The table of mistakes in update rules: which switch of `compare.diagnosis.rules` each one turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from compare.diagnosis import rules
from compare.diagnosis.generic import rule_defaults
from compare.diagnosis.scene import Scene, Shown, Variant
from compare.formulas.stepping import Formulas
from compare.traces import parameters

ADAMS = ("adam", "adamw")
DECAYED = ("sgd", "momentum", "adagrad", "rmsprop", "adam")
FAMILY = {
    "sgd": rules.sgd,
    "momentum": rules.sgd,
    "adagrad": rules.adagrad,
    "rmsprop": rules.rmsprop,
    "adam": rules.adam,
    "adamw": rules.adam,
}


@dataclass(frozen=True)
class Mistake:
    """One switch turned, in the words of its formula."""

    rules: tuple[str, ...]
    switch: Mapping[str, Any]
    name: str
    wrong: str
    right: str
    source: str = ""
    same_as: str = ""


MISTAKES = (
    Mistake(("sgd", "momentum"), {"velocity": "dampened first"}, "dampening applied at the first step",
            "m_1 = (1 - dampening) g", "m_1 = g; dampening from the second step on",
            "torch.optim.SGD clones the first gradient"),
    Mistake(("sgd", "momentum"), {"velocity": "lr inside"}, "learning rate inside the velocity",
            "m = mu m + lr g; W = W - m", "m = mu m + g; W = W - lr m",
            "Sutskever et al. 2013, Keras", "the same while lr is constant, other once it changes"),
    Mistake(("sgd", "momentum"), {"velocity": "average"}, "momentum as a moving average",
            "m = mu m + (1 - mu) g", "m = mu m + (1 - dampening) g",
            "the form with dampening = mu", "a learning rate (1 - mu) times as large"),
    Mistake(("sgd", "momentum"), {"velocity": "forgotten"}, "the velocity starts anew at every step",
            "m = g", "m = mu m + g", "state created inside the step"),
    Mistake(("sgd", "momentum"), {"velocity": "undecayed"}, "the velocity is not decayed",
            "m = m + g", "m = mu m + g"),
    Mistake(("sgd", "momentum"), {"velocity": "alias"}, "the velocity aliases the gradient array",
            "m_1 = g, the same array: m = mu g + g later", "m_1 = g.copy()"),
    Mistake(("sgd", "momentum"), {"velocity": "alias, scaled"}, "the velocity aliases the gradient array, scaled in place",
            "m_1 = g, the same array; m *= mu; m += g gives 2 mu g", "m_1 = g.copy()"),
    Mistake(("sgd", "momentum"), {"nesterov_form": "old"}, "Nesterov with the old velocity",
            "d = g + mu m_(t-1)", "d = g + mu m_t", "torch.optim.SGD looks ahead with the new one"),
    Mistake(("sgd", "momentum"), {"nesterov_form": "none"}, "Nesterov's look-ahead left out",
            "W = W - lr m", "W = W - lr (g + mu m)", same_as="nesterov=False"),
    Mistake(("adagrad",), {"epsilon": "inside"}, "epsilon inside the square root",
            "g / sqrt(s + eps)", "g / (sqrt(s) + eps)", "Duchi et al. put it there; torch outside"),
    Mistake(("adagrad",), {"epsilon": "none"}, "epsilon left out", "g / sqrt(s)", "g / (sqrt(s) + eps)"),
    Mistake(("adagrad",), {"epsilon": "no root"}, "the square root left out",
            "g / (s + eps)", "g / (sqrt(s) + eps)"),
    Mistake(("adagrad",), {"rate": "t"}, "lr_decay one step early",
            "lr / (1 + t lr_decay)", "lr / (1 + (t - 1) lr_decay)"),
    Mistake(("adagrad",), {"rate": "none"}, "lr_decay left out", "lr", "lr / (1 + (t - 1) lr_decay)"),
    Mistake(("adagrad",), {"start": "0.1"}, "the accumulator starts at 0.1",
            "s_0 = 0.1", "s_0 = initial_accumulator_value", "Keras, optax",
            "initial_accumulator_value=0.1"),
    Mistake(("adagrad",), {"start": "no sum"}, "squares are not summed", "s = g^2", "s = s + g^2"),
    Mistake(("rmsprop",), {"epsilon": "inside"}, "epsilon inside the square root",
            "g / sqrt(s + eps)", "g / (sqrt(s) + eps)", "Keras, optax and many texts; torch outside"),
    Mistake(("rmsprop",), {"epsilon": "none"}, "epsilon left out", "g / sqrt(s)", "g / (sqrt(s) + eps)"),
    Mistake(("rmsprop",), {"epsilon": "maximum"}, "epsilon as a floor",
            "g / max(sqrt(s), eps)", "g / (sqrt(s) + eps)"),
    Mistake(("rmsprop",), {"epsilon": "no root"}, "the square root left out",
            "g / (s + eps)", "g / (sqrt(s) + eps)"),
    Mistake(("rmsprop",), {"average": "swapped"}, "the weights of the average swapped",
            "s = (1 - alpha) s + alpha g^2", "s = alpha s + (1 - alpha) g^2", "", "alpha -> 1 - alpha"),
    Mistake(("rmsprop",), {"average": "sum"}, "the new square not weighted",
            "s = alpha s + g^2", "s = alpha s + (1 - alpha) g^2"),
    Mistake(("rmsprop",), {"average": "first whole"}, "the average starts with the first square whole",
            "s_1 = g^2", "s_1 = (1 - alpha) g^2"),
    Mistake(("rmsprop",), {"start": "one"}, "the average starts at 1", "s_0 = 1", "s_0 = 0",
            "TensorFlow 1's RMSProp"),
    Mistake(("rmsprop",), {"squared": "|g|"}, "the gradient is not squared",
            "s = alpha s + (1 - alpha) |g|", "s = alpha s + (1 - alpha) g^2"),
    Mistake(("rmsprop",), {"centring": "ignored"}, "centred, but the mean is not subtracted",
            "sqrt(s) + eps", "sqrt(s - ga^2) + eps", same_as="centered=False"),
    Mistake(("rmsprop",), {"centring": "not squared"}, "the mean gradient is not squared",
            "sqrt(s - ga) + eps", "sqrt(s - ga^2) + eps"),
    Mistake(("rmsprop",), {"velocity": "lr inside"}, "learning rate inside the momentum buffer",
            "m = mu m + lr d; W = W - m", "m = mu m + d; W = W - lr m", "TensorFlow",
            "the same while lr is constant"),
    Mistake(ADAMS, {"epsilon": "hat"}, "epsilon added before the bias correction (epsilon hat)",
            "sqrt(v) + eps, then / sqrt(1 - beta2^t)", "sqrt(v) / sqrt(1 - beta2^t) + eps",
            "Kingma and Ba's efficient form; TensorFlow, scikit-learn"),
    Mistake(ADAMS, {"epsilon": "inside"}, "epsilon inside the square root",
            "sqrt(vhat + eps)", "sqrt(vhat) + eps", "optax's eps_root"),
    Mistake(ADAMS, {"epsilon": "inside hat"}, "epsilon inside the square root, before the correction",
            "sqrt(v + eps) / sqrt(1 - beta2^t)", "sqrt(v) / sqrt(1 - beta2^t) + eps"),
    Mistake(ADAMS, {"epsilon": "none"}, "epsilon left out", "sqrt(vhat)", "sqrt(vhat) + eps"),
    Mistake(ADAMS, {"epsilon": "maximum"}, "epsilon as a floor", "max(sqrt(vhat), eps)", "sqrt(vhat) + eps"),
    Mistake(ADAMS, {"epsilon": "no root"}, "the square root left out", "vhat + eps", "sqrt(vhat) + eps"),
    Mistake(ADAMS, {"epsilon": "uncorrected root"}, "v corrected outside its root",
            "sqrt(v) / (1 - beta2^t)", "sqrt(v / (1 - beta2^t))"),
    Mistake(ADAMS, {"correction": "none"}, "no bias correction", "m / (sqrt(v) + eps)",
            "mhat / (sqrt(vhat) + eps)"),
    Mistake(ADAMS, {"correction": "late"}, "bias correction one step late", "1 - beta^(t+1)",
            "1 - beta^t, t from 1"),
    Mistake(ADAMS, {"correction": "early"}, "bias correction one step early", "1 - beta^(t-1)",
            "1 - beta^t, t from 1"),
    Mistake(ADAMS, {"correction": "no power"}, "bias correction without the power t", "1 - beta",
            "1 - beta^t"),
    Mistake(ADAMS, {"correction": "same beta"}, "beta1 in both bias corrections",
            "vhat = v / (1 - beta1^t)", "vhat = v / (1 - beta2^t)"),
    Mistake(ADAMS, {"correction": "second beta"}, "beta2 in both bias corrections",
            "mhat = m / (1 - beta2^t)", "mhat = m / (1 - beta1^t)"),
    Mistake(ADAMS, {"correction": "swapped"}, "the bias corrections swapped",
            "mhat = m / (1 - beta2^t), vhat = v / (1 - beta1^t)", "each with its own beta"),
    Mistake(ADAMS, {"correction": "first only"}, "the second moment is not bias corrected",
            "mhat / (sqrt(v) + eps)", "mhat / (sqrt(vhat) + eps)"),
    Mistake(ADAMS, {"correction": "second only"}, "the first moment is not bias corrected",
            "m / (sqrt(vhat) + eps)", "mhat / (sqrt(vhat) + eps)"),
    Mistake(ADAMS, {"correction": "not subtracted"}, "the corrections divide by beta^t",
            "m / beta1^t", "m / (1 - beta1^t)"),
    Mistake(ADAMS, {"squared": "m"}, "second moment of m in place of g",
            "v = beta2 v + (1 - beta2) m^2", "v = beta2 v + (1 - beta2) g^2"),
    Mistake(ADAMS, {"squared": "|g|"}, "the gradient is not squared",
            "v = beta2 v + (1 - beta2) |g|", "v = beta2 v + (1 - beta2) g^2"),
    Mistake(("adam",), {"squared": "undecayed g"}, "weight decay missing from the second moment",
            "v of g, m of g + wd W", "both of g + wd W"),
    Mistake(ADAMS, {"first": "sum"}, "the new gradient not weighted", "m = beta1 m + g",
            "m = beta1 m + (1 - beta1) g"),
    Mistake(ADAMS, {"second": "sum"}, "the new square not weighted", "v = beta2 v + g^2",
            "v = beta2 v + (1 - beta2) g^2"),
    Mistake(ADAMS, {"first": "swapped"}, "the weights of the first average swapped",
            "m = (1 - beta1) m + beta1 g", "m = beta1 m + (1 - beta1) g", "", "beta1 -> 1 - beta1"),
    Mistake(ADAMS, {"second": "swapped"}, "the weights of the second average swapped",
            "v = (1 - beta2) v + beta2 g^2", "v = beta2 v + (1 - beta2) g^2", "", "beta2 -> 1 - beta2"),
    Mistake(ADAMS, {"first": "first whole"}, "m starts with the first gradient whole", "m_1 = g",
            "m_1 = (1 - beta1) g"),
    Mistake(ADAMS, {"second": "first whole"}, "v starts with the first square whole", "v_1 = g^2",
            "v_1 = (1 - beta2) g^2"),
    Mistake(ADAMS, {"maximal": "corrected"}, "AMSGrad's maximum over corrected moments",
            "max(vmax, vhat)", "max(vmax, v), corrected afterwards", "Reddi et al. leave it open; torch: raw v"),
    Mistake(("adamw",), {"weight": "coupled"}, "AdamW written as Adam with an L2 term",
            "g + wd W into the moments", "W = (1 - lr wd) W, moments of g alone",
            "Loshchilov and Hutter 2019", "Adam with the same weight_decay"),
    Mistake(("adamw",), {"weight": "no lr"}, "decay not multiplied by the learning rate",
            "W = (1 - wd) W", "W = (1 - lr wd) W", "the paper's schedule multiplier; TensorFlow Addons",
            "a weight_decay of wd / lr"),
    Mistake(("adamw",), {"weight": "after"}, "decay applied to the updated parameter",
            "W = W_new - lr wd W_new", "decay first, then the step"),
    Mistake(DECAYED, {"weight": "decoupled"}, "weight decay decoupled from the gradient",
            "W = (1 - lr wd) W", "g = g + wd W", "AdamW; for plain SGD they are the same"),
    Mistake(DECAYED, {"weight": "over m"}, "weight decay divided by the number of examples",
            "g + (wd / m) W", "g + wd W", "scikit-learn's alpha", "a weight_decay of wd / m"),
    Mistake(DECAYED, {"weight": "half"}, "weight decay halved", "g + (wd / 2) W", "g + wd W", "",
            "a weight_decay of wd / 2"),
    Mistake(DECAYED, {"weight": "double"}, "weight decay doubled", "g + 2 wd W", "g + wd W",
            "the gradient of wd |W|^2", "a weight_decay of 2 wd"),
    Mistake(DECAYED, {"weight": "l1"}, "an L1 penalty", "g + wd sign(W)", "g + wd W"),
    Mistake(DECAYED, {"weight": "sign"}, "weight decay with the wrong sign", "g - wd W", "g + wd W"),
    Mistake(DECAYED, {"weight": "none"}, "weight decay left out", "g", "g + wd W"),
    Mistake(("sgd", "momentum"), {"weight": "after"}, "weight decay added after the momentum",
            "W - lr (m + wd W)", "m of g + wd W"),
)  # fmt: skip


def mistakes(scene: Scene) -> Iterator[Variant]:
    """Yield the mistakes that the rule of this scene can have."""
    if not scene.slots:
        return
    rule = scene.last.formulas.rule.__name__
    yield from counters(scene)
    for mistake in MISTAKES:
        if rule in mistake.rules and needed(mistake, scene):
            change = partial(turned, rule=rule, switch=dict(mistake.switch))
            yield Variant(
                mistake.name,
                mistake.wrong,
                mistake.right,
                mistake.source,
                mistake.same_as,
                formulas=change,
            )


def counters(scene: Scene) -> Iterator[Variant]:
    """Yield one step counter for all parameters, counted once for each of them."""
    if scene.kind == "t":
        names = parameters(scene.last.state)
        place = names.index(scene.entry.removeprefix("t.")) + 1
        yield Variant(
            "the step counter is shared, and counted once a parameter",
            "t = t + 1 inside the loop over the parameters",
            "t = t + 1 once a step",
            direct=lambda r, s: (
                r.before(f"t.{names[-1]}") + float(place)
                if r.has(f"t.{names[-1]}")
                else 0.0 * s.then(names[0]).sum() + float(place)
            ),
        )


def needed(mistake: Mistake, scene: Scene) -> bool:
    """Tell whether the switch turns anything here: no decay mistake where there is no decay."""
    options = rule_defaults(scene.last.formulas) | dict(scene.last.formulas.hyperparameters)
    return "weight" not in mistake.switch or bool(options.get("weight_decay"))


def turned(formulas: Formulas, shown: Shown, *, rule: str, switch: Mapping[str, Any]) -> Formulas:
    """Return the formulas with one switch of the rule turned."""
    options = rule_defaults(formulas) | dict(formulas.hyperparameters)
    family = FAMILY[rule]
    settings = {"weight": "decoupled"} if rule == "adamw" else {}
    if options.pop("decoupled_weight_decay", False):
        settings = {"weight": "decoupled"}
    if rule == "momentum":
        options.setdefault("momentum", 0.9)
    chosen = partial(family, **{**settings, **switch, "m": shown.X.shape[1]})
    return replace(formulas, rule=named(chosen, rule), hyperparameters=options)


def named(rule: Any, name: str) -> Any:
    rule.__name__ = name
    return rule
