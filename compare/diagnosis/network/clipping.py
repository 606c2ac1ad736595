r"""Mistakes of clipping: another norm, another coefficient, each gradient by itself, always or never."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from compare.diagnosis.network.norms import (
    COEFFICIENTS,
    NORMS,
    TINY,
    Coefficient,
    Gradients,
    Norm,
    always,
    bare,
    global_norm,
    torchs,
)
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line
from compare.diagnosis.variant import Variant, plain
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, maximum, minimum, sqrt, total, where
from compare.formulas.stepping import Expected, Formulas
from compare.operands import Operands
from compare.traces import kind

Read = Callable[[str], Tracked]
Clip = Callable[[Gradients, Read], Expected]
THRESHOLDS = (1.0, 5.0, 0.5, 0.1, 10.0, 0.01)


def clippings(scene: Scene) -> Iterator[Variant]:
    """Yield the ways of clipping that are not torch's; of none, where none was asked for, that there is some."""
    clip = scene.last.formulas.clip
    limits = clip.keywords if isinstance(clip, partial) else {}
    if "max_norm" in limits:
        yield from by_norm(scene, float(limits["max_norm"]))
    elif "clip_value" in limits:
        yield from by_value(scene, float(limits["clip_value"]))
    else:
        yield from unasked()


def by_norm(scene: Scene, c: float) -> Iterator[Variant]:
    right = clipped_line(scene)
    if scene.entry == "norm":
        for name, (norm, wrong) in NORMS.items():
            yield plain(name, partial(of_all, norm=norm), f"norm = {wrong}", right)
        return
    for name, (coefficient, wrong) in (COEFFICIENTS | of_steps(scene)).items():
        yield clipping(name, partial(scaled, c=c, coefficient=coefficient), f"g * {wrong}", right)
    for name, (norm, wrong) in NORMS.items():
        for more, coefficient in (("", torchs), (", without the 1e-6", bare)):
            clip = partial(scaled, c=c, norm=norm, coefficient=coefficient)
            yield clipping(f"{name}{more}", clip, f"with norm = {wrong}", right)
    for more, coefficient in (("", torchs), (", without the 1e-6", bare), (", always", always)):
        clip = partial(alone, c=c, coefficient=coefficient)
        text = "g * min(c / norm of g alone, 1)"
        yield clipping(f"each gradient clipped by its own norm{more}", clip, text, right)
    yield from partly(partial(scaled, c=c, coefficient=torchs), right, (False, True))
    clip = partial(formed, form=partial(within, c=c), normed=True)
    yield clipping("clipped by value, not by norm", clip, "np.clip(g, -c, c)", right)
    for other in THRESHOLDS:
        if other != c:
            clip = partial(scaled, c=other, coefficient=torchs)
            yield clipping(
                f"clipped to {other:g} where {c:g} was asked for",
                clip,
                f"max_norm={other:g}",
                right,
            )
    if wd := float(scene.last.formulas.hyperparameters.get("weight_decay") or 0.0):
        yield Variant("weight decay is added before clipping", "clip(g + wd * W)", "clip(g) + wd * W",
                      formulas=partial(decayed_first, wd=wd))  # fmt: skip


def decayed_first(formulas: Formulas, shown: Shown, *, wd: float) -> Formulas:
    """Return the formulas that clip the gradient with its weight decay."""

    def clip(g: Gradients, read: Read) -> Expected:
        right = formulas.clip
        assert right is not None
        before = {n: shown.carried[n] if n in shown.carried else shown.then(n) for n in g}
        yield from right({n: total(x, wd * before[n]) for n, x in g.items()}, read)

    return replace(
        formulas, clip=clip, hyperparameters={**formulas.hyperparameters, "weight_decay": 0.0}
    )


def clipped_line(scene: Scene) -> str:
    """Return how the clipped gradient is computed, whatever is computed from it."""
    if not scene.slots:
        return line(scene)
    return line(replace(scene, target=f"g.{scene.entry.split('.')[-1]}"))


def of_steps(scene: Scene) -> dict[str, tuple[Coefficient, str]]:
    """Return the coefficient of somebody who clips lr g, not g."""
    lr = float(scene.last.formulas.hyperparameters.get("lr", 1.0))
    return {
        f"the step, lr g, is clipped, not the gradient{more}": (
            lambda c, norm, tiny=tiny: minimum(c / (lr * norm + tiny), 1.0),
            "min(c / (norm of lr g), 1)",
        )
        for more, tiny in (("", TINY), (", without the 1e-6", 0.0))
    }


