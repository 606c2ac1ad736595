r"""Functions that want their arrays in another form, turned into functions of columns: of tensors, or of rows.

A function of tensors is known by that it takes them and no arrays; which way round a function of
arrays has its examples only its author knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, update_wrapper
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from compare.checking.calling import required, targets_first
from compare.checking.forms import layer, parted
from compare.traces import Array
from reference import conversion


@dataclass(frozen=True)
class Form:
    """What arrays are given as, and what comes back is taken as; a note for the reader."""

    given: Callable[[Any], Any]
    taken: Callable[[Any], Any]
    note: str


def turned(x: Any) -> Any:
    """Return a matrix with its examples the other way round; anything else as it is."""
    return np.array(x.T, order="C") if isinstance(x, np.ndarray) and x.ndim == 2 else x


def tensor(x: Any) -> Any:
    """Return an array as a tensor, a matrix with one example a row; anything else as it is."""
    if not isinstance(x, np.ndarray):
        return x
    return conversion.rows(x) if x.ndim == 2 else conversion.tensor(x)


def untensored(x: Any) -> Any:
    """Return a tensor as an array, what has one example a row in columns."""
    if not isinstance(x, Tensor):
        return turned(x)
    return conversion.columns(x) if x.ndim == 2 else conversion.array(x.detach())


ROWS = Form(turned, turned, "it is given one example a row")
TENSORS = Form(tensor, untensored, "it is given tensors, one example a row")
AUTOGRAD = "; autograd forms its gradient where it has none of its own"


def of_columns(function: Any, *given: Array, rows: bool = False) -> tuple[Any, list[str]]:
    """Return what is handed over as what takes columns, and a note; with `rows` it wants one example a row.

    `given` are arguments to try it on.

    >>> a, backward = of_columns(torch.tanh, np.zeros((1, 2)))[0](np.zeros((1, 2)))
    >>> a, backward(np.ones((1, 2)))
    (array([[0., 0.]]), array([[1., 1.]]))
    """
    methods = layer(function)
    f, df = methods or parted(function)
    both = [f] if methods or df is None else [f, df]
    form = TENSORS if any(takes(x, *enough(x, given)) for x in both) else ROWS if rows else None
    if form is None:
        return function, []
    if methods:
        return SimpleNamespace(forward=crossing(f, form), backward=crossing(df, form)), [form.note]
    if df is not None:
        return (crossing(f, form), crossing(df, form)), [form.note]
    if form is ROWS or failure(differentiated(f), given, np.copy):  # it reads them as arrays
        return crossing(f, form), [form.note]
    return differentiated(f), [form.note + AUTOGRAD]


def crossing(function: Callable[..., Any], form: Form) -> Callable[..., Any]:
    """Return a function of another form as one of columns, and so what it returns."""

    def called(*arrays: Any) -> Any:
        return returned(function(*(handed(x, form) for x in arrays)), form)

    return update_wrapper(called, getattr(function, "forward", function))


def handed(x: Any, form: Form) -> Any:
    """Return an argument in another form, what is kept for a backward too."""
    return tuple(handed(y, form) for y in x) if isinstance(x, tuple) else form.given(x)


def returned(value: Any, form: Form) -> Any:
    if isinstance(value, tuple):
        return tuple(returned(x, form) for x in value)
    return crossing(value, form) if callable(value) else form.taken(value)


def differentiated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of tensors as one of arrays, with its backward by the outputs where autograd has one."""
    of = 1 if targets_first(getattr(function, "forward", function)) else 0

    def called(*arrays: Any) -> Any:
        inputs = [tensor(x) for x in arrays]
        leaf = inputs[of].requires_grad_()
        inputs[of] = leaf.clone()  # which it may write to
        value = function(*inputs)
        if not isinstance(value, Tensor) or not value.requires_grad:
            return returned(value, TENSORS)
        return untensored(value), partial(backward, value, leaf)

    called.by_autograd = True  # type: ignore[attr-defined]
    return update_wrapper(called, getattr(function, "forward", function))


def backward(value: Tensor, leaf: Tensor, d: Any = 1.0) -> Array:
    """Return the gradient of a value by a leaf, given that by the value."""
    upstream = torch.full_like(value, float(d)) if np.ndim(d) == 0 else tensor(d)
    (gradient,) = torch.autograd.grad(value, leaf, upstream, allow_unused=True)
    out: Array = untensored(torch.zeros_like(leaf) if gradient is None else gradient)
    return out


def known(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of tensors, which is one whatever it does with arrays."""
    function.of_tensors = True  # type: ignore[attr-defined]
    return function


def takes(function: Any, *given: Any) -> bool:
    """Tell whether a function is one of tensors: it fails on arrays, in columns and in rows, and does not on them."""
    if getattr(getattr(function, "func", function), "of_tensors", False):
        return True
    if not callable(function):
        return False
    arrays = (failure(function, given, form) for form in (np.copy, turned))
    return all(arrays) and not failure(function, given, tensor)


def enough(function: Any, given: Sequence[Any]) -> Sequence[Any]:
    """Return arguments to try a derivative on, which may take more of them."""
    return [*given, *given][: max(len(given), len(required(function)))]


@np.errstate(all="ignore")
def failure(function: Any, given: Sequence[Any], form: Callable[[Array], Any]) -> bool:
    """Tell whether a function fails, arrays being given in some form."""
    try:
        function(*(form(x) if isinstance(x, np.ndarray) else x for x in given))
    except Exception:  # it says so itself when it is checked
        return True
    return False
