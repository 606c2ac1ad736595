r"""Checking one activation or one loss, value and gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare.checking import tensors
from compare.checking.elsewhere import Run, told_apart
from compare.checking.examination import examine
from compare.checking.forms import Shown, activation_entries, bound, loss_entries, reads_value
from compare.checking.inputs import arguments, outputs
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
    function: Any, like: str, *, dtype: str = "float64", seed: int = 0, name: str = ""
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
    """
    return passed(examine_activation(function, like, dtype=dtype, seed=seed, name=name))


def check_loss(
    function: Any, like: str, *, dtype: str = "float64", seed: int = 0, name: str = ""
) -> Verdict:
    r"""Check a loss: `f(A, Y) -> (L, backward)`, `(L, dA)`, a pair `(f, df)`, or `f` alone; raise Wrong where it differs.

    A and Y are $(n_y, m)$, one example a column; Y comes first where the arguments' names say so. A class
    or an object has `forward(A, Y)` and `backward`. Options are passed where it takes them.
    """
    return passed(examine_loss(function, like, dtype=dtype, seed=seed, name=name))


def examine_activation(
    function: Any, like: str, *, dtype: str = "float64", seed: int = 0, name: str = ""
) -> Verdict:
    """Return the verdict on an activation, whatever it is."""
    check_dtype(dtype)
    text, known, options = named(like, ACTIVATIONS, "activation")
    formulas = bare(activations=[pair(activations, text)], only="activation")
    usual = next(arguments(dtype, seed))[1]
    called, notes = on_arrays(function, options, usual)
    of_a, more = reads_value(called, usual, formulas.activations[0])
    subject = name or title(function, "activation")
    verdict = Verdict(subject, f"{known} as in PyTorch", notes=(*notes, *more))

    def tries() -> Iterator[Try]:
        for case, z in arguments(dtype, seed):
            da = np.random.default_rng(seed + 1).normal(size=z.shape).astype(dtype)
            show = partial(activation_entries, called, z, da, of_a)
            yield case, show, Batch(z, z, {}, {"Z1": z, "dA1": da})

    return over(tries(), verdict, formulas, torch_activation(Configuration(activations=(text,))))


def examine_loss(
    function: Any, like: str, *, dtype: str = "float64", seed: int = 0, name: str = ""
) -> Verdict:
    """Return the verdict on a loss, whatever it is."""
    check_dtype(dtype)
    text, known, options = named(like, LOSSES, "loss")
    called, notes = on_arrays(function, options, *next(outputs(known, dtype, seed))[1:])
    subject = name or title(function, "loss")
    verdict = Verdict(subject, f"{known} as in PyTorch", notes=tuple(notes))
    formulas, reference = (
        bare(loss=pair(losses, text), only="loss"),
        torch_loss(Configuration(loss=text)),
    )

    def tries(turn: bool) -> Iterator[Try]:
        for case, A, Y in outputs(known, dtype, seed):
            yield case, partial(loss_entries, called, A, Y, turn), Batch(A, Y, {}, {"A1": A})

    found = over(tries(False), verdict, formulas, reference)
    if found.divergence and over(tries(True), verdict, formulas, reference).right:
        return replace(found, notes=(*found.notes, TURNED))
    return found


def on_arrays(function: Any, options: dict[str, Any], *usual: Array) -> tuple[Any, list[str]]:
    """Return what is handed over as a function of arrays with its options, and notes; `usual` is what it is tried on."""
    called, notes = bound(tensors.applied(function), options)
    called, more = tensors.of_arrays(called, *usual)
    return called, [*notes, *more]


TURNED = "it is right if its arguments are meant the other way round"


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
