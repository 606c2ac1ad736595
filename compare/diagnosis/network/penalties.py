r"""The penalty of weight decay reported in the loss: half of it or all, per example or not, biases with it or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from compare.diagnosis.network.gradients import PENALTIES
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line
from compare.diagnosis.variant import Variant
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import total

At = Callable[[Shown, str], Tracked]


def penalised_losses(scene: Scene) -> Iterator[Variant]:
    """Yield the loss with the penalty added that the rule's weight decay is the gradient of.

    In evaluation the weights are those after the step.
    """
    evaluated = scene.kind == "evalloss"
    at = Shown.now if evaluated else Shown.then
    wd = float(scene.last.formulas.hyperparameters.get("weight_decay") or 0.0)
    m = float((scene.last.state["evalY"] if evaluated else scene.last.X).shape[1])
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
                result=partial(penalised, amount=amount, weights=weights, at=at),
            )


def averaged_losses(scene: Scene) -> Iterator[Variant]:
    """Yield the loss as a progress bar shows it: averaged over the steps so far."""
    if len(scene.steps) + len(scene.after) < 2:
        return
    yield Variant("the mean of the losses of all steps so far", "mean of loss_0, ..., loss_t",
                  line(scene), "Keras' progress bar", result=partial(averaged, scene=scene))  # fmt: skip
    for weight in (0.9, 0.95, 0.98, 0.99):
        yield Variant(f"a moving average of the losses, {weight:g} of the one before",
                      f"{weight:g} * loss_before + {1.0 - weight:.2g} * loss", line(scene),
                      "fastai's recorder, many training scripts",
                      result=partial(averaged, scene=scene, weight=weight))  # fmt: skip
        yield Variant(f"a moving average of the losses from 0 on, {weight:g} of the one before",
                      f"{weight:g} * average + {1.0 - weight:.2g} * loss", line(scene),
                      result=partial(averaged, scene=scene, weight=weight, start=0.0))  # fmt: skip


def averaged(
    loss: Tracked, s: Shown, *, scene: Scene, weight: float = 0.0, start: float = 1.0
) -> Tracked:
    """Return the loss averaged with what was shown a step before; over all steps alike where `weight` is 0."""
    known = (*scene.steps, *scene.after)
    k = next((k for k, other in enumerate(known) if other.trace is s.trace), None)
    if not k:
        return loss if start or k is None else (1.0 - weight) * loss
    share = weight or k / (k + 1.0)
    return (1.0 - share) * loss + share * known[k - 1].now("loss")


def penalised(loss: Tracked, s: Shown, *, amount: float, weights: bool, at: At) -> Tracked:
    names = [n for n in s.parameters if n[0] == "W" or not weights]
    return total(loss, *(amount * (at(s, n) * at(s, n)).sum() for n in names))
