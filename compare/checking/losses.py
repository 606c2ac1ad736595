r"""Checking one loss, value and gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial, update_wrapper
from typing import Any

import numpy as np

from compare.checking.forms import loss_entries
from compare.checking.inputs import outputs
from compare.checking.likeness import LOSSES
from compare.checking.operations import Try, bare, laid_out, named, on_arrays, over, title
from compare.checking.steps import passed
from compare.checking.verdict import Verdict
from compare.configuration import Configuration, pair, resolve
from compare.formulas import losses
from compare.options import check_dtype
from compare.traces import Array, Trace
from compare.verification import Batch


def check_loss(
    function: Any,
    like: str,
    *,
    layout: str | None = None,
    dtype: str = "float64",
    seed: int = 0,
    name: str = "",
) -> Verdict:
    r"""Check a loss: `f(A, Y) -> (L, backward)`, `(L, dA)`, a pair `(f, df)`, or `f` alone; raise Wrong where it differs.

    A and Y are $(n_y, m)$, one example a column; Y comes first where the arguments' names say so, and
    holds class indices $(m,)$ where a cross entropy does not run on one-hot targets. A class or an
    object has `forward(A, Y)` and `backward`. Options are passed where it takes them.

    Args:
        function: the loss, in one of these forms.
        like: its name, with options.
        layout: "columns" as above, or "rows": A is $(m, n_y)$; the first in which it runs if None.
    """
    return passed(examine_loss(function, like, layout=layout, dtype=dtype, seed=seed, name=name))


def examine_loss(
    function: Any,
    like: str,
    *,
    layout: str | None = None,
    dtype: str = "float64",
    seed: int = 0,
    name: str = "",
) -> Verdict:
    """Return the verdict on a loss, whatever it is."""
    check_dtype(dtype)
    text, known, options = named(like, LOSSES, "loss")
    formulas = bare(loss=pair(losses, text), only="loss")
    reference = torch_loss(Configuration(loss=text))
    usual = next(outputs(known, dtype, seed))[1:]
    subject = name or title(function, "loss")

    def judged(rows: bool, turn: bool = False) -> Verdict:
        called, given, notes = with_targets(function, options, known, *usual, rows=rows)
        verdict = Verdict(subject, f"{known} as in PyTorch", notes=tuple(notes))

        cases = [(case, called, A, Y) for case, A, Y in outputs(known, dtype, seed)]
        if getattr(called, "by_autograd", False):
            cases.append((UPSTREAM, doubled(called), *usual))
        tries: Iterator[Try] = (
            (case, partial(loss_entries, f, A, given(Y), turn), Batch(A, Y, {}, {"A1": A}))
            for case, f, A, Y in cases
        )
        return over(tries, verdict, formulas, reference)

    found = laid_out(judged, layout)
    if found.divergence and judged((layout or "columns") != "columns", turn=True).right:
        return replace(found, notes=(*found.notes, TURNED))
    if found.case == UPSTREAM and found.divergence:
        return replace(found, notes=(*found.notes, UNMULTIPLIED))
    return found


TURNED = "it is right if its arguments are meant the other way round"
UPSTREAM = "an upstream gradient of 2, and what comes back halved"
UNMULTIPLIED = (
    "with an upstream gradient of 1 it is right: its backward has to multiply by what it is given"
)


def with_targets(
    function: Any, options: dict[str, Any], known: str, A: Array, Y: Array, *, rows: bool
) -> tuple[Any, Callable[[Array], Array], list[str]]:
    """Return a loss as a function of columns, what its targets are given as, and notes.

    Class indices are tried where a loss of classes does not run on one-hot targets.
    """
    plain, notes = on_arrays(function, options, A, Y, rows=rows)
    if not known.startswith("cross_entropy") or runs(plain, A, Y):
        return plain, np.copy, notes
    called, more = on_arrays(function, options, A, indices(Y), rows=rows)
    if runs(called, A, indices(Y)):
        return called, indices, [*more, "its targets are class indices"]
    return plain, np.copy, notes


def indices(Y: Array) -> Array:
    return np.asarray(np.argmax(Y, axis=0))


@np.errstate(all="ignore")
def runs(function: Any, A: Array, Y: Array) -> bool:
    try:
        loss_entries(function, A, Y)
    except Exception:  # it says so itself when it is checked
        return False
    return True


def doubled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loss whose backward, if it has one, is given an upstream gradient of 2, and its result halved."""

    def called(*given: Array) -> Any:
        result = function(*given)
        if not isinstance(result, tuple):
            return result
        value, backward = result
        return value, lambda: 0.5 * backward(2.0)

    return update_wrapper(called, function)


def torch_loss(c: Configuration) -> Callable[..., dict[str, Array]]:
    """Return what torch makes of A1 and Y."""

    def reference(state: Trace, X: Array, Y: Array) -> dict[str, Array]:
        import reference.losses
        from reference import conversion

        L, backward = resolve(reference.losses, c.loss)(
            conversion.rows(state["A1"]), conversion.rows(Y)
        )
        return {"loss": conversion.array(L), "dA1": conversion.columns(backward())}

    return reference
