r"""Checking one activation or one loss, value and gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial, update_wrapper
from typing import Any

import numpy as np

from compare.checking import tensors
from compare.checking.crossings import of_columns
from compare.checking.elsewhere import Run, told_apart
from compare.checking.examination import examine
from compare.checking.forms import Shown, activation_entries, bound, loss_entries, reads_value
from compare.checking.inputs import arguments, outputs
from compare.checking.layouts import check_layout
from compare.checking.likeness import ACTIVATIONS, LOSSES, single
from compare.checking.steps import passed
from compare.checking.verdict import Verdict
from compare.configuration import Configuration, pair, resolve
from compare.formulas import activations, losses, optimizers
from compare.formulas.stepping import Formulas
from compare.options import check_dtype
from compare.traces import Array, Trace
from compare.verification import Batch


def check_activation(
    function: Any,
    like: str,
    *,
    layout: str | None = None,
    dtype: str = "float64",
    seed: int = 0,
    name: str = "",
) -> Verdict:
    r"""Check an activation: `f(z) -> (a, backward)`, a pair `(f, df)`, or `f` alone; raise Wrong where it differs.

    z is $(n, m)$. `backward(da)` returns dz; `df(z)` returns the derivative, and may take a instead
    (tanh's $1 - a^2$) if that is what fits, or `df(da, z)` dz. `f(z)` may return (a, cache), which
    `df(da, cache)` is given. A class or an object has `forward` and `backward`, or is called and has
    `gradient`. Options are passed where it takes them. With `f` alone the gradient is not shown, unless
    f is one of tensors (`nn.Module`, `autograd.Function`, a function that takes no arrays): then
    autograd differentiates it, and z is $(m, n)$.

    Args:
        function: the activation, in one of these forms.
        like: its name, with options: "leaky_relu(negative_slope=0.2)".
        layout: "columns" as above, or "rows": z is $(m, n)$; the first in which it runs if None.
    """
    return passed(
        examine_activation(function, like, layout=layout, dtype=dtype, seed=seed, name=name)
    )


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


def examine_activation(
    function: Any,
    like: str,
    *,
    layout: str | None = None,
    dtype: str = "float64",
    seed: int = 0,
    name: str = "",
) -> Verdict:
    """Return the verdict on an activation, whatever it is."""
    check_dtype(dtype)
    text, known, options = named(like, ACTIVATIONS, "activation")
    formulas = bare(activations=[pair(activations, text)], only="activation")
    usual = next(arguments(dtype, seed))[1]
    subject = name or title(function, "activation")

    def judged(rows: bool) -> Verdict:
        called, notes = on_arrays(function, options, usual, rows=rows)
        of_a, more = reads_value(called, usual, formulas.activations[0])
        verdict = Verdict(subject, f"{known} as in PyTorch", notes=(*notes, *more))

        def tries() -> Iterator[Try]:
            for case, z in arguments(dtype, seed):
                da = np.random.default_rng(seed + 1).normal(size=z.shape).astype(dtype)
                show = partial(activation_entries, called, z, da, of_a)
                yield case, show, Batch(z, z, {}, {"Z1": z, "dA1": da})

        return over(
            tries(), verdict, formulas, torch_activation(Configuration(activations=(text,)))
        )

    return laid_out(judged, layout)


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

        def tries() -> Iterator[Try]:
            for case, A, Y in outputs(known, dtype, seed):
                yield (
                    case,
                    partial(loss_entries, called, A, given(Y), turn),
                    Batch(A, Y, {}, {"A1": A}),
                )
            if getattr(called, "by_autograd", False):
                A, Y = usual
                show = partial(loss_entries, doubled(called), A, given(Y), turn)
                yield UPSTREAM, show, Batch(A, Y, {}, {"A1": A})

        return over(tries(), verdict, formulas, reference)

    found = laid_out(judged, layout)
    if found.divergence and judged((layout or "columns") != "columns", turn=True).right:
        return replace(found, notes=(*found.notes, TURNED))
    if found.case == UPSTREAM and found.divergence:
        return replace(found, notes=(*found.notes, UNMULTIPLIED))
    return found


def laid_out(judged: Callable[[bool], Verdict], layout: str | None) -> Verdict:
    """Return the verdict on columns or rows; where none is named, on the first in which it runs, and say if rows are right."""
    check_layout(layout)
    if layout:
        return judged(layout != "columns")
    found = judged(False)
    if found.right:
        return found
    other = judged(True)
    if found.error and not found.arrays and not other.error:
        return other
    return replace(found, notes=(*found.notes, IN_ROWS)) if other.right else found


def on_arrays(
    function: Any, options: dict[str, Any], *usual: Array, rows: bool = False
) -> tuple[Any, list[str]]:
    """Return what is handed over as a function of columns with its options, and notes; `usual` is what it is tried on."""
    called, notes = bound(tensors.applied(function), options)
    called, more = of_columns(tensors.applied(called), *usual, rows=rows)
    return called, [*notes, *more]


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


TURNED = "it is right if its arguments are meant the other way round"
IN_ROWS = "it is right if each row is an example, where each column is one here: layout rows"
UPSTREAM = "an upstream gradient of 2, and what comes back halved"
UNMULTIPLIED = (
    "with an upstream gradient of 1 it is right: its backward has to multiply by what it is given"
)


Try = tuple[
    str, Callable[[], Shown], Batch
]  # its name, what shows the entries with notes, the batch


def over(
    tries: Iterable[Try],
    verdict: Verdict,
    formulas: Formulas,
    reference: Callable[..., dict[str, Array]],
) -> Verdict:
    """Return the verdict after each of the tries; the first that is wrong, or cannot be called, ends it."""
    agreed: list[Run] = []
    for case, show, batch in tries:
        try:
            with np.errstate(all="ignore"):
                shown, notes = show()
            steps = [(shown, batch)]
            verdict = replace(verdict, notes=tuple(dict.fromkeys((*verdict.notes, *notes))))
            verdict = examine(verdict, lambda b: formulas, {}, steps, reference, case=case)
        except Exception as error:
            return verdict.stopped(case, error)
        if not verdict.right:
            return told_apart(verdict, agreed)
        agreed.append((lambda b: formulas, {}, steps))
    return verdict


def named(like: str, known: list[str], what: str) -> tuple[str, str, dict[str, Any]]:
    """Return the formula's text, with options in brackets, its name, and the options."""
    name, options = single(like)
    if name not in known:
        raise ValueError(f"unknown {what} {name!r}; there are {', '.join(known)}")
    given = ", ".join(f"{k}={v!r}" for k, v in options.items())
    return (f"{name}({given})" if options else name), name, options


def title(function: Any, default: str) -> str:
    first = function[0] if isinstance(function, tuple) else function
    return getattr(first, "__name__", default)


def bare(**parts: Any) -> Formulas:
    """Return formulas of which only one part is asked for."""
    empty = {"activations": [pair(activations, "identity")], "loss": pair(losses, "mse")}
    return Formulas(**{**empty, "rule": optimizers.sgd, "hyperparameters": {}, **parts})


def torch_activation(c: Configuration) -> Callable[..., dict[str, Array]]:
    """Return what torch makes of Z1 and dA1."""

    def reference(state: Trace, X: Array, Y: Array) -> dict[str, Array]:
        import reference.activations
        from reference import conversion

        g = resolve(reference.activations, c.activations[0])
        A, backward = g(conversion.rows(state["Z1"]))
        dZ = backward(conversion.rows(state["dA1"]))
        return {"A1": conversion.columns(A), "dZ1": conversion.columns(dZ)}

    return reference


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