def by_value(scene: Scene, c: float) -> Iterator[Variant]:
    right = clipped_line(scene)
    forms: dict[str, Callable[[Tracked], Tracked]] = {
        "clipping left out": lambda g: g,
        "clipped above alone": lambda g: minimum(g, c),
        "clipped below alone": lambda g: maximum(g, -c),
        "set to 0 beyond the threshold": lambda g: where(absolute(g) > c, 0.0, g),
        "clipped to [0, c]": lambda g: maximum(minimum(g, c), 0.0),
    }
    for name, form in forms.items():
        yield clipping(name, partial(formed, form=form), name, right)
    yield from partly(partial(formed, form=partial(within, c=c)), right, (False,))
    for other in THRESHOLDS:
        if other != c:
            clip = partial(formed, form=partial(within, c=other))
            yield clipping(
                f"clipped to {other:g} where {c:g} was asked for", clip, f"to {other:g}", right
            )
    for name, coefficient in (("", torchs), (", without the 1e-6", bare)):
        clip = partial(scaled, c=c, coefficient=coefficient)
        yield clipping(f"clipped by the global norm{name}", clip, "by norm", right)


def unasked() -> Iterator[Variant]:
    """Yield clipping to the usual thresholds where there should be none."""
    for c in THRESHOLDS:
        for name, clip in (
            (f"by value, to {c:g}", partial(formed, form=partial(within, c=c))),
            (f"by norm, to {c:g}", partial(scaled, c=c, coefficient=torchs)),
            (f"by norm, to {c:g}, without torch's 1e-6", partial(scaled, c=c, coefficient=bare)),
        ):
            yield clipping(f"the gradients are clipped {name}", clip, "clipped", "as they are")


PARTS = {"biases": ("b", "beta", "gamma"), "weights": ("W",)}  # what may be left out by kind


def but_for(clip: Clip, kinds: tuple[str, ...], wholly: bool) -> Clip:
    """Return a clip that leaves some kinds of parameters as they are; `wholly`, the norm is without them too."""

    def clipped(g: Gradients, read: Read) -> Expected:
        left = {f"g.{n}": x for n, x in g.items() if kind(n) in kinds}
        rest = {n: x for n, x in g.items() if f"g.{n}" not in left}
        for name, value in clip(rest if wholly else g, read):
            yield name, left.get(name, value)
        yield from left.items() if wholly else ()

    return clipped


def partly(clip: Clip, right: str, wholes: Sequence[bool]) -> Iterator[Variant]:
    """Yield torch's clipping of the weights alone, or of the biases alone, the norm of these alone too or not."""
    for what, kinds in PARTS.items():
        for wholly in wholes:
            text = f"the {what} are not clipped{', nor in the norm' if wholly else ''}"
            yield clipping(text, but_for(clip, kinds, wholly), "g as it is", right)


def clipping(name: str, clip: Clip, wrong: str, right: str) -> Variant:
    """Return the variant that clips all gradients that way."""

    def clipped(formulas: Formulas, shown: Shown) -> Formulas:
        return replace(formulas, clip=clip)

    return Variant(name, wrong, right, formulas=clipped)


def scaled(
    g: Gradients, read: Read, *, c: float, coefficient: Coefficient, norm: Norm = global_norm
) -> Expected:
    """Yield the gradients times a coefficient of a norm; the global norm as it is shown, if it is."""
    value = norm(g)
    yield "norm", value
    k = coefficient(c, (read("norm") if norm is global_norm else value).rounded())
    for n, x in g.items():
        yield f"g.{n}", x * k


def alone(g: Gradients, read: Read, *, c: float, coefficient: Coefficient) -> Expected:
    yield "norm", global_norm(g)
    for n, x in g.items():
        yield f"g.{n}", x * coefficient(c, sqrt((x * x).sum()))


def formed(
    g: Gradients, read: Read, *, form: Callable[[Tracked], Tracked], normed: bool = False
) -> Expected:
    if normed:
        yield "norm", global_norm(g)
    for n, x in g.items():
        yield f"g.{n}", form(x)


def within(g: Tracked, *, c: float) -> Tracked:
    return maximum(minimum(g, c), -c)


def of_all(r: Operands, s: Shown, *, norm: Norm) -> Tracked:
    """Return a norm of the gradients before clipping."""
    prefix = "a." if s.formulas.accumulate > 1 else "d"
    moving = [n for n in s.parameters if n not in s.formulas.frozen]
    return norm({n: r.read(prefix + n) for n in moving})
