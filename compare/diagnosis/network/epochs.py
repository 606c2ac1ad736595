r"""Mistakes of the mean loss of an epoch: its weights, its divisor, the batches that it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.variant import Variant
from compare.formulas import evaluation as stated
from compare.formulas.arithmetic import Tracked
from compare.formulas.evaluation import EXAMPLES, LOSSES, Has
from compare.formulas.network import Expected, Read, one
from compare.formulas.stepping import Formulas


def epoch_losses(scene: Scene) -> Iterator[Variant]:
    """Yield other means of an epoch's losses."""
    right = "sum of m_i * loss_i over the sum of m_i"
    for name, wrong, weigh in (
        ("every batch counts the same, whatever its size", "mean of loss_i", lambda loss, m: (loss, 1.0)),
        ("the losses are summed, not averaged", "sum of loss_i", lambda loss, m: (loss, 0.0)),
        ("the losses are divided by the number of examples", "sum of loss_i over the sum of m_i", lambda loss, m: (loss, m)),
        ("losses times sizes are divided by the number of batches", "mean of m_i * loss_i", lambda loss, m: (loss * m, 1.0)),
        ("losses times sizes are summed, not averaged", "sum of m_i * loss_i", lambda loss, m: (loss * m, 0.0)),
        ("the sizes are squared", "sum of m_i**2 * loss_i over that of m_i**2", lambda loss, m: (loss * m * m, m * m)),
    ):  # fmt: skip
        yield Variant(name, wrong, right, formulas=partial(weighed, weigh=weigh))
    yield Variant("the loss of the last batch alone", "loss", right,
                  formulas=partial(weighed, weigh=None))  # fmt: skip
    yield Variant("the last batch is left out", "the mean before the last batch is added", right,
                  formulas=unfinished)  # fmt: skip
    yield Variant("divided by the examples of all epochs so far, or losses never started anew",
                  "total += loss * m, never zeroed", right, formulas=unended)  # fmt: skip


def weighed(formulas: Formulas, shown: Shown, *, weigh: object) -> Formulas:
    """Return the formulas whose epochs weigh each batch's loss otherwise; None: by the last alone."""

    def mean_loss(read: Read, before: Read, has: Has) -> Expected:
        loss, m = read("loss"), float(read("X").shape[-1])
        if not callable(weigh):
            yield "epochloss", loss
            return
        losses, weight = stated.so_far(before, has, *weigh(loss, m))
        yield "epochloss", losses / weight if weight else losses
        yield LOSSES, losses
        yield EXAMPLES, Tracked(loss.number(weight), None, loss.u)

    return replace(formulas, averages=mean_loss)


def unfinished(formulas: Formulas, shown: Shown) -> Formulas:
    """Return the formulas whose mean of an epoch does not hold the batch of this step."""

    def mean_loss(read: Read, before: Read, has: Has) -> Expected:
        for name, value in stated.mean_loss(read, before, has):
            known = has(EXAMPLES) and not has("epochstart")
            earlier = name == "epochloss" and known
            yield name, before(LOSSES) / one(before(EXAMPLES)) if earlier else value

    return replace(formulas, averages=mean_loss)


def unended(formulas: Formulas, shown: Shown) -> Formulas:
    """Return the formulas whose sums go on over the epochs."""

    def mean_loss(read: Read, before: Read, has: Has) -> Expected:
        return stated.mean_loss(read, before, lambda name: name != "epochstart" and has(name))

    return replace(formulas, averages=mean_loss)
