r"""The penalty of weight decay reported in the loss: half of it or all, per example or not, biases with it or not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from compare.diagnosis.network.gradients import PENALTIES
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line
from compare.diagnosis.variant import Variant
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import total


def penalised_losses(scene: Scene) -> Iterator[Variant]:
    """Yield the loss with the penalty added that the rule's weight decay is the gradient of."""
    wd = float(scene.last.formulas.hyperparameters.get("weight_decay") or 0.0)
    m = float(scene.last.X.shape[1])
    shares = {"": 1.0, " / 2": 0.5, " / m": 1.0 / m, " / (2 m)": 0.5 / m}
    known: dict[float, str] = {}
    for share, part in shares.items():
        for x, name in [(wd, "wd")] if wd else [(x, f"{x:g}") for x in PENALTIES]:
            known.setdefault(x * part, name + share)
    for amount, text in known.items():
        for of, weights in (("the weights", True), ("weights and biases", False))[: 2 if wd else 1]:
            penalty = f"{text} * the sum of squares of {of}"
            yield Variant(
                f"the loss contains {penalty}",
                f"loss + {penalty}",
                line(scene),
                "scikit-learn and Keras report the penalty with the loss; torch does not",
                result=partial(penalised, amount=amount, weights=weights),
            )


def penalised(loss: Tracked, s: Shown, *, amount: float, weights: bool) -> Tracked:
    names = [n for n in s.parameters if n[0] == "W" or not weights]
    return total(loss, *(amount * (s.then(n) * s.then(n)).sum() for n in names))
