r"""What every schedule asks of its operands."""

from __future__ import annotations

from math import isfinite


def taken(k: int) -> int:
    """Return the number of steps taken; raise ValueError if it is negative or not whole.

    >>> taken(-1)
    Traceback (most recent call last):
    ...
    ValueError: k is -1: it counts the steps taken, 0 at the first
    """
    if not isfinite(k) or k < 0 or k != int(k):
        raise ValueError(f"k is {k}: it counts the steps taken, 0 at the first")
    return int(k)


def amount(name: str, x: float) -> float:
    """Return `x`; raise ValueError unless it is finite and at least 0.

    >>> amount("gamma", -0.1)
    Traceback (most recent call last):
    ...
    ValueError: gamma is -0.1: it must be a finite number, 0 or more
    """
    if not (isfinite(x) and x >= 0.0):
        raise ValueError(f"{name} is {x}: it must be a finite number, 0 or more")
    return float(x)


def divisor(name: str, x: float) -> float:
    """Return `x`; raise ValueError unless it is finite and above 0.

    >>> divisor("div_factor", 0.0)
    Traceback (most recent call last):
    ...
    ValueError: div_factor is 0.0: it divides the rate, expected a finite number above 0
    """
    if not (isfinite(x) and x > 0.0):
        raise ValueError(f"{name} is {x}: it divides the rate, expected a finite number above 0")
    return float(x)


def steps(name: str, n: int) -> int:
    """Return `n`; raise ValueError unless it is a whole number above 0.

    >>> steps("T_max", 0)
    Traceback (most recent call last):
    ...
    ValueError: T_max is 0: it is a number of steps, 1 or more
    """
    if not isfinite(n) or n < 1 or n != int(n):
        raise ValueError(f"{name} is {n}: it is a number of steps, 1 or more")
    return int(n)
