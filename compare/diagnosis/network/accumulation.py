r"""Mistakes of accumulating gradients over micro-batches: summed, never started anew, the last one alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from compare.diagnosis.scene import Scene, Shown, stepped
from compare.diagnosis.statements import line
from compare.diagnosis.variant import Variant, plain
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import total
from compare.formulas.stepping import Expected, Formulas
from compare.operands import Operands


def accumulations(scene: Scene) -> Iterator[Variant]:
    """Yield the gradients of micro-batches summed, the sum never started anew, or one of them alone."""
    n, right = scene.entry.removeprefix("a."), line(scene)
    yield plain("the gradients of the micro-batches are summed, not averaged",
                lambda r, s: summed(r, n), f"a_{n} = sum of the gradients of whole losses", right,
                same_as="a learning rate k times as large, as far as the rule is linear")  # fmt: skip
    yield plain("only the last micro-batch counts", lambda r, s: r.read(f"d{n}"),
                f"a_{n} = d{n}", right, source="zero_grad() before every backward()")  # fmt: skip
    if scene.last.formulas.late:
        yield plain("only the last micro-batch counts, divided by k", lambda r, s: own(r, s, n),
                    f"a_{n} = d{n} / k", right, source="= in place of +=")  # fmt: skip
        yield plain("the sum of the gradients over k is not started anew after the update",
                    lambda r, s: r.before(f"a.{n}") + own(r, s, n) if r.has(f"a.{n}") else own(r, s, n),
                    f"a_{n} goes on over the updates", right, source="zero_grad() forgotten")  # fmt: skip
    yield plain("divided by the number of examples, not of micro-batches",
                lambda r, s: per_example(r, s, n), f"a_{n} = sum of d{n} / m", right)  # fmt: skip
    yield plain("the sum is not started anew after the update",
                lambda r, s: r.before(f"a.{n}") + r.read(f"d{n}") if r.has(f"a.{n}") else r.read(f"d{n}"),
                f"a_{n} goes on over the updates", right, source="zero_grad() forgotten")  # fmt: skip
    yield plain("the running mean is taken of the last two alone",
                lambda r, s: halved(r, n), f"a_{n} = (a_{n} + d{n}) / 2", right)  # fmt: skip


def timings(scene: Scene) -> Iterator[Variant]:
    """Yield the update made at other micro-batches, or of the last one's gradient."""
    k = scene.last.formulas.accumulate
    if k < 2:
        return
    right = f"an update every {k} micro-batches, of their mean"
    for what, loss in (("", True), (", of the gradient of the whole loss", False)):
        yield Variant(f"the parameters are updated at every micro-batch{what}",
                      "W = W - lr * dW at every micro-batch", right,
                      formulas=partial(at_once, shared=loss))  # fmt: skip
    yield Variant("the update comes after the first micro-batch, and after every k more",
                  "if i % k == 0, with i from 0", "if (i + 1) % k == 0",
                  formulas=lambda f, s: replace(f, ahead=k - 1))  # fmt: skip
    for other in range(2, 9):
        if other != k:
            yield Variant(f"an update every {other} micro-batches where {k} were asked for", f"k = {other}", right,
                          formulas=partial(every, k=other))  # fmt: skip
    yield Variant("the parameters are updated at every micro-batch, by the sum so far",
                  "W = W - lr * a at every micro-batch", right, formulas=by_sum)  # fmt: skip
    yield Variant("the update is made with the last micro-batch's gradient, not with the mean",
                  "W = W - lr * dW", right, formulas=partial(of_last, scale=1.0))  # fmt: skip
    yield Variant("the update is made with the last micro-batch's gradient over k",
                  "W = W - lr * dW / k", right, formulas=partial(of_last, scale=1.0 / k))  # fmt: skip
    yield Variant("the update is made with the sum over k squared", "a / k, the loss already divided by k",
                  right, formulas=partial(of_last, scale=0.0))  # fmt: skip


