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

from compare.checking.calling import targets_first
from compare.checking.forms import layer
from compare.traces import Array
from reference import conversion
from reference.schedules.driving import rate

ROWS = "it is given tensors, one example a row; its gradient is taken by autograd"


def applied(function: Any) -> Any:
    """Return a function for what torch applies: an autograd function, a module in the type of its input; else as it is."""
    owner = getattr(function, "__self__", function)  # of Function.apply
    if isinstance(owner, type) and issubclass(owner, torch.autograd.Function):
        return applying(owner)
    if not isinstance(function, torch.nn.Module):
        return function

    def called(*inputs: Tensor, **options: Any) -> Any:
        return deepcopy(function).to(inputs[0].dtype)(*inputs, **options)

    return update_wrapper(called, function.forward)


def applying(function: type[torch.autograd.Function]) -> Callable[..., Any]:
    """Return an autograd function as one that takes its options by name."""
    context, *names = inspect.signature(function.forward).parameters

    def called(*inputs: Tensor, **options: Any) -> Any:
        if not all(map(torch.is_tensor, inputs)):
            raise TypeError("an autograd function takes tensors")
        return function.apply(*inputs, *(options[n] for n in names if n in options))  # type: ignore[no-untyped-call]

    called.__name__ = function.__name__
    called.__signature__ = without(function.forward, context)  # type: ignore[attr-defined]
    return called


def of_arrays(function: Any, *given: Array) -> tuple[Any, list[str]]:
    """Return a function of tensors as one of arrays, with its backward, and a note; one of arrays as it is.

    Of a pair, f and its derivative, each by itself. `given` are arguments to try them on.

    >>> a, backward = of_arrays(torch.tanh, np.zeros((1, 2)))[0](np.zeros((1, 2)))
    >>> a, backward(np.ones((1, 2)))
    (array([[0., 0.]]), array([[1., 1.]]))
    """
    if isinstance(function, tuple | list):
        return tuple(crossing(f, False) if takes(f, *given) else f for f in function), []
    function = applied(function)  # a class was made an object meanwhile
    if methods := layer(function):
        forward, backward = (crossing(f, False) for f in methods)
        own = takes(methods[0], *given)
        return SimpleNamespace(forward=forward, backward=backward) if own else function, []
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
    if not callable(function):
        return False
    return failure(function, given, copied) and not failure(function, given, conversion.rows)


def failure(function: Any, given: Sequence[Any], form: Callable[[Array], Any]) -> bool:
    """Tell whether a function fails for what its arguments are, arrays being given in some form."""
    try:
        function(*(form(x) if isinstance(x, np.ndarray) else x for x in given))
    except (TypeError, AttributeError, RuntimeError):  # the last of scripted functions
        return True
    except Exception:  # it says so itself when it is checked
        return False
    return False


def copied(x: Array) -> Array:
    return x.copy()


def without(function: Any, *names: str) -> inspect.Signature:
    """Return a signature without some of its arguments."""
    known = inspect.signature(function)
    return known.replace(parameters=[p for n, p in known.parameters.items() if n not in names])


def rule(candidate: Any, options: Mapping[str, Any]) -> Any:
    """Return an optimiser of tensors as one of arrays: of a class the objects have `step(params, grads)`; else as it is."""
    made = candidate.func if isinstance(candidate, partial) else candidate
    if isinstance(candidate, torch.optim.Optimizer):
        name = type(candidate).__name__
        raise ValueError(
            f"it is an optimiser that has its parameters already; hand over the class {name}"
        )
    if isinstance(made, type) and issubclass(made, torch.optim.Optimizer):
        return stepping(candidate)
    one = np.ones((2, 3))
    plain = callable(candidate) and not isinstance(candidate, type)
    if not plain or not takes(partial(candidate, **options), one, one, {}):
        return candidate

    def called(p: Array, g: Array, slots: Any, **o: Any) -> Any:
        return candidate(conversion.tensor(p), conversion.tensor(g), slots, **o)

    return update_wrapper(called, candidate)


def stepping(candidate: Callable[..., torch.optim.Optimizer]) -> type:
    """Return a class whose objects make an optimiser when they are first given parameters."""

    class Stepping:
        """What steps a mapping of arrays."""

        __signature__ = without(candidate, "params")

        def __init__(self, **options: Any) -> None:
            self.options, self.lr = options, options.get("lr")
            self.held: dict[str, Tensor] = {}

        def step(self, params: dict[str, Array], grads: Mapping[str, Array]) -> None:
            if not self.held:
                self.held = {n: torch.from_numpy(x).requires_grad_() for n, x in params.items()}
                self.made = candidate(list(self.held.values()), **self.options)
            for group in self.made.param_groups:
                group["lr"] = group.get("lr") if self.lr is None else self.lr
            for n, p in self.held.items():
                p.grad = torch.from_numpy(grads[n].copy())
            self.made.step()
            params.update({n: conversion.array(p.detach()) for n, p in self.held.items()})

    return Stepping


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
    known: Callable[..., float] = update_wrapper(rates, candidate, updated=())
    known.__signature__ = given.replace(parameters=[*first, *given.parameters.values()])  # type: ignore[attr-defined]
    return known
