r"""The forms that activations and losses are handed over in, and how each is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from compare.checking.calling import options_for, required, targets_first
from compare.checking.numbers import same
from compare.formulas.arithmetic import exact
from compare.formulas.network import Activation
from compare.tolerances import ALIKE
from compare.traces import Array

Shown = tuple[dict[str, Any], list[str]]  # entries, with notes
METHODS = "forward and backward methods"
SLOPES = ("gradient", "grad", "derivative", "prime")  # what an object may call its derivative
OF_Z, OF_A = ("z", "x"), ("a", "y", "s", "out", "output", "activation")
COTANGENTS = ("da", "dout", "dy", "dl_da", "grad", "grad_output", "upstream", "delta", "d")


def bound(function: Any, options: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Return what is handed over with the options that it takes, and notes on those that it does not take.

    >>> bound(lambda z, alpha=1.0: alpha * z, {"alpha": 3.0})[0](2.0)
    6.0
    """
    if isinstance(function, tuple | list):
        each = [bound(f, options) for f in function]
        return tuple(f for f, _ in each), each[0][1]
    given, notes, lacking = options_for(function, options)
    notes += [f"it takes no {n}: its own must be {options[n]}" for n in lacking]
    made = created(function, given) if isinstance(function, type) else function
    if not callable(made) and callable(forward := getattr(made, "forward", None)):
        slope = parted(made)[1]
        if slope is not None:
            return (forward, slope), notes
        made = made if hasattr(made, "backward") else forward
    if isinstance(function, type) or not given:
        return made, notes
    return partial(made, **given), notes


def created(made: type, given: Mapping[str, Any]) -> Any:
    """Return an object of a class; ValueError where it takes more than its options."""
    try:
        return made(**given)
    except TypeError as error:
        raise ValueError(
            f"no {made.__name__} can be made of its options alone ({error}); give its arguments "
            "defaults, or hand over an object"
        ) from None


def layer(function: Any) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """Return the forward and the backward of an object that has both."""
    forward = getattr(function, "forward", function)
    backward = getattr(function, "backward", None)
    return (forward, backward) if backward is not None and callable(forward) else None


def parted(function: Any) -> tuple[Callable[..., Any], Any]:
    """Return f and its derivative, None where there is none."""
    if isinstance(function, tuple | list):
        return function[0], function[1]
    slope = next((getattr(function, n) for n in SLOPES if hasattr(function, n)), None)
    return function, slope


def activation_entries(function: Any, z: Array, da: Array, of_a: bool) -> Shown:
    """Return what the activation shows, A1 and dZ1; its derivative is called with a where it is `of_a`."""
    if methods := layer(function):
        forward, backward = methods
        return {"A1": forward(z.copy()), "dZ1": backward(da.copy())}, [METHODS]
    f, df = parted(function)
    result = f(z.copy())
    several = isinstance(result, tuple) and len(result) == 2
    a, kept = result if several else (result, None)
    if df is None:
        return with_second(a, kept, z, da) if several else ({"A1": a}, [])
    needed = required(df)
    if len(needed) > 2 or (len(needed) == 2 and not several and not cotangent_first(needed)):
        raise ValueError(
            f"its derivative takes {len(needed)} arguments, {', '.join(sorted(needed))}: which is which? "
            "Hand over f(z) -> (a, backward), or a derivative of one argument"
        )
    if len(needed) == 2:
        kept = kept if several else np.array(a) if needed[1].lower() in OF_A else z.copy()
        return {"A1": a, "dZ1": df(da.copy(), kept)}, [
            f"its gradient is called as {', '.join(needed)}"
        ]
    note = ["its derivative is a function of a, and is called with a"] if of_a else []
    slope = np.asarray(df(np.array(a) if of_a else z.copy()))
    return {"A1": a, "dZ1": da * slope}, note


def cotangent_first(names: list[str]) -> bool:
    return names[0].lower() in COTANGENTS and names[1].lower() in (*OF_Z, *OF_A, "cache")


def with_second(a: Any, second: Any, z: Array, da: Array) -> Shown:
    """Return what is shown by a pair: a function that takes da to dz, a derivative, or what is kept for one."""
    if callable(second):
        return {"A1": a, "dZ1": second(da.copy())}, []
    if isinstance(second, Mapping | tuple | list) or same(second, z):
        return {"A1": a}, [
            "what it returns beside a is no derivative; hand over f,backward to check both"
        ]
    return {"A1": a, "dZ1": da * np.asarray(second)}, []


def reads_value(function: Any, z: Array, activation: Activation) -> tuple[bool, list[str]]:
    """Tell whether a derivative is one of a, by its argument's name and by what fits better, and a note.

    It is decided once, on ordinary arguments: on others both may fit, or neither.
    """
    f, df = parted(function)
    if df is None or layer(function) or len(required(df)) != 1:
        return False, []
    name = required(df)[0].lower()
    try:
        a = f(z.copy())
        a = np.asarray(a[0] if isinstance(a, tuple) else a)
        off_z, off_a = (unlike(df(x.copy()), z, a, activation) for x in (z, a))
    except Exception:  # it says so itself when it is checked
        return False, []
    fits = bool(off_a <= 1.0 < off_z)
    if name in OF_Z:
        note = f"its derivative is called with z, as its argument is named {name}; of a = f(z) it would be right"
        return False, [note] * fits
    return fits or (name in OF_A and bool(off_a <= off_z)), []


def unlike(slope: Any, z: Array, a: Array, activation: Activation) -> float:
    """Return how far a slope is from the derivative, in units of what tells two readings apart."""
    _, gradient = activation
    one = exact(np.ones_like(z), z.dtype)
    right = gradient(exact(z, z.dtype), exact(a.astype(z.dtype), z.dtype), one).value
    rtol, atol = ALIKE if z.dtype == np.float64 else (1e3 * ALIKE[0], 1e3 * ALIKE[1])
    true = np.asarray(right, np.float64)
    return float((np.abs(np.asarray(slope) - true) / (atol + rtol * np.abs(true))).max())


def loss_entries(function: Any, A: Array, Y: Array, turn: bool = False) -> Shown:
    """Return what the loss shows, its value and dA1; with `turn` its arguments the other way round."""
    methods = layer(function)
    f, df = methods or parted(function)
    swap = targets_first(f)
    notes = ["called as f(targets, outputs), as its arguments are named"] if swap else []
    given = (Y, A) if swap is not turn else (A, Y)

    def called(g: Callable[..., Any]) -> Any:
        needed = len(required(g))
        return g(*(x.copy() for x in given)) if needed == 2 else g(*[1.0] * needed)

    result = f(*(x.copy() for x in given))
    if methods:
        return {"loss": result, "dA1": called(methods[1])}, [METHODS]
    if isinstance(result, tuple) and len(result) == 2:
        value, back = result
        return {"loss": value, "dA1": called(back) if callable(back) else back}, notes
    if df is None:
        return {"loss": result}, notes
    return {"loss": result, "dA1": df(*(x.copy() for x in given))}, notes
