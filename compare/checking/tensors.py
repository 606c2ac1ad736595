r"""Candidates written with torch: they are given tensors, one example a row, and autograd forms their gradients.

A module, an autograd function, an optimiser or a scheduler is known by its class; a plain function by
that it takes tensors and no arrays. What is handed over is turned into what a candidate by hand would be.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial, update_wrapper
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from compare.checking.calling import options_for, targets_first
from compare.checking.forms import layer, parted
from compare.traces import Array
from reference import conversion
from reference.schedules.driving import rate

ROWS = "it is given tensors, one example a row; autograd forms its gradient where it has none of its own"


def applied(function: Any) -> Any:
    """Return a function for what torch applies: an autograd function, a module in the type of its input; else as it is."""
    owner = getattr(function, "__self__", function)  # of Function.apply
    if isinstance(owner, type) and issubclass(owner, torch.autograd.Function):
        return applying(owner)
    if not isinstance(function, torch.nn.Module) or hasattr(function, "backward"):
        return function

    def called(*inputs: Tensor, **options: Any) -> Any:
        return deepcopy(function).to(inputs[0].dtype)(*inputs, **options)

    return known(update_wrapper(called, function.forward))


def known(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of tensors, which is one whatever it does with arrays."""
    function.of_tensors = True  # type: ignore[attr-defined]
    return function


def applying(function: type[torch.autograd.Function]) -> Callable[..., Any]:
    """Return an autograd function as one that takes its options by name."""
    context, *names = inspect.signature(function.forward).parameters

    def called(*inputs: Tensor, **options: Any) -> Any:
        return function.apply(*inputs, *(options[n] for n in names if n in options))  # type: ignore[no-untyped-call]

    called.__name__ = function.__name__
    called.__signature__ = without(function.forward, context)  # type: ignore[attr-defined]
    return known(called)


def of_arrays(function: Any, *given: Array) -> tuple[Any, list[str]]:
    """Return a function of tensors as one of arrays, with its backward, and a note; one of arrays as it is.

    Of a pair, f and its derivative, each by itself. `given` are arguments to try them on.

    >>> a, backward = of_arrays(torch.tanh, np.zeros((1, 2)))[0](np.zeros((1, 2)))
    >>> a, backward(np.ones((1, 2)))
    (array([[0., 0.]]), array([[1., 1.]]))
    """
    if isinstance(function, tuple | list):
        return tuple(crossing(f, False) if takes(f, *given) else f for f in function), []
    if methods := layer(function):
        forward, backward = (crossing(f, False) for f in methods)
        own = takes(methods[0], *given)
        return SimpleNamespace(forward=forward, backward=backward) if own else function, []
    if parted(function)[1] is not None:
        return of_arrays(parted(function), *given)
    function = applied(function)  # a class was made an object meanwhile
    return (crossing(function, True), [ROWS]) if takes(function, *given) else (function, [])


def crossing(function: Any, differentiated: bool) -> Callable[..., Any]:
    """Return a function of tensors as one of arrays; the gradient is that by the outputs."""
    forward = getattr(function, "forward", function)
    of = 1 if targets_first(forward) else 0

    def called(*arrays: Array) -> Any:
        inputs = [conversion.rows(x) for x in arrays]
        if not differentiated:
            return result(function(*inputs), None)
        leaf = inputs[of].requires_grad_()
        inputs[of] = leaf.clone()  # which it may write to
        return result(function(*inputs), leaf)

    return update_wrapper(called, forward)


def result(value: Any, leaf: Tensor | None) -> Any:
    """Return a value as an array, with its backward where autograd has one, or it came with one."""
    if isinstance(value, tuple):
        return tuple(crossing(x, False) if callable(x) else result(x, None) for x in value)
    if not isinstance(value, Tensor):
        return value
    if leaf is None or not value.requires_grad:
        return columns(value.detach())

    def backward(d: Any = 1.0) -> Array:
        given = torch.full_like(value, float(d)) if np.ndim(d) == 0 else conversion.rows(d)
        (gradient,) = torch.autograd.grad(value, leaf, given, allow_unused=True)
        return columns(torch.zeros_like(leaf) if gradient is None else gradient)

    return columns(value.detach()), backward


