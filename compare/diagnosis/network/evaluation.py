r"""Mistakes of the net in evaluation, and of its loss there: parameters of another time, units scaled, another mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from compare.diagnosis.network.evaluation_normalization import evaluated_normalizations
from compare.diagnosis.network.loss_forms import VALUES, Formula
from compare.diagnosis.network.losses import alternatives
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line, named
from compare.diagnosis.variant import Variant, plain
from compare.formulas import evaluation as stated
from compare.formulas import losses
from compare.formulas.arithmetic import Tracked
from compare.formulas.evaluation import Has
from compare.formulas.network import Expected, Read
from compare.formulas.stepping import Formulas
from compare.operands import Operands


def evaluations(scene: Scene) -> Iterator[Variant]:
    """Yield an evaluation by the parameters of before, batch norm otherwise, or with units scaled."""
    yield Variant("the parameters of before the step", "evaluate(), then step()", "step(), then evaluate()",
                  now=lambda s: {n: s.then(n) for n in s.parameters})  # fmt: skip
    yield from evaluated_normalizations(scene)
    p = scene.last.formulas.dropout
    for what, factor in (("1 - p", 1.0 - p), ("1 / (1 - p)", 1.0 / (1.0 - p))) if p else ():
        yield Variant(f"hidden units times {what} in evaluation", f"A * {factor:g}",
                      "A: training has divided by 1 - p already", "dropout as in its paper",
                      formulas=partial(shrunk, factor=factor))  # fmt: skip


def evaluated_losses(scene: Scene) -> Iterator[Variant]:
    """Yield the loss of the evaluated examples as it is got wrong, and another loss."""
    name, options = named(scene.last.formulas.loss[0])
    forms = {f"{name}: {wrong}": partial(f, **options) for wrong, f in VALUES.get(name, {}).items()}
    forms |= {f"{n} in place of {name}": getattr(losses, n) for n in alternatives(name)}
    for wrong, formula in forms.items():
        yield plain(
            f"{wrong}, in evaluation", partial(applied, formula=formula), wrong, line(scene)
        )
    yield plain("the loss of the training batch", lambda r, s: r.read("loss"), "loss", line(scene))


def applied(r: Operands, s: Shown, *, formula: Formula) -> Tracked:
    return formula(r.read(f"evalA{len(s.formulas.activations)}"), r.before("evalY"))


def shrunk(formulas: Formulas, shown: Shown, *, factor: float) -> Formulas:
    """Return the formulas whose evaluation multiplies hidden units by a factor."""
    L = len(formulas.activations)

    def evaluation(read: Read, before: Read, has: Has, *net: Any) -> Expected:
        for name, value in stated.evaluation(read, before, has, *net):
            hidden = name.startswith("evalA") and name != f"evalA{L}"
            yield name, value * factor if hidden else value

    return replace(formulas, evaluates=evaluation)
