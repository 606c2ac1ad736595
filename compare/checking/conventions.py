r"""Other ways of showing the same step: gradients divided later, the short form, an array written over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from compare.checking.elsewhere import later
from compare.checking.judging import Judgement
from compare.diagnosis import Shown
from compare.diagnosis.statements import named
from compare.distances import distance
from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.stepping import Formulas
from compare.tolerances import CAP
from compare.verification import Batch

Statement = Callable[[Batch], Formulas]


def as_meant(
    j: Judgement,
    trace: Mapping[str, Any],
    batch: Batch,
    formulas: Statement,
    first: bool,
    read: Callable[..., Judgement],
    wrong: Callable[[Judgement], Divergence | None],
) -> tuple[Judgement, Divergence | None, Statement, list[str]]:
    """Return a step judged by the conventions it keeps to, what then is wrong if anything is, the formulas, and notes."""
    found, notes = wrong(j), list[str]()
    while found:
        for other, entries, past, note in conventions(found, j, trace, batch, formulas, first):
            again = read(entries, formulas=other(batch))
            left = wrong(again)
            judged = past in again.distances  # else nothing speaks for the convention
            if judged and (left is None or after(left.origin, past, again)):
                j, found, formulas, trace = again, left, other, entries
                notes.append(note)
                break
        else:
            break
    return j, found, formulas, notes


def after(name: str, other: str, j: Judgement) -> bool:
    """Tell whether an entry is computed after another."""
    order = list(j.expected)
    return {name, other} <= {*order} and order.index(name) > order.index(other)


Convention = tuple[Statement, Mapping[str, Any], str, str]


def conventions(
    found: Divergence,
    j: Judgement,
    trace: Mapping[str, Any],
    batch: Batch,
    formulas: Statement,
    first: bool,
) -> Iterator[Convention]:
    """Yield the formulas, the entries to judge by them, what then must be right, and a note, for each way in which a wrong entry may be right.

    The gradient at the output may have its short form, or not yet be divided by the number of examples,
    as the gradients of the parameters then are; those may be shown as they are after clipping, or summed
    over micro-batches; and an array may have been written over by a later entry.
    """
    short, L = shorter(j, batch), len(j.shown.formulas.activations)
    if short:
        yield short_of(formulas), trace, found.origin, SHORTENED.format(L=L)
    divided = [n for n in (f"dW{L}", f"W{L}" * linear(j.shown.formulas)) if n in j.distances]
    if first and divided and found.origin in (f"dA{L}", f"dZ{L}"):
        for whole, note in undivided(formulas, batch):
            told = f"{found.origin} is {note} times the gradient, which dW{L}, db{L}, ... are divided by"
            yield whole, trace, divided[0], told
            if short:
                yield short_of(whole), trace, divided[0], told
    yield from ((formulas, *rest) for rest in read_later(found.origin, trace, j.shown))
    if over := overwritten(found.origin, trace, j):
        note = f"{found.origin} is the same array as {over}, which is written over it: not judged"
        less = {n: x for n, x in trace.items() if n != found.origin}
        yield formulas, less, over, note


SHORT: Mapping[tuple[str, str], Callable[[Tracked], float]] = {
    ("sigmoid", "bce"): lambda A: float(A.value.size),
    ("softmax", "cross_entropy_on_probabilities"): lambda A: float(A.shape[1]),
}
SHORTENED = (
    "dZ{L} is the short form (A - Y) / N: what the chain gives, but where the output saturates, where "
    "torch's chain through the probabilities loses the gradient"
)


def shortened(formulas: Formulas, batch: Batch) -> Formulas | None:
    """Return the formulas with the short form of the gradient at the output, where there is one."""
    g, _ = formulas.activations[-1]
    N = SHORT.get((named(g)[0], named(formulas.loss[0])[0]))
    if N is None:
        return None
    Y = exact(batch.Y, batch.X.dtype)

    def gradient(z: Tracked, A: Tracked, dA: Tracked) -> Tracked:
        return (A.rounded(4.0) - Y) / (N(A) * formulas.accumulate / formulas.summed)

    return replace(formulas, activations=[*formulas.activations[:-1], (g, gradient)])


def short_of(formulas: Statement) -> Statement:
    """Return the formulas with the short form of the gradient at the output."""
    return lambda batch: shortened(formulas(batch), batch) or formulas(batch)


def shorter(j: Judgement, batch: Batch) -> Formulas | None:
    """Return the formulas with the short form of the gradient, where the gradient of the loss is not shown."""
    f = j.shown.formulas
    return None if f"dA{len(f.activations)}" in j.distances else shortened(f, batch)


def linear(f: Formulas) -> bool:
    """Tell whether the update tells a gradient from a multiple of it."""
    return getattr(f.rule, "__name__", "") in ("sgd", "momentum") and f.clip is None


def undivided(formulas: Statement, batch: Batch) -> Iterator[tuple[Statement, str]]:
    """Yield the formulas whose gradients are divided in the end, by the examples, outputs and micro-batches, in words."""
    k = formulas(batch).accumulate
    for outputs, what in ((True, "m n_y"), (False, "m")):
        yield summed_of(formulas, outputs), what
        if k > 1:
            yield summed_of(formulas, outputs, k), f"{what} k"
            yield summed_of(later(formulas), outputs), what


def summed_of(formulas: Statement, outputs: bool, k: int = 1) -> Statement:
    """Return the formulas whose gradients are divided by the examples in the end, and by the outputs, or by k."""

    def summed(batch: Batch) -> Formulas:
        n = batch.Y.size if outputs else batch.X.shape[1]
        return replace(formulas(batch), summed=float(n * k))

    return summed


def read_later(
    origin: str, trace: Mapping[str, Any], shown: Shown
) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """Yield the entries with the gradients of parameters read as what becomes of them, the last of these, and a note."""
    f, names = shown.formulas, [n for n in shown.parameters if f"d{n}" in trace]
    if origin.removeprefix("d") not in names:
        return
    for prefix, happens, what in (
        ("g.", f.clip is not None, "after clipping"),
        ("a.", f.accumulate > 1, "summed over the micro-batches"),
    ):
        if happens and not any(prefix + n in trace for n in names):
            read = {f"d{n}": prefix + n for n in names}
            note = f"dW1, ... are shown {what}: read as {prefix}W1, ..."
            yield {read.get(n, n): x for n, x in trace.items()}, prefix + names[-1], note


def overwritten(name: str, trace: Mapping[str, Any], j: Judgement) -> str:
    """Return the later entry that an entry shares its memory with; "" where there is none."""
    x = np.asarray(trace[name])
    known = (n for n in trace if x.ndim and n in j.expected and after(n, name, j))
    return next((n for n in known if np.shares_memory(x, np.asarray(trace[n]))), "")


def unscaled(j: Judgement) -> bool:
    """Tell whether the gradient at the output is that of the whole loss, not of its share 1/k."""
    L, k = len(j.shown.formulas.activations), j.shown.formulas.accumulate
    name = next((n for n in (f"{d}{L}" for d in ("dA", "dZ", "dW", "db")) if n in j.distances), "")
    if not name or j.distances[name].ratio <= CAP:
        return False
    return distance(j.shown.trace[name], j.expected[name] * float(k)).ratio <= CAP