def unzeroed(scene: Scene) -> Iterator[Variant]:
    """Yield the rule given the sum of all gradients so far, each of which is right by itself."""
    if len(scene.steps) > 1 and scene.last.formulas.accumulate == 1:
        yield Variant("the gradients of all steps so far are summed, never zeroed",
                      "loss.backward(), again and again", "zero_grad() before every backward()",
                      "PyTorch: .grad accumulates until optimizer.zero_grad()",
                      formulas=partial(piling, scene=scene))  # fmt: skip


def piling(formulas: Formulas, shown: Shown, *, scene: Scene) -> Formulas:
    """Return the formulas whose rule, and clipping, are given the gradients of this step and of those before."""
    past = before(shown, scene)

    def given(g: Mapping[str, Tracked], read: Callable[[str], Tracked]) -> Expected:
        sums = {n: total(x, *(made[f"d{n}"] for made in past)) for n, x in g.items()}
        if formulas.clip is not None:
            yield from formulas.clip(sums, read)
        else:
            yield from ((f"g.{n}", x) for n, x in sums.items())

    return replace(formulas, clip=given)


def before(shown: Shown, scene: Scene) -> list[Mapping[str, Tracked]]:
    """Return the gradients of every earlier step of the same run: as shown, else as the formulas have them."""
    for run in ((*scene.steps, *scene.after), *scene.elsewhere):
        for k, s in enumerate(run):
            if s.trace is shown.trace:
                return [gradients(earlier) for earlier in run[:k]]
    return []


def gradients(s: Shown) -> Mapping[str, Tracked]:
    names = [f"d{n}" for n in s.parameters]
    if all(n in s.trace for n in names):
        return {n: s.now(n) for n in names}
    return {n: s.now(n) if n in s.trace else x for n, x in stepped(s, s.formulas) if n in names}


def at_once(formulas: Formulas, shown: Shown, *, shared: bool) -> Formulas:
    """Return the formulas that update at every micro-batch; `shared`: of its share of the loss."""
    loss, gradient = formulas.loss
    share = 1.0 / formulas.accumulate if shared else 1.0
    changed = (loss, lambda A, Y: gradient(A, Y) * share)
    return replace(formulas, accumulate=1, loss=changed)


def every(formulas: Formulas, shown: Shown, *, k: int) -> Formulas:
    return replace(formulas, accumulate=k)


def by_sum(formulas: Formulas, shown: Shown) -> Formulas:
    """Return the formulas that update at every micro-batch by the sum that is shown."""

    def given(g: Mapping[str, Tracked], read: Callable[[str], Tracked]) -> Expected:
        for n in g:
            yield f"g.{n}", read(f"a.{n}")

    return replace(formulas, accumulate=1, clip=given)


def of_last(formulas: Formulas, shown: Shown, *, scale: float) -> Formulas:
    """Return the formulas whose update has `scale` times the last gradient; 0: the mean over k once more."""
    k = float(formulas.accumulate)

    def given(g: Mapping[str, Tracked], read: Callable[[str], Tracked]) -> Expected:
        for n, a in g.items():
            yield f"g.{n}", a / k if scale == 0.0 else read(f"d{n}") * scale

    return replace(formulas, clip=given)


def own(r: Operands, s: Shown, n: str) -> Tracked:
    """Return the share of this micro-batch."""
    g = r.read(f"d{n}")
    return g * (1.0 / s.formulas.accumulate) if s.formulas.late else g


def per_example(r: Operands, s: Shown, n: str) -> Tracked:
    scale = 1.0 if s.formulas.late else float(s.formulas.accumulate)
    g = r.read(f"d{n}") * (scale / float(s.X.shape[1]))
    return g if first(r, n) else r.before(f"a.{n}") + g


def first(r: Operands, n: str) -> bool:
    return int(r.read("micro").value) == 1 or not r.has(f"a.{n}")


def summed(r: Operands, n: str) -> Tracked:
    """Return the sum of the gradients as they are."""
    return r.read(f"d{n}") if first(r, n) else r.before(f"a.{n}") + r.read(f"d{n}")


def halved(r: Operands, n: str) -> Tracked:
    return r.read(f"d{n}") if first(r, n) else 0.5 * (r.before(f"a.{n}") + r.read(f"d{n}"))
