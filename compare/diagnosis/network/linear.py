r"""Mistakes of Z = W A + b: the bias, and the point at which the gradient is taken."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from compare.diagnosis.network.gradients import centred
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line
from compare.diagnosis.variant import Variant, plain
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import sqrt
from compare.formulas.network import source
from compare.operands import Operands


def linear(scene: Scene) -> Iterator[Variant]:
    """Yield the forward pass without its bias, with it along the wrong axis, or with other parameters."""
    l, right = scene.layer, line(scene)
    b, W, below = f"b{l}", f"W{l}", source(l, scene.last.formulas.dropout)
    if b in scene.last.state:
        yield Variant(f"the bias {b} is forgotten", right.removesuffix(f" + {b}"), right,
                      then=lambda s: {b: 0.0 * s.then(b)})  # fmt: skip
        yield plain("one bias for all units, the first", lambda r, s: one_bias(r, l, below),
                    right.replace(b, f"{b}[0]"), right)  # fmt: skip
        if scene.last.state[b].shape[0] == scene.last.X.shape[1]:
            yield Variant(
                f"the bias {b} is added along the examples", right.replace(b, f"{b}.T"), right,
                "a 1-D bias broadcasts over the last axis",
                then=lambda s: {b: s.then(b).T},
            )  # fmt: skip
    single = [n for n in (W, b) if n in scene.last.state]
    yield plain(f"{' and '.join(single)} are 0",
                lambda r, s: 0.0 * (r.before(W) @ r.read(below)),
                f"Z{l} = 0", right, source="initialised with zeros")  # fmt: skip
    if l == 1:
        yield plain("X centred: its mean over the examples subtracted",
                    lambda r, s: r.before(W) @ centred(r.read("X")) + r.before(b),
                    right.replace("X", "(X - X.mean(axis=1))"), right, source="standardised in the step")  # fmt: skip
        yield plain("X standardised in the step",
                    lambda r, s: r.before(W) @ standardised(r.read("X")) + r.before(b),
                    right.replace("X", "((X - X.mean(axis=1)) / X.std(axis=1))"), right)  # fmt: skip
    yield plain(f"{W} and its operand are multiplied entry by entry, then summed over all",
                lambda r, s: (r.before(W) @ r.read(below)).sum() + 0.0 * r.before(b),
                right="a matrix product", wrong="(W * A).sum()")  # fmt: skip
    yield from look_ahead(scene)


def standardised(x: Tracked) -> Tracked:
    d = centred(x)
    return d / sqrt((d * d).sum(axis=1) / float(x.shape[1]))


def one_bias(r: Operands, l: int, below: str) -> Tracked:
    bias = r.before(f"b{l}")
    first = Tracked(bias.value[:1], None, bias.u)
    return r.before(f"W{l}") @ r.read(below) + first


def look_ahead(scene: Scene) -> Iterator[Variant]:
    """Yield the forward pass at the point that momentum is about to carry the parameters to."""
    l, h = scene.layer, scene.last.formulas.hyperparameters
    mu, lr = float(h.get("momentum", 0.0)), float(h.get("lr", 0.0))
    if not mu or f"m.W{l}" not in scene.last.state:
        return
    for what, step in ((f"W{l} - lr * mu * m", lr * mu), (f"W{l} - mu * m", mu)):
        yield Variant(
            f"the gradient is taken at the look-ahead point {what}",
            f"Z{l} = ({what}) @ ...", f"{line(scene)}; the look-ahead is in the update",
            "Nesterov's original form; torch and Sutskever et al. rewrite it",
            then=partial(ahead, l=l, step=step),
        )  # fmt: skip


def ahead(s: Shown, *, l: int, step: float) -> dict[str, Tracked]:
    names = [n for n in (f"W{l}", f"b{l}") if f"m.{n}" in s.state]
    return {n: s.then(n) - step * s.then(f"m.{n}") for n in names}
