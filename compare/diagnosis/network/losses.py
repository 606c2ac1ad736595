r"""Mistakes of the loss's value: another loss, another form of it, another option, the wrong moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from compare.diagnosis.network.activations import names_of
from compare.diagnosis.network.loss_forms import VALUES, Formula
from compare.diagnosis.network.loss_relatives import RELATIVES
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line, named
from compare.diagnosis.variant import Variant
from compare.formulas import losses as stated
from compare.formulas.arithmetic import Tracked
from compare.formulas.stepping import Formulas
from compare.operands import stated as stated_step

ON_LABELS = {"bce", "bce_with_logits", "cross_entropy", "cross_entropy_on_probabilities"}


def with_loss(formulas: Formulas, shown: Shown, *, index: int, formula: Formula) -> Formulas:
    """Return the formulas with the loss (index 0), or its gradient (1), replaced."""
    pair = list(formulas.loss)
    pair[index] = formula
    return replace(formulas, loss=(pair[0], pair[1]))


def alternatives(name: str) -> list[str]:
    """Return the losses that people confuse with one: of labels, or of numbers."""
    others = [n for n in names_of(stated) if n != name]
    return [n for n in others if (n in ON_LABELS) == (name in ON_LABELS)]


def loss_values(scene: Scene) -> Iterator[Variant]:
    """Yield the loss as it is got wrong, another loss, and the loss of another moment."""
    name, options = named(scene.last.formulas.loss[0])
    put = partial(partial, with_loss, index=0)
    for wrong, formula in {**VALUES.get(name, {}), **RELATIVES.get(name, {})}.items():
        change = put(formula=partial(formula, **options))
        yield Variant(f"{name}: {wrong}", wrong, line(scene), formulas=change)
    for other in alternatives(name):
        change = put(formula=getattr(stated, other))
        yield Variant(f"{other} in place of {name}", other, line(scene), formulas=change)
    yield from reoptioned(name, options, scene, 0)
    yield Variant(
        "the loss of the parameters after the update",
        "loss of the updated W",
        "loss of the W that gave the gradient",
        direct=lambda r, s: after_update(s),
    )


def reoptioned(name: str, options: dict[str, float], scene: Scene, index: int) -> Iterator[Variant]:
    """Yield the loss, or its gradient, with its option (delta, beta) at another value."""
    formula = getattr(stated, name + "_gradient" * index, None)
    for option, value in options.items():
        for other in (1.0, 0.5, 2.0, 0.1):
            if other != value and formula is not None:
                change = partial(
                    with_loss, index=index, formula=partial(formula, **{option: other})
                )
                told = f"{option}={other:g}"
                yield Variant(f"{name} with {told} where {option}={value:g} was asked for", told,
                              line(scene), formulas=change)  # fmt: skip


def after_update(shown: Shown) -> Tracked:
    """Return the loss of the batch at the parameters that this step arrived at."""
    state = {n: shown.trace.get(n, x) for n, x in shown.state.items()}
    if not all(np.isfinite(x).all() for x in state.values()):
        raise ValueError("the parameters after the update are not finite: their loss says nothing")
    values = stated_step(shown.formulas, {}, state, shown.X, shown.Y, own=False)
    return next(value for name, value in values if name == "loss")
