r"""Checking one activation, value and gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from compare.checking.forms import activation_entries, reads_value
from compare.checking.inputs import arguments
from compare.checking.likeness import ACTIVATIONS
from compare.checking.operations import Try, bare, laid_out, named, on_arrays, over, title
from compare.checking.steps import passed
from compare.checking.verdict import Verdict
from compare.configuration import Configuration, pair, resolve
from compare.formulas import activations
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
