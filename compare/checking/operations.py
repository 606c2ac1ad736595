r"""Checking one activation or one loss, value and gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare.checking.calling import accepted, targets_first
from compare.checking.elsewhere import Run, told_apart
from compare.checking.examination import examine
from compare.checking.inputs import arguments, outputs
from compare.checking.likeness import ACTIVATIONS, LOSSES, single
from compare.checking.steps import passed
from compare.checking.verdict import Verdict
from compare.configuration import Configuration, pair, resolve
from compare.formulas import activations, losses, optimizers
from compare.formulas.stepping import Formulas
from compare.options import check_dtype
from compare.tolerances import ALIKE
from compare.traces import Array, Trace
from compare.verification import Batch


def check_activation(
    function: Any, like: str, *, dtype: str = "float64", seed: int = 0, name: str = ""
) -> Verdict:
    r"""Check an activation: `f(z) -> (a, backward)`, a pair `(f, df)`, or `f` alone; raise Wrong where it differs.

    z is $(n, m)$. `backward(da)` returns dz; `df(z)` returns the derivative, and may take a instead
    (tanh's $1 - a^2$) if that is what fits. With `f` alone the gradient is not shown.

    Args:
        function: the activation, in one of these forms.
        like: its name, with options: "leaky_relu(negative_slope=0.2)".
    """
    return passed(examine_activation(function, like, dtype=dtype, seed=seed, name=name))


def check_loss(
    function: Any, like: str, *, dtype: str = "float64", seed: int = 0, name: str = ""
) -> Verdict:
    r"""Check a loss: `f(A, Y) -> (L, backward)`, `(L, dA)`, a pair `(f, df)`, or `f` alone; raise Wrong where it differs.

    A and Y are $(n_y, m)$, one example a column.
    """
    return passed(examine_loss(function, like, dtype=dtype, seed=seed, name=name))


def examine_activation(
    function: Any, like: str, *, dtype: str = "float64", seed: int = 0, name: str = ""
) -> Verdict:
    """Return the verdict on an activation, whatever it is."""
    check_dtype(dtype)
    text, known = named(like, ACTIVATIONS, "activation")
    verdict = Verdict(name or title(function, "activation"), f"{known} as in PyTorch")
    formulas = bare(activations=[pair(activations, text)], only="activation")

    def tries() -> Iterator[Try]:
        for case, z in arguments(dtype, seed):
            da = np.random.default_rng(seed + 1).normal(size=z.shape).astype(dtype)
            show = partial(activation_entries, function, z, da, formulas)
            yield case, show, Batch(z, z, {}, {"Z1": z, "dA1": da})

    return over(tries(), verdict, formulas, torch_activation(Configuration(activations=(text,))))


def examine_loss(
    function: Any, like: str, *, dtype: str = "float64", seed: int = 0, name: str = ""
) -> Verdict:
    """Return the verdict on a loss, whatever it is."""
    check_dtype(dtype)
    text, known = named(like, LOSSES, "loss")
    verdict = Verdict(name or title(function, "loss"), f"{known} as in PyTorch")

    def tries() -> Iterator[Try]:
        for case, A, Y in outputs(known, dtype, seed):
            yield case, partial(loss_entries, function, A, Y), Batch(A, Y, {}, {"A1": A})

    formulas = bare(loss=pair(losses, text), only="loss")
    return over(tries(), verdict, formulas, torch_loss(Configuration(loss=text)))


Shown = tuple[dict[str, Any], list[str]]
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


def named(like: str, known: list[str], what: str) -> tuple[str, str]:
    """Return the formula's text, with options in brackets, and its name."""
    name, options = single(like)
    if name not in known:
        raise ValueError(f"unknown {what} {name!r}; there are {', '.join(known)}")
    given = ", ".join(f"{k}={v!r}" for k, v in options.items())
    return (f"{name}({given})" if options else name), name


def title(function: Any, default: str) -> str:
    first = function[0] if isinstance(function, tuple) else function
    return getattr(first, "__name__", default)


def bare(**parts: Any) -> Formulas:
    """Return formulas of which only one part is asked for."""
    empty = {"activations": [pair(activations, "identity")], "loss": pair(losses, "mse")}
    return Formulas(**{**empty, "rule": optimizers.sgd, "hyperparameters": {}, **parts})


def activation_entries(function: Any, z: Array, da: Array, formulas: Formulas) -> Shown:
    """Return what the activation shows, A1 and dZ1; ValueError where it cannot be told."""
    if hasattr(function, "forward") and hasattr(function, "backward"):
        made = function() if isinstance(function, type) else function
        return {"A1": made.forward(z.copy()), "dZ1": made.backward(da.copy())}, [
            "forward and backward methods"
        ]
    f, df = function if isinstance(function, tuple | list) else (function, None)
    result = f(z.copy())
    if isinstance(result, tuple) and len(result) == 2:
        a, back = result
        return {"A1": a, "dZ1": back(da.copy()) if callable(back) else da * np.asarray(back)}, []
    if df is None:
        return {"A1": result}, []
    required = accepted(df)[0]
    if len(required) > 1:
        raise ValueError(
            f"its derivative takes {len(required)} arguments, {', '.join(sorted(required))}: which is which? "
            "Hand over f(z) -> (a, backward), or a derivative of one argument"
        )
    slope, note = derivative(df, z, np.asarray(result), formulas)
    return {"A1": result, "dZ1": da * slope}, note


def derivative(
    df: Callable[[Array], Any], z: Array, a: Array, formulas: Formulas
) -> tuple[Array, list[str]]:
    """Return df(z), or df(a) where only that is the derivative, and its argument is not called z or x."""
    from compare.formulas.arithmetic import exact

    gradient = formulas.activations[0][1]
    one = exact(np.ones_like(z), z.dtype)
    right = gradient(exact(z, z.dtype), exact(a.astype(z.dtype), z.dtype), one).value.astype(
        np.float64
    )
    of_z, of_a = np.asarray(df(z.copy())), np.asarray(df(a.copy()))
    near = [bool(np.allclose(x, right, *ALIKE, equal_nan=True)) for x in (of_z, of_a)]
    if near == [False, True] and not {"z", "x"} & accepted(df)[0]:
        return of_a, ["its derivative is a function of a, and is called with a"]
    return of_z, []


def loss_entries(function: Any, A: Array, Y: Array) -> Shown:
    """Return what the loss shows, its value and dA1."""
    f, df = function if isinstance(function, tuple | list) else (function, None)
    swap = targets_first(f)
    notes = ["called as f(targets, outputs), as its arguments are named"] if swap else []
    given = (Y.copy(), A.copy()) if swap else (A.copy(), Y.copy())
    result = f(*given)
    if isinstance(result, tuple) and len(result) == 2:
        value, back = result
        return {"loss": value, "dA1": back() if callable(back) else back}, notes
    if df is None:
        return {"loss": result}, notes
    return {"loss": result, "dA1": df(*given)}, notes


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
