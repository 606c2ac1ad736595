r"""Mistakes of dW, db and of what a layer passes back: means for sums, the wrong operand, weights updated too soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from compare.diagnosis.network.derivatives import divisors
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.statements import line
from compare.diagnosis.variant import Variant, plain
from compare.formulas.arithmetic import Tracked
from compare.formulas.network import source as input_of
from compare.operands import Operands

SEEN = "1/m is already in dZ"
PENALTIES = (1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 0.05, 0.1, 0.5, 1.0)


def bias_gradients(scene: Scene) -> Iterator[Variant]:
    """Yield db as a mean, of one example, of everything, or of another gradient."""
    l, right = scene.layer, line(scene)
    dZ = f"dZ{l}"
    yield plain("the mean over the examples, not the sum",
                lambda r, s: r.read(dZ).sum(axis=1) / float(s.X.shape[1]),
                f"db{l} = {dZ}.mean(axis=1)", right, source=SEEN)  # fmt: skip
    yield plain("the first example alone", lambda r, s: column(r.read(dZ), 0),
                f"db{l} = {dZ}[:, :1]", right)  # fmt: skip
    yield plain("the last example alone", lambda r, s: column(r.read(dZ), -1),
                f"db{l} = {dZ}[:, -1:]", right)  # fmt: skip
    yield plain("summed over everything",
                lambda r, s: r.read(dZ).sum() + 0.0 * r.read(dZ).sum(axis=1),
                f"db{l} = {dZ}.sum()", right)  # fmt: skip
    yield plain("summed over the units, not the examples",
                lambda r, s: r.read(dZ).sum(axis=0).T, f"db{l} = {dZ}.sum(axis=0)", right)  # fmt: skip
    yield plain(f"dA{l} summed in place of {dZ}", lambda r, s: r.read(f"dA{l}").sum(axis=1),
                f"db{l} = dA{l}.sum(axis=1)", right)  # fmt: skip
    yield plain("the last example left out", lambda r, s: but_last(r.read(dZ)).sum(axis=1),
                f"db{l} = {dZ}[:, :-1].sum(axis=1)", right, source="range(m - 1)")  # fmt: skip
    yield from penalised(scene, f"b{l}", lambda r: r.read(dZ).sum(axis=1))


def but_last(x: Tracked) -> Tracked:
    """Return all columns but the last."""
    return Tracked(x.value[:, :-1], None if x.error is None else x.error[:, :-1], x.u, x.terms)


def column(x: Tracked, j: int) -> Tracked:
    return Tracked(x.value[:, [j]], None, x.u)


def weight_gradients(scene: Scene) -> Iterator[Variant]:
    """Yield dW of other operands, as a mean, or with the penalty in it."""
    l, right, source = scene.layer, line(scene), input_of(scene.layer, scene.last.formulas.dropout)
    yield plain(f"dA{l} in place of dZ{l}", lambda r, s: r.read(f"dA{l}") @ r.read(source).T,
                f"dW{l} = dA{l} @ {source}.T", right)  # fmt: skip
    yield plain("the mean over the examples once more",
                lambda r, s: r.read(f"dZ{l}") @ r.read(source).T / float(s.X.shape[1]),
                f"{right} / m", right, source=SEEN)  # fmt: skip
    if l > 1:
        yield plain(f"Z{l - 1} in place of {source}, the activation left out",
                    lambda r, s: r.read(f"dZ{l}") @ r.read(f"Z{l - 1}").T,
                    f"dW{l} = dZ{l} @ Z{l - 1}.T", right)  # fmt: skip
    if l > 1 and source[0] == "D":
        yield plain(f"A{l - 1} in place of {source}, dropout left out",
                    lambda r, s: r.read(f"dZ{l}") @ r.read(f"A{l - 1}").T,
                    f"dW{l} = dZ{l} @ A{l - 1}.T", right)  # fmt: skip
    yield plain("the product of the means, not the mean of the products",
                lambda r, s: r.read(f"dZ{l}").sum(axis=1) @ (r.read(source).sum(axis=1) / float(s.X.shape[1])).T,
                f"dW{l} = dZ{l}.sum(axis=1) @ {source}.mean(axis=1).T", right)  # fmt: skip
    yield plain(f"{source} {untransposed(scene, source)}",
                lambda r, s: r.read(f"dZ{l}") @ reshaped(r.read(source)),
                f"dW{l} = dZ{l} @ {source}.reshape(m, -1)", right, source="reshape is not .T")  # fmt: skip
    yield plain("the last example left out",
                lambda r, s: but_last(r.read(f"dZ{l}")) @ but_last(r.read(source)).T,
                f"dW{l} = dZ{l}[:, :-1] @ {source}[:, :-1].T", right, source="range(m - 1)")  # fmt: skip
    yield plain(f"{source} centred: its mean over the examples subtracted",
                lambda r, s: r.read(f"dZ{l}") @ centred(r.read(source)).T,
                f"dW{l} = dZ{l} @ ({source} - {source}.mean(axis=1)).T", right)  # fmt: skip
    for what, pick in (("first", slice(0, 1)), ("last", slice(-1, None))):
        yield plain(f"the {what} example alone",
                    partial(outer, dZ=f"dZ{l}", source=source, which=pick),
                    f"dW{l} = the outer product of example {'0' if what == 'first' else '-1'}",
                    right)  # fmt: skip
    yield from penalised(scene, f"W{l}", lambda r: r.read(f"dZ{l}") @ r.read(source).T)


def reshaped(x: Tracked) -> Tracked:
    """Return the numbers of x, row by row, in the shape of its transpose."""
    shape = x.value.shape[::-1]
    error = None if x.error is None else x.error.reshape(shape)
    return Tracked(x.value.reshape(shape), error, x.u, x.terms)


def untransposed(scene: Scene, name: str) -> str:
    """Return what a matrix is that was reshaped where it should be transposed: of a square one, not transposed."""
    x = {"X": scene.last.X, **scene.last.state, **scene.last.trace}.get(name)
    square = x is not None and x.shape == x.shape[::-1]
    return "not transposed" if square else "reshaped where it should be transposed"


def centred(x: Tracked) -> Tracked:
    return x - x.sum(axis=1) / float(x.shape[1])


def outer(r: Operands, s: Shown, *, dZ: str, source: str, which: slice) -> Tracked:
    """Return the outer product of some examples alone."""
    d, a = r.read(dZ), r.read(source)
    return Tracked(d.value[:, which], None, d.u) @ Tracked(a.value[:, which], None, a.u).T


def penalised(
    scene: Scene, parameter: str, gradient: Callable[[Operands], Tracked]
) -> Iterator[Variant]:
    """Yield the gradient with the penalty of weight decay in it, which belongs to the rule, or is not asked for."""
    wd = float(scene.last.formulas.hyperparameters.get("weight_decay") or 0.0)
    m = float(scene.last.X.shape[1])
    for amount in PENALTIES if not wd else ():
        for what, factor in (("", 1.0), (" / m", 1.0 / m)):
            penalty = f"{amount:g}{what} * {parameter}"
            yield plain(f"a penalty that was not asked for: {penalty} added to d{parameter}",
                        partial(with_penalty, gradient=gradient, amount=factor * amount, parameter=parameter),
                        f"{line(scene)} + {penalty}", line(scene))  # fmt: skip
    forms = (
        ("weight decay", 1.0),
        ("twice the weight decay", 2.0),
        ("weight decay over m", 1.0 / m),
    )
    for what, factor in forms if wd else ():
        yield plain(
            f"{what} added to d{parameter} itself",
            partial(with_penalty, gradient=gradient, amount=factor * wd, parameter=parameter),
            f"{line(scene)} + weight_decay * {parameter}",
            line(scene),
            same_as="right, if the rule's own weight decay is left out" if factor == 1.0 else "",
        )


def with_penalty(
    r: Operands,
    s: Shown,
    *,
    gradient: Callable[[Operands], Tracked],
    amount: float,
    parameter: str,
) -> Tracked:
    return gradient(r) + amount * r.before(parameter)


def passed_back(scene: Scene) -> Iterator[Variant]:
    """Yield what a layer passes back of other weights, of one unit alone, or with a factor kept or lost."""
    l, right = scene.layer, line(scene)
    if l >= scene.depth or (scene.kind == "dA" and scene.last.formulas.dropout):
        return
    W, dZ = f"W{l + 1}", f"dZ{l + 1}"
    yield Variant(f"{W} is updated before {scene.entry} is computed",
                  f"{scene.entry} = {W}_new.T @ {dZ}", f"{right}, with {W} of the forward pass",
                  "two loops in one: update while going back",
                  then=lambda s: {W: s.now(W)} if W in s.trace else {})  # fmt: skip
    yield plain(f"{W} {untransposed(scene, W)}",
                lambda r, s: reshaped(r.before(W)) @ r.read(dZ),
                f"{scene.entry} = {W}.reshape(-1, n) @ {dZ}", right, source="reshape is not .T")  # fmt: skip
    for what, pick in (("first", slice(0, 1)), ("last", slice(-1, None))):
        text = ":1" if what == "first" else "-1:"
        yield plain(f"only the {what} output unit contributes",
                    partial(one_unit, W=W, dZ=dZ, which=pick),
                    f"{scene.entry} = {W}[{text}].T @ {dZ}[{text}]", right)  # fmt: skip
    yield plain(f"dA{l + 1} in place of {dZ}",
                lambda r, s: r.before(W).T @ r.read(f"dA{l + 1}"),
                f"{scene.entry} = {W}.T @ dA{l + 1}", right)  # fmt: skip
    for n, divisor in divisors(scene.last).items():
        if divisor != 1.0:
            yield Variant(f"the factor 1/{n} is kept in the output layer only",
                          f"{right} * {n}", right, result=partial(times, c=divisor))  # fmt: skip


def times(x: Tracked, shown: Shown, *, c: float) -> Tracked:
    return x * c


def one_unit(r: Operands, s: Shown, *, W: str, dZ: str, which: slice) -> Tracked:
    w, d = r.before(W), r.read(dZ)
    return Tracked(w.value[which].T, None, w.u) @ Tracked(d.value[which], None, w.u)
