r"""A mistake in an update rule: one switch of its family turned, and the words for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from compare.diagnosis.generic.settings import rule_defaults
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.variant import Variant
from compare.formulas.arithmetic import Tracked
from compare.formulas.optimizers.terms import Slots, counted, held, number
from compare.formulas.stepping import Expected, Formulas

Rule = Callable[..., Expected]


@dataclass(frozen=True)
class Mistake:
    """One switch turned, in the words of its formula; `needs` names an option without which it shows nothing."""

    switch: Mapping[str, Any]
    name: str
    wrong: str
    right: str
    source: str = ""
    same_as: str = ""
    needs: str = ""
    apart: bool = False  # of each parameter by itself: it mixes its entries

    def shows(self, options: Mapping[str, Any]) -> bool:
        same = self.switch.get("epsilon") == f"inside {options.get('eps', 0.0):g}"
        return not same and (not self.needs or bool(options.get(self.needs)))

    def variant(self, rule: Rule) -> Variant:
        change = partial(turned, rule=rule, switch=dict(self.switch), apart=self.apart)
        return Variant(
            self.name, self.wrong, self.right, self.source, self.same_as, formulas=change
        )


def decays(right: str = "g = g + wd * W", *, decoupled: bool = False) -> Sequence[Mistake]:
    """Return the mistakes of weight decay: of the penalty in the gradient, or of the decay apart from it."""
    forms = APART if decoupled else COUPLED
    return [
        Mistake({"weight": form}, name, wrong, right, source, same, "weight_decay")
        for form, name, wrong, source, same in forms
    ]


COUPLED = (
    ("decoupled", "weight decay decoupled from the gradient", "W = (1 - lr * wd) * W",
     "AdamW; for plain gradient descent they are the same", ""),
    ("over m", "weight decay divided by the number of examples", "g + wd / m * W",
     "scikit-learn's alpha", "a weight_decay of wd / m"),
    ("half", "weight decay halved", "g + wd / 2 * W", "", "a weight_decay of wd / 2"),
    ("double", "weight decay doubled", "g + 2 * wd * W", "the gradient of wd |W|^2",
     "a weight_decay of 2 wd"),
    ("times lr", "weight decay multiplied by the learning rate once too often",
     "g + lr * wd * W", "", "a weight_decay of lr wd"),
    ("l1", "an L1 penalty", "g + wd * np.sign(W)", "", ""),
    ("sign", "weight decay with the wrong sign", "g - wd * W", "", ""),
    ("none", "weight decay left out", "g", "", "weight_decay=0"),
    ("after", "weight decay added after the averages, to the step", "W - lr * (step + wd * W)",
     "", ""),
    ("no lr", "weight decay apart, not multiplied by the learning rate", "W = (1 - wd) * W",
     "the paper of AdamW", ""),
    ("updated", "weight decay applied to the updated parameter", "W = W_new - lr * wd * W_new",
     "regularisation as a second step of its own", ""),
)  # fmt: skip
APART = (
    ("coupled", "weight decay added to the gradient, as an L2 term", "g = g + wd * W",
     "Adam's weight_decay; Loshchilov and Hutter 2019 tell them apart",
     "Adam with the same weight_decay"),
    ("no lr", "decay not multiplied by the learning rate", "W = (1 - wd) * W",
     "the paper's schedule multiplier; TensorFlow Addons", "a weight_decay of wd / lr"),
    ("after", "decay applied to the updated parameter", "W = W_new - lr * wd * W_new",
     "the order of the two: torch decays first", ""),
    ("both", "weight decay both in the gradient and apart", "g + wd * W, and W = (1 - lr * wd) * W", "", ""),
    ("at the step", "decay scaled by the bias corrected step size",
     "W * (1 - lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) * wd)", "", ""),
    ("divided", "decay divided by the root too", "W - lr * (mhat + wd * W) / (np.sqrt(vhat) + eps)",
     "", ""),
    ("sign decoupled", "decay with the wrong sign", "W = (1 + lr * wd) * W", "", ""),
    ("none", "weight decay left out", "no decay", "", "weight_decay=0"),
)  # fmt: skip
ASCENTS = (
    Mistake({"weight": "not ascending"}, "maximize is ignored", "g", "-g", "",
            "maximize=False", "maximize"),
    Mistake({"weight": "ascended too"}, "the penalty is ascended as well", "-(g + wd * W)",
            "-g + wd * W", "", "", "maximize"),
)  # fmt: skip


FALLING = tuple(
    Mistake({"falling": power}, name, wrong, "W - lr * d", source)
    for power, name, wrong, source in (
        (0.5, "the learning rate falls with the root of the step", "W - lr / np.sqrt(t) * d",
         "Zinkevich 2003; Kingma and Ba 2015, theorem 4.1"),
        (1.0, "the learning rate falls with the step", "W - lr / t * d", "Robbins and Monro 1951"),
    )
)  # fmt: skip


def falling(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *, rule: Rule, power: float, **o: Any
) -> Expected:
    """Return the step of a rule whose learning rate is divided by a power of the number of steps taken."""
    t = new("t") or counted(old("t"), p)
    yield from rule(p, g, old, new, **{**o, "lr": o["lr"] / float(t.value.flat[0]) ** power})


def settled(p: Tracked, g: Tracked, old: Slots, new: Slots, *, rule: Rule, **o: Any) -> Expected:
    """Return the step of a rule without decay, and the updated parameter decayed after it."""
    kept = held(1.0 - number(o["lr"]) * number(o["weight_decay"]), p)
    for slot, x in rule(p, g, old, new, **{**o, "weight": "none"}):
        yield slot, x if slot else kept * x


def turned(
    formulas: Formulas, shown: Shown, *, rule: Rule, switch: Mapping[str, Any], apart: bool = False
) -> Formulas:
    """Return the formulas with one switch of the rule turned."""
    options = rule_defaults(formulas) | dict(formulas.hyperparameters)
    name = formulas.rule.__name__
    shrinking = name == "adamw" or options.pop("decoupled_weight_decay", False)
    settings = {"weight": "decoupled"} if shrinking else {}
    if switch.get("weight") == "updated":
        rule = partial(settled, rule=rule)
    if power := switch.get("falling"):
        rule, switch = partial(falling, rule=rule, power=power), {}
    chosen = partial(rule, **{**settings, **switch, "m": shown.X.shape[1]})
    chosen.__name__ = name  # type: ignore[attr-defined]
    return replace(formulas, rule=chosen, hyperparameters=options, apart=apart)


def decoupled(scene: Scene) -> bool:
    """Tell whether the rule decays the parameters apart from the gradient."""
    formulas = scene.last.formulas
    apart = formulas.hyperparameters.get("decoupled_weight_decay", False)
    return formulas.rule.__name__ == "adamw" or bool(apart)
