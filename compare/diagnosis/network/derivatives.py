r"""Mistakes of dZ = dA g'(Z): left out, another's, at the kink, formed from the wrong operand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from compare.diagnosis.network.activations import names_of, reoptioned, swapped
from compare.diagnosis.network.loss_forms import SMOOTHINGS, smoothed
from compare.diagnosis.network.slopes import SLOPES
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line, named
from compare.diagnosis.variant import Variant, plain
from compare.formulas import activations as stated
from compare.formulas.arithmetic import Tracked
from compare.operands import Operands


def derivatives(scene: Scene) -> Iterator[Variant]:
    """Yield the derivative left out, another activation's, at the kink, or formed from the wrong operand."""
    l, right = scene.layer, line(scene)
    name, options = named(scene.last.formulas.activations[l - 1][0])
    if scene.kind == "dZ" and scene.last.formulas.batch_norm is not None and l < scene.depth:
        return
    put = partial(partial, swapped, layer=l, index=1)
    for wrong, formula in SLOPES.get(name, {}).items():
        change = put(formula=partial(formula, **options))
        yield Variant(f"{name}: {wrong}", wrong, right, formulas=change)
    for other in names_of(stated):
        if other != name:
            left_out = other == "identity"
            what = (
                f"the derivative of g{l} is left out" if left_out else f"the derivative of {other}"
            )
            gradient = getattr(stated, f"{other}_gradient")
            yield Variant(what, f"dA{l}" if left_out else f"dA{l} * {other}'(Z{l})", right,
                          formulas=put(formula=gradient))  # fmt: skip
    for changed, told, source in reoptioned(name, options, "_gradient"):
        yield Variant(
            f"the derivative with {told}", told, right, source, formulas=put(formula=changed)
        )
    yield from repeated(scene, right)
    if l == scene.depth:
        yield from joined_gradients(scene, right)


def repeated(scene: Scene, right: str) -> Iterator[Variant]:
    """Yield the derivative multiplied in twice, and the derivative alone."""
    l = scene.layer
    gradient = scene.last.formulas.activations[l - 1][1]
    put = partial(partial, swapped, layer=l, index=1)
    yield Variant("the derivative is multiplied in twice", "dA * g' * g'", right,
                  formulas=put(formula=lambda z, a, da: gradient(z, a, gradient(z, a, da))))  # fmt: skip
    yield Variant("the derivative is added, not multiplied", f"dA{l} + g'", right,
                  formulas=put(formula=lambda z, a, da: da + gradient(z, a, 0.0 * da + 1.0)))  # fmt: skip
    yield Variant(f"dA{l} is left out: the derivative alone", "g'", right,
                  formulas=put(formula=lambda z, a, da: gradient(z, a, 0.0 * da + 1.0)))  # fmt: skip


def joined_gradients(scene: Scene, right: str) -> Iterator[Variant]:
    """Yield the short forms of dZ at the output, right for one pair of loss and activation only."""
    L = scene.depth
    for factor, what in ((1.0, ""), (2.0, "2 * "), (0.5, "0.5 * ")):
        for n, divisor in divisors(scene.last).items():
            text = f"{what}(A{L} - Y) / {n}"
            yield plain(
                f"dZ{L} = {text}",
                partial(residual, L=L, factor=factor, divisor=divisor),
                f"dZ{L} = {text}", right,
                source="right for cross entropy after softmax or sigmoid, and MSE after identity",
            )  # fmt: skip
    for n, divisor in divisors(scene.last).items():
        yield plain("targets minus predictions", partial(residual, L=L, factor=-1.0, divisor=divisor),
                    f"dZ{L} = (Y - A{L}) / {n}", right)  # fmt: skip
    yield from softened(scene, right)


def softened(scene: Scene, right: str) -> Iterator[Variant]:
    """Yield the short form with smoothed labels, or with the derivative of the output once more."""
    L = scene.depth
    for e in SMOOTHINGS:
        text = f"(A{L} - (1 - e) Y - e / K) / m, e = {e:g}"
        yield plain(f"labels smoothed by {e:g}", partial(soft, L=L, e=e), f"dZ{L} = {text}", right)
    for n, divisor in divisors(scene.last).items():
        text = f"(A{L} - Y) * A{L} * (1 - A{L}) / {n}"
        yield plain(f"dZ{L} = {text}", partial(squashed_once_more, L=L, divisor=divisor),
                    f"dZ{L} = {text}", right, source="the gradient of MSE after sigmoid")  # fmt: skip


def soft(r: Operands, s: Shown, *, L: int, e: float) -> Tracked:
    return (r.read(f"A{L}") - smoothed(r.read("Y"), e)) / float(s.X.shape[1])


def squashed_once_more(r: Operands, s: Shown, *, L: int, divisor: float) -> Tracked:
    a = r.read(f"A{L}")
    return (a - r.read("Y")) * (a * (1.0 - a)) / divisor


def residual(r: Operands, s: Shown, *, L: int, factor: float, divisor: float) -> Tracked:
    return factor * (r.read(f"A{L}") - r.read("Y")) / divisor


def divisors(shown: Shown) -> dict[str, float]:
    """Return what a sum over outputs and examples may be divided by."""
    m, n_y = float(shown.X.shape[1]), float(shown.Y.shape[0])
    return {"1": 1.0, "m": m, "n_y": n_y, "(n_y m)": m * n_y}