def columns(t: Tensor) -> Array:
    return conversion.columns(t) if t.ndim == 2 else conversion.array(t)


def takes(function: Any, *given: Any) -> bool:
    """Tell whether a function is one of tensors: it fails on arrays, and does not on them."""
    if getattr(getattr(function, "func", function), "of_tensors", False):
        return True
    if not callable(function):
        return False
    return failure(function, given, np.copy) and not failure(function, given, conversion.rows)


@np.errstate(all="ignore")
def failure(function: Any, given: Sequence[Any], form: Callable[[Array], Any]) -> bool:
    """Tell whether a function fails, arrays being given in some form."""
    try:
        function(*(form(x) if isinstance(x, np.ndarray) else x for x in given))
    except Exception:  # it says so itself when it is checked
        return True
    return False


def without(function: Any, *names: str) -> inspect.Signature:
    """Return a signature without some of its arguments."""
    known = inspect.signature(function)
    return known.replace(parameters=[p for n, p in known.parameters.items() if n not in names])


def rule(candidate: Any, options: Mapping[str, Any]) -> Any:
    """Return a function of tensors as one of arrays, an optimiser's class without its parameters; else as it is.

    Raises ValueError for an optimiser that was made already.
    """
    if isinstance(candidate, torch.optim.Optimizer):
        name = type(candidate).__name__
        raise ValueError(
            f"it is an optimiser that has its parameters already; hand over the class {name}"
        )
    if optimizes(candidate):
        return Optimizer(candidate)
    one = np.ones((2, 3))
    plain = callable(candidate) and not isinstance(candidate, type)
    if not plain or not takes(partial(candidate, **options), one, one, {}):
        return candidate

    def called(p: Array, g: Array, slots: Any, **o: Any) -> Any:
        return candidate(conversion.tensor(p), conversion.tensor(g), slots, **o)

    return update_wrapper(called, candidate)


def optimizes(candidate: Any) -> bool:
    made = candidate.func if isinstance(candidate, partial) else candidate
    return isinstance(made, type) and issubclass(made, torch.optim.Optimizer)


class Optimizer:
    """A class of torch's optimisers, called with its options alone."""

    def __init__(self, made: Callable[..., torch.optim.Optimizer]) -> None:
        self.made, self.__signature__ = made, without(made, "params")

    def __call__(self, **options: Any) -> None:
        raise TypeError("an optimiser is made of its parameters too")

    def stepping(
        self, options: Mapping[str, Any], initial: Mapping[str, Array]
    ) -> Callable[[Mapping[str, Array], Mapping[str, Any]], dict[str, Array]]:
        """Return the step of an optimiser of these parameters; its rate is given anew where it changes."""
        params = {n: conversion.tensor(x).requires_grad_() for n, x in initial.items()}
        made = self.made(list(params.values()), **options)

        def advance(g: Mapping[str, Array], changed: Mapping[str, Any]) -> dict[str, Array]:
            for group in made.param_groups:
                group.update(options_for(self, changed)[0])
            for n, p in params.items():
                p.grad = conversion.tensor(g[n])
            made.step()
            return {n: conversion.array(p.detach()) for n, p in params.items()}

        return advance


def schedule(candidate: Any) -> Any:
    """Return the class of a scheduler of an optimiser as a function f(k, lr, ...); anything else as it is."""
    schedulers = torch.optim.lr_scheduler.LRScheduler
    if not (isinstance(candidate, type) and issubclass(candidate, schedulers)):
        return candidate

    cycles = "max_lr" in inspect.signature(candidate).parameters

    def rates(k: int, lr: float, **options: Any) -> float:
        return rate(k, lr, candidate, **options, **({"max_lr": lr} if cycles else {}))

    first = list(inspect.signature(rates).parameters.values())[:2]
    given = without(candidate, "optimizer", "last_epoch", "verbose", "max_lr")
    out: Callable[..., float] = update_wrapper(rates, candidate, updated=())
    out.__signature__ = given.replace(parameters=[*first, *given.parameters.values()])  # type: ignore[attr-defined]
    return out
