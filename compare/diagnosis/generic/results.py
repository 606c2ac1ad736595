r"""What may happen to a right value on its way: lost, stale, accumulated, rounded, transposed, another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from compare.diagnosis.generic.operands import TRANSFORMS, rounded_to_single
from compare.diagnosis.scene import GRADIENTS, Scene, Shown, shape_of, stepped
from compare.diagnosis.variant import Variant, plain
from compare.distances import distance
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.functions import maximum, minimum, sqrt
from compare.tolerances import CAP
from compare.traces import Array, kind

Result = Callable[[Tracked, Shown], Tracked]
MOST_DIGITS = 11  # beyond these it is no rounding that anybody means
CLAMPS = (1.0, 5.0, 0.5, 0.1, 0.01, 10.0)


def results(scene: Scene) -> Iterator[Variant]:
    """Yield what may happen to a right value on its way to the entry."""
    entry = scene.entry
    yield made(f"{entry} is never computed: it is 0", lambda x, s: 0.0 * x)
    yield made(f"{entry} rounded to float32", rounded_to_single)
    yield made(f"{entry} rounded to float16", rounded_to_half)
    if k := written_digits(scene):
        name = f"{entry} has {k} digits: rounded where it was written as text"
        yield replace(made(name, partial(in_digits, k=k)), coarse=True)
    if single(scene):
        yield replace(made(f"{entry} computed in float32", in_single), coarse=True)
    if scene.moved:
        yield replace(made(f"{entry} is not updated", lambda x, s: s.then(entry)),
                      wrong="as where p = p - lr * g binds another array to the name p",
                      right="p -= lr * g writes to the array, or the new one is given back")  # fmt: skip
        yield plain(f"{entry} is its gradient, not the parameter after the step",
                    lambda r, s: r.read(f"d{entry}"), f"return d{entry}", f"return {entry}")  # fmt: skip
        yield made(f"the update of {entry} is divided by its norm", partial(directed, entry=entry))
    yield from clamped(scene)
    yield from recorded(scene)
    if (scene.target or entry in scene.last.state) and not scene.moved:
        yield from stale(entry)
    shape = shape_of(scene.last.trace.get(entry, 0.0))
    if len(shape) == 2 and shape[0] == shape[1] > 1:
        yield made(f"{entry} transposed", lambda x, s: x.T)
    for what in ("with the wrong sign", "without its sign", "squared", "by its square root"):
        yield made(f"{entry} {what}", TRANSFORMS[what][0])
    yield from forgetting(scene)


def halted(scene: Scene) -> Iterator[Variant]:
    """Yield a parameter that stands still at this step, and at no other."""
    entry = scene.entry
    if scene.moved:
        yield made(f"{entry} is not updated at this step", lambda x, s: s.then(entry), sudden=True)


def rounded_to_half(x: Tracked, shown: Shown) -> Tracked:
    """Return x as float16 has it."""
    with np.errstate(all="ignore"):
        half = x.value.astype(np.float16)
    return exact(half.astype(shown.X.dtype), shown.X.dtype)


def made(name: str, result: Result, *, sudden: bool = False) -> Variant:
    return Variant(name, result=result, sudden=sudden, generic=True)


def single(scene: Scene) -> bool:
    """Tell whether a float64 program shows nothing but float32 numbers."""
    x = scene.last.trace.get(scene.entry)
    if x is None or x.dtype != np.float64 or not x.any():
        return False
    return bool(np.array_equal(x, x.astype(np.float32).astype(np.float64)))


def in_single(x: Tracked, shown: Shown) -> Tracked:
    """Return the value as known to the rounding of float32 alone."""
    return known_to(x, 2.0**-24)


def known_to(x: Tracked, relative: float) -> Tracked:
    """Return the value as known to rounding of another relative size, of its operands and its own."""
    error = np.abs(x.value.astype(np.float64)) if x.error is None else x.error
    return Tracked(x.value, 2.0 * relative / x.u * error, x.u, x.terms)


def in_digits(x: Tracked, shown: Shown, *, k: int) -> Tracked:
    return known_to(x, 0.5 * 10.0 ** (1 - k))


def written_digits(scene: Scene) -> int:
    """Return the decimal digits to which all that is shown of the entry is rounded; 0 where these are too many to tell."""
    x = scene.last.trace.get(scene.entry)
    if x is None or x.dtype != np.float64 or x.size < 4 or not np.isfinite(x).all() or not x.any():
        return 0
    if (x == np.round(x)).all():
        return 0
    some = x.ravel()[:1000].tolist()
    return next(
        (k for k in range(2, MOST_DIGITS) if all(float(f"{v:.{k}g}") == v for v in some)), 0
    )


def directed(x: Tracked, s: Shown, *, entry: str) -> Tracked:
    """Return the parameter after a step of length lr along its update."""
    p, lr = s.then(entry), float(s.formulas.hyperparameters.get("lr", 1.0))
    update = x - p
    return p + lr * (update / sqrt((update * update).sum()))


def clamped(scene: Scene) -> Iterator[Variant]:
    """Yield the entry clamped to its own largest magnitude, where several of its elements have it."""
    x = scene.last.trace.get(scene.entry)
    if scene.target.startswith("d"):
        for c in CLAMPS:
            yield made(f"{scene.entry} clamped to [-{c:g}, {c:g}]", partial(within, c=c))
    if x is None or x.dtype.kind != "f" or not x.size:
        return
    c = float(np.abs(x).max())
    if np.isfinite(c) and c > 0.0 and (c in CLAMPS or int((np.abs(x) == c).sum()) > 1):
        yield made(f"{scene.entry} clamped to [-{c:g}, {c:g}]", partial(within, c=c))


def within(x: Tracked, shown: Shown, *, c: float) -> Tracked:
    return minimum(maximum(x, -c), c)


def recorded(scene: Scene) -> Iterator[Variant]:
    """Yield a record that holds the array of a later step, where this one neither stands still nor is used."""
    entry, shown = scene.entry, scene.last
    x, before = shown.trace.get(entry), shown.state.get(entry)
    if scene.moved and shown.formulas.accumulate > 1:  # it stands still between updates
        return
    if x is None or entry not in shown.coming or not np.ndim(x) or not np.isfinite(x).all():
        return
    stands = before is not None and np.array_equal(x, before)
    if x.any() and np.array_equal(shown.coming[entry], x) and not stands and not used(scene):
        yield Variant(
            f"{entry} is recorded by reference: the same array at every step",
            f"log.append({entry})",
            f"log.append({entry}.copy())",
            "an in-place update changes what was recorded before",
            result=lambda x, s: s.now(entry),
        )


def used(scene: Scene) -> bool:
    """Tell whether the step after was made with the parameter as it is shown."""
    Z, after = f"Z{scene.layer}", scene.after[:1]
    if not scene.moved or not after or Z not in after[0].trace:
        return False
    made_of = dict(stepped(after[0], after[0].formulas))
    return bool(distance(after[0].trace[Z], made_of[Z]).ratio <= CAP)


def stale(entry: str) -> Iterator[Variant]:
    """Yield the entry of the step before, or added to it."""
    yield made(f"{entry} is that of the step before", lambda x, s: before(s, entry) or x)
    yield Variant(
        f"{entry} is added to that of the step before, never zeroed",
        f"{entry} += ...",
        f"{entry} = ...",
        "PyTorch: .grad accumulates until optimizer.zero_grad()",
        result=partial(summed, entry=entry),
    )


def summed(x: Tracked, s: Shown, *, entry: str) -> Tracked:
    old = before(s, entry)
    return x if old is None else x + old


def before(s: Shown, entry: str) -> Tracked | None:
    """Return an entry as it was a step before: as shown, or as the variant made it; None at the start."""
    return s.then(entry) if entry in s.state else s.carried.get(entry)


def forgetting(scene: Scene) -> Iterator[Variant]:
    """Yield the rule's state starting anew at this step, as at the turn of an epoch."""
    if not scene.slots or len(scene.steps) < 2:
        return

    def zeroed(s: Shown) -> dict[str, Tracked]:
        known = {**{n: s.then(n) for n in s.state if "." in n}, **s.carried}
        return {n: 0.0 * x for n, x in known.items() if "." in n and kind(n) not in GRADIENTS}

    yield Variant(
        "the state of the rule starts anew at this step",
        "state = zeros at the turn of an epoch, or of something else",
        "state goes on from step to step",
        "an optimiser made anew: PyTorch keeps optimizer.state over epochs",
        then=zeroed,
        sudden=True,
    )


def copied(scene: Scene) -> Iterator[Variant]:
    """Yield another entry of the same shape, stored under this one's name."""
    shown = scene.last
    x = shown.trace.get(scene.entry)
    if x is None or not np.ndim(x):
        return
    for source, entries in (("", earlier(scene)), (" of the step before", shown.state)):
        for other, y in entries.items():
            if other == scene.entry or np.shape(y) != np.shape(x) or y.dtype.kind != "f":
                continue
            if np.array_equal(x, y):
                what = f"{other}{source} stands where {scene.entry} should"
                yield made(what, partial(another, name=other, old=bool(source)))


def earlier(scene: Scene) -> dict[str, Array]:
    """Return the entries before this one: a later one may have been made of it."""
    before = scene.order[: scene.order.index(scene.entry)] if scene.entry in scene.order else ()
    return {n: scene.last.trace[n] for n in before if n in scene.last.trace}


def another(x: Tracked, shown: Shown, *, name: str, old: bool) -> Tracked:
    return shown.then(name) if old else shown.now(name)
