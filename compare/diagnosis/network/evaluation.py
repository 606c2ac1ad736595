r"""Mistakes of the net in evaluation, and of the mean loss of an epoch: statistics, parameters and weights of another time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.variant import Variant
from compare.formulas import evaluation as stated
from compare.formulas.arithmetic import Tracked
from compare.formulas.evaluation import EXAMPLES, LOSSES, Has
from compare.formulas.network import Expected, Read
from compare.formulas.stepping import Formulas

MODE = "model.eval() left out: PyTorch's nets start in training mode"


def evaluations(scene: Scene) -> Iterator[Variant]:
    """Yield an evaluation by the parameters of before, by the batch's own statistics, or with units scaled."""
    yield Variant("the parameters of before the step", "evaluate(), then step()", "step(), then evaluate()",
                  now=lambda s: {n: s.then(n) for n in s.parameters})  # fmt: skip
    if scene.last.formulas.batch_norm is not None:
        for what, less in (("", 0), (", unbiased", 1)):
            yield Variant(f"batch norm by the statistics of the evaluated batch itself{what}",
                          f"Z.mean(axis=1), Z.var(axis=1{', ddof=1' * less})",
                          "running_mean and running_var", MODE,
                          formulas=partial(normed, less=less))  # fmt: skip
        yield Variant("batch norm by the statistics of the last training batch", "mu and var of the step",
                      "running_mean and running_var", now=last_batch)  # fmt: skip
        yield Variant("batch norm by the running statistics of before the step", "evaluate(), then update",
                      "update, then evaluate()", now=running_before)  # fmt: skip
    p = scene.last.formulas.dropout
    for what, factor in (("1 - p", 1.0 - p), ("1 / (1 - p)", 1.0 / (1.0 - p))) if p else ():
        yield Variant(f"hidden units times {what} in evaluation", f"A * {factor:g}",
                      "A: training has divided by 1 - p already", "dropout as in its paper",
                      formulas=partial(shrunk, factor=factor))  # fmt: skip


def last_batch(s: Shown) -> dict[str, Tracked]:
    layers = range(1, len(s.formulas.activations))
    kinds = (("running_mean", "mu"), ("running_var", "var"))
    return {f"{r}{l}": s.now(f"{n}{l}") for l in layers for r, n in kinds if f"{n}{l}" in s.trace}


def running_before(s: Shown) -> dict[str, Tracked]:
    return {n: s.then(n) for n in s.state if n.startswith(("running_mean", "running_var"))}


def normed(formulas: Formulas, shown: Shown, *, less: int) -> Formulas:
    """Return the formulas whose evaluation normalises by the statistics of what it is given."""

    def evaluation(read: Read, before: Read, has: Has, *net: Any) -> Expected:
        def known(name: str) -> Tracked:
            l = name.removeprefix("running_mean").removeprefix("running_var")
            if l == name:
                return read(name)
            Z = read(f"evalZ{l}")
            mean = Z.sum(axis=1) / float(Z.shape[-1])
            if name.startswith("running_mean"):
                return mean
            return ((Z - mean) * (Z - mean)).sum(axis=1) / float(Z.shape[-1] - less)

        return stated.evaluation(known, before, has, *net)

    return replace(formulas, evaluates=evaluation)


def shrunk(formulas: Formulas, shown: Shown, *, factor: float) -> Formulas:
    """Return the formulas whose evaluation multiplies hidden units by a factor."""
    L = len(formulas.activations)

    def evaluation(read: Read, before: Read, has: Has, *net: Any) -> Expected:
        for name, value in stated.evaluation(read, before, has, *net):
            hidden = name.startswith("evalA") and name != f"evalA{L}"
            yield name, value * factor if hidden else value

    return replace(formulas, evaluates=evaluation)


def epoch_losses(scene: Scene) -> Iterator[Variant]:
    """Yield other means of an epoch's losses."""
    right = "sum of m_i * loss_i over the sum of m_i"
    for name, wrong, weigh in (
        ("every batch counts the same, whatever its size", "mean of loss_i", lambda loss, m: (loss, 1.0)),
        ("the losses are summed, not averaged", "sum of loss_i", lambda loss, m: (loss, 0.0)),
        ("the sizes are squared", "sum of m_i**2 * loss_i over that of m_i**2", lambda loss, m: (loss * m * m, m * m)),
    ):  # fmt: skip
        yield Variant(name, wrong, right, formulas=partial(weighed, weigh=weigh))
    yield Variant("the loss of the last batch alone", "loss", right,
                  formulas=partial(weighed, weigh=None))  # fmt: skip
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


def unended(formulas: Formulas, shown: Shown) -> Formulas:
    """Return the formulas whose sums go on over the epochs."""

    def mean_loss(read: Read, before: Read, has: Has) -> Expected:
        return stated.mean_loss(read, before, lambda name: name != "epochstart" and has(name))

    return replace(formulas, averages=mean_loss)
