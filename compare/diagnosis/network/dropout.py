r"""Mistakes of inverted dropout, forward and back: no scaling, the mask of what is dropped, no mask."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line
from compare.diagnosis.variant import Variant, plain
from compare.formulas.arithmetic import Tracked
from compare.operands import Operands

OTHERS = (0.5, 0.2, 0.1, 0.25, 0.3, 0.4, 0.6, 0.75, 0.8, 0.9)  # the usual probabilities


def dropouts(scene: Scene) -> Iterator[Variant]:
    """Yield dropout, or its gradient, with another mask or another scale."""
    p, l = scene.last.formulas.dropout, scene.layer
    if not p or l >= scene.depth:
        return
    if scene.kind == "A":
        yield plain("dropout before the activation, not after it", partial(dropped_before, l=l),
                    f"A{l} = g(Z{l} * mask / (1 - p))", f"D{l} = g(Z{l}) * mask / (1 - p)")  # fmt: skip
        yield plain(f"A{l} is overwritten by what dropout leaves of it", partial(dropped_after, l=l),
                    f"A{l} = A{l} * mask / (1 - p)", f"D{l} = A{l} * mask / (1 - p), A{l} kept")  # fmt: skip
        return
    if scene.kind in ("dZ", "dN"):
        yield plain(f"the derivative is formed from D{l}, after dropout", partial(formed_from_dropped, l=l),
                    f"g' of D{l}", f"g' of A{l}")  # fmt: skip
        return
    source = f"A{l}" if scene.kind == "D" else f"dD{l}"
    mask, right = f"mask{l}", line(scene)
    forms = {
        "not scaled by 1 / (1 - p)": (f"{source} * mask", 1.0),
        "scaled by 1 / p": (f"{source} * mask / p", 1.0 / p),
        "scaled by 1 - p, not by its reciprocal": (f"{source} * mask * (1 - p)", 1.0 - p),
        "scaled twice": (f"{source} * mask / (1 - p)**2", 1.0 / (1.0 - p) ** 2 if p < 1.0 else 0.0),
    }
    for what, (wrong, scale) in forms.items():
        entry = partial(masked, source=source, mask=mask, scale=scale)
        yield plain(f"dropout is {what}", entry, f"{scene.entry} = {wrong}", right)
    for other in OTHERS:
        entry = partial(masked, source=source, mask=mask, scale=1.0 / (1.0 - other))
        if min(abs(other - p), abs(other - (1.0 - p))) > 1e-9:
            yield plain(f"dropout is scaled as with p={other:g} where p={p:g} was asked for", entry,
                        f"{scene.entry} = {source} * mask / {1.0 - other:g}", right)  # fmt: skip
    scale = 1.0 / (1.0 - p) if p < 1.0 else 0.0
    yield plain("the mask is forgotten", lambda r, s: r.read(source),
                f"{scene.entry} = {source}", right, source="evaluation mode left on")  # fmt: skip
    yield plain("the scale without the mask", lambda r, s: r.read(source) * scale,
                f"{scene.entry} = {source} / (1 - p)", right)  # fmt: skip
    yield plain("the mask is that of the dropped units",
                lambda r, s: r.read(source) * (1.0 - r.before(mask)) * scale,
                f"{scene.entry} = {source} * (1 - mask) / (1 - p)", right,
                source="p is the probability of dropping in torch, of keeping in the paper")  # fmt: skip
    yield plain("scaled by the share that was kept, not by 1 - p",
                lambda r, s: r.read(source) * r.before(mask) * kept_share(r.before(mask)),
                f"{scene.entry} = {source} * mask / mask.mean()", right)  # fmt: skip
    yield plain("one mask for all examples, that of the first",
                lambda r, s: r.read(source) * first_column(r.before(mask)) * scale,
                f"{scene.entry} = {source} * mask[:, :1] / (1 - p)", right)  # fmt: skip


def dropped_before(r: Operands, s: Shown, *, l: int) -> Tracked:
    """Return the activation of what dropout left of its argument."""
    z = f"{'N' if s.formulas.batch_norm is not None else 'Z'}{l}"
    p = s.formulas.dropout
    g = s.formulas.activations[l - 1][0]
    return g(r.read(z) * r.before(f"mask{l}") * (1.0 / (1.0 - p) if p < 1.0 else 0.0))


def dropped_after(r: Operands, s: Shown, *, l: int) -> Tracked:
    """Return what dropout leaves of the activation."""
    z = f"{'N' if s.formulas.batch_norm is not None else 'Z'}{l}"
    p = s.formulas.dropout
    a = s.formulas.activations[l - 1][0](r.read(z))
    return a * r.before(f"mask{l}") * (1.0 / (1.0 - p) if p < 1.0 else 0.0)


def formed_from_dropped(r: Operands, s: Shown, *, l: int) -> Tracked:
    """Return the derivative formed from what dropout left of the activation."""
    z = f"{'N' if s.formulas.batch_norm is not None else 'Z'}{l}"
    gradient = s.formulas.activations[l - 1][1]
    return gradient(r.read(z), r.read(f"D{l}"), r.read(f"dA{l}"))


def kept_share(mask: Tracked) -> float:
    return 1.0 / float(mask.value.mean())


def masked(r: Operands, s: Shown, *, source: str, mask: str, scale: float) -> Tracked:
    return r.read(source) * r.before(mask) * scale


def first_column(mask: Tracked) -> Tracked:
    return Tracked(mask.value[:, :1], None, mask.u)
