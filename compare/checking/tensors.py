r"""Candidates written with torch: they are given tensors, one example a row, and autograd forms their gradients.

A module, an autograd function, an optimiser or a scheduler is known by its class; a plain function by
that it takes tensors and no arrays. What is handed over is turned into what a candidate by hand would be.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial, update_wrapper
from typing import Any

import numpy as np
import torch
from torch import Tensor

from compare.checking.calling import (
    HELD,
    OPTIONS,
    arguments,
    required,
    rerate,
)
from compare.checking.crossings import known, takes
from compare.traces import Array
from reference import conversion
from reference.schedules.driving import rate


def applied(function: Any) -> Any:
    """Return a function for what torch applies: an autograd function, a module in the type of its input; else as it is."""
    if differentiates(function):
        return applying(getattr(function, "__self__", function))
    if not isinstance(function, torch.nn.Module) or hasattr(function, "backward"):
        return function

    def called(*inputs: Tensor, **options: Any) -> Any:
        return deepcopy(function).to(inputs[0].dtype)(*inputs, **options)

    return known(update_wrapper(called, function.forward))


def applying(function: type[torch.autograd.Function]) -> Callable[..., Any]:
    """Return an autograd function as one that takes its options by name."""
    context, *names = inspect.signature(function.forward).parameters

    def called(*inputs: Tensor, **options: Any) -> Any:
        return function.apply(*inputs, *(options[n] for n in names if n in options))  # type: ignore[no-untyped-call]

    called.__name__ = function.__name__
    called.__signature__ = without(function.forward, context)  # type: ignore[attr-defined]
    return known(called)


def without(function: Any, *names: str) -> inspect.Signature:
    """Return a signature without some of its arguments."""
    known = inspect.signature(function)
    return known.replace(parameters=[p for n, p in known.parameters.items() if n not in names])


def differentiates(function: Any) -> bool:
    """Tell whether it is an autograd function, whose own backward is handed an upstream gradient."""
    owner = getattr(function, "__self__", function)  # of Function.apply
    return isinstance(owner, type) and issubclass(owner, torch.autograd.Function)


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
        return candidate(conversion.tensor(p), torch.from_numpy(g), slots, **o)

    return update_wrapper(called, candidate)


def optimizes(candidate: Any) -> bool:
    """Tell whether it makes optimisers as torch has them: of parameters, whose gradients a step finds in their grad."""
    made = candidate.func if isinstance(candidate, partial) else candidate
    own = [n for n in required(made) if n not in OPTIONS]
    if inspect.isfunction(made):
        return len(own) == 1 and own[0] in HELD
    if not isinstance(made, type):
        return False
    step = getattr(made, "step", None)
    unaided = callable(step) and len(required(step)) == 1 and bool(own)
    return issubclass(made, torch.optim.Optimizer) or unaided


class Optimizer:
    """A class of torch's optimisers, or one like them, called with its options alone."""

    def __init__(self, made: Callable[..., Any]) -> None:
        self.of = next((n for n in required(made) if n not in OPTIONS), "params")
        self.made, self.__signature__ = made, without(made, self.of)

    def __call__(self, **options: Any) -> None:
        raise TypeError("an optimiser is made of its parameters too")

    def stepping(
        self, options: Mapping[str, Any], initial: Mapping[str, Array]
    ) -> Callable[[Mapping[str, Array], Mapping[str, Any]], dict[str, Array]]:
        """Return the step of an optimiser of these parameters; its rate is given anew where it changes."""
        params = {n: conversion.tensor(x).requires_grad_() for n, x in initial.items()}
        made = self.of_groups(params, options) or self.of_all(params, options)

        def advance(g: Mapping[str, Array], changed: Mapping[str, Any]) -> dict[str, Array]:
            revised(made, changed)
            backward(made, params, g)
            with torch.no_grad():
                made.step()
            return {n: conversion.array(p) for n, p in params.items()}

        return advance

    def of_all(self, params: Mapping[str, Tensor], options: Mapping[str, Any]) -> Any:
        return self.made(**{self.of: list(params.values())}, **options)

    def of_groups(self, params: Mapping[str, Tensor], options: Mapping[str, Any]) -> Any:
        """Return one of torch's with a group for each parameter; None where it takes none."""
        try:
            made = self.made(**{self.of: [{"params": [p]} for p in params.values()]}, **options)
        except Exception:  # it wants the parameters themselves
            return None
        return made if len(getattr(made, "param_groups", ())) == len(params) else None


def revised(made: Any, changed: Mapping[str, Any]) -> None:
    """Give an optimiser another learning rate where one finds it: in its groups, or where it has none itself."""
    groups = getattr(made, "param_groups", None)
    if groups is None:
        rerate(made, changed)
    for group in groups or ():
        group.update({n: x for n, x in changed.items() if n in group})


def backward(made: Any, params: Mapping[str, Tensor], g: Mapping[str, Array]) -> None:
    """Set gradients to zero as the optimiser does, and add new ones to what is left, as torch's backward does."""
    fresh = {n: torch.from_numpy(x.copy()) for n, x in g.items()}
    if clear := getattr(made, "zero_grad", None):
        clear()
    for n, p in params.items():
        if p.grad is None or not clear:
            p.grad = torch.from_numpy(g[n])
        else:
            p.grad += fresh[n]


RATES = (
    "lr",
    "max_lr",
    "base_lr",
    "initial_lr",
    "learning_rate",
)  # what a scheduler may call the rate itself
OPTIMIZER = ("optimizer", "optimiser", "opt", "optim")  # what a scheduler may call its first


def schedule(candidate: Any) -> Any:
    """Return what makes a scheduler of an optimiser as a function f(k, lr, ...); anything else as it is.

    Raises ValueError for a scheduler that has its optimiser already.
    """
    if isinstance(candidate, torch.optim.lr_scheduler.LRScheduler):
        raise ValueError(
            "it is a scheduler that has its optimiser already; hand over its class, or a function of the "
            "optimiser that makes it"
        )
    names = [p.name for p in arguments(candidate)]
    if not names or names[0] not in OPTIMIZER:
        return candidate
    own, told = [n for n in names if n in RATES], dict[float, Any]()

    def rates(k: int, lr: float, **options: Any) -> float:
        made = told.setdefault(lr, partial(candidate, **dict.fromkeys(own, lr)))
        return rate(k, lr, made, **options)

    first = list(inspect.signature(rates).parameters.values())[:2]
    given = without(candidate, names[0], "last_epoch", "verbose", *own)
    rates.__name__ = getattr(candidate, "__name__", "rates")
    out: Callable[..., float] = rates
    out.__signature__ = given.replace(parameters=[*first, *given.parameters.values()])  # type: ignore[attr-defined]
    return out
