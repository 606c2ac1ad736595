r"""Mistakes of A = g(Z): another function, another option, another way to write it that overflows or cancels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

from compare.configuration import LOGITS
from compare.diagnosis.network.forms import FORMS
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line, named
from compare.diagnosis.variant import Variant
from compare.formulas import activations as stated
from compare.formulas.arithmetic import Tracked
from compare.formulas.stepping import Formulas

Formula = Callable[..., Tracked]
OPTIONS = {
    "negative_slope": (0.0, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3),
    "alpha": (1.0, 0.1, 0.5, 1.6732632423543772),
    "beta": (1.0, 2.0),
    "threshold": (20.0, 30.0),
}
SOURCES = {
    ("negative_slope", 0.2): "TensorFlow's leaky_relu",
    ("negative_slope", 0.25): "PReLU's start",
    ("negative_slope", 0.3): "Keras' LeakyReLU",
    ("negative_slope", 0.01): "torch's default",
}


def names_of(module: ModuleType) -> list[str]:
    """Return the names of the stated activations, or losses, that have a gradient."""
    return [n.removesuffix("_gradient") for n in vars(module) if n.endswith("_gradient")]


def meant(scene: Scene, other: str) -> str:
    """Return what else may have been meant by an output that its loss has in it already."""
    inside, loss = LOGITS.get(named(scene.last.formulas.loss[0])[0], ("", ""))
    if other != inside or scene.layer != scene.depth:
        return ""
    return f"right, if the loss is meant as {loss}, which takes what {other} gives"


def swapped(
    formulas: Formulas, shown: Shown, *, layer: int, index: int, formula: Formula
) -> Formulas:
    """Return the formulas with an activation (index 0), or its gradient (1), of one layer replaced."""
    pairs = list(formulas.activations)
    g, gradient = pairs[layer - 1]
    pairs[layer - 1] = (g, formula) if index else (formula, gradient)
    return replace(formulas, activations=pairs)


def activations(scene: Scene) -> Iterator[Variant]:
    """Yield every other activation, this one's options as other frameworks have them, and its other forms."""
    l = scene.layer
    g = scene.last.formulas.activations[l - 1][0]
    name, options = named(g)
    put = partial(partial, swapped, layer=l, index=0)
    for changed, told, source in reoptioned(name, options, ""):
        yield Variant(
            f"{name} with {told}", told, written(options), source, formulas=put(formula=changed)
        )
    for other in names_of(stated):
        if other != name:
            source = "the default of JAX and of GPT-2's code" if other == "gelu_tanh" else ""
            what = f"{other} in place of {name}" if other != "identity" else f"{name} is left out"
            form = put(formula=getattr(stated, other))
            yield Variant(what, other, line(scene), source, meant(scene, other), formulas=form)
    for wrong, formula in FORMS.get(name, {}).items():
        change = put(formula=partial(formula, **options))
        yield Variant(f"{name} as {wrong}", wrong, line(scene), formulas=change)
    yield Variant(f"{name} is applied twice", f"{name}({name}(Z))", line(scene),
                  formulas=put(formula=lambda z: g(g(z))))  # fmt: skip


def reoptioned(
    name: str, options: dict[str, Any], suffix: str
) -> Iterator[tuple[Formula, str, str]]:
    """Yield a stated formula with one option at another framework's value, its words, and whose it is."""
    for option, value in options.items():
        for other in OPTIONS.get(option, ()):
            if other != value:
                told = f"{option}={other:g}"
                formula = partial(getattr(stated, name + suffix), **{**options, option: other})
                yield formula, told, SOURCES.get((option, other), "")


def written(options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in options.items())
