r"""What every loss asks of its operands before it computes: the right shapes, dtypes and ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def agree(A: Array, Y: Array) -> None:
    """Raise ValueError unless A and Y have one shape (n_y, m), not empty, and one floating dtype.

    >>> agree(np.zeros((1, 3)), np.zeros(3))
    Traceback (most recent call last):
    ...
    ValueError: A is (1, 3) but Y is (3,): give both as (n_y, m), one example a column
    """
    if A.shape != Y.shape or A.ndim != 2:
        raise ValueError(
            f"A is {A.shape} but Y is {Y.shape}: give both as (n_y, m), one example a column"
        )
    if A.dtype != Y.dtype or A.dtype.kind != "f":
        raise ValueError(
            f"A is {A.dtype} but Y is {Y.dtype}: both must be of one floating dtype; "
            "convert the targets with Y.astype(A.dtype)"
        )
    if A.size == 0:
        raise ValueError(f"A and Y are {A.shape}: a loss needs at least one element")


def probabilities(Y: Array, loss: str) -> None:
    """Raise ValueError unless every target lies in [0, 1].

    >>> probabilities(np.array([[0.0, 3.0]]), "bce")
    Traceback (most recent call last):
    ...
    ValueError: Y holds 3.0 at (0, 1): targets of bce lie in [0, 1]; code the labels as 0 and 1
    """
    if not (Y.min() >= 0.0 and Y.max() <= 1.0):
        at = first(~((Y >= 0.0) & (Y <= 1.0)))
        raise ValueError(
            f"Y holds {Y[at]} at {at}: targets of {loss} lie in [0, 1]; code the labels as 0 and 1"
        )


def predictions(A: Array, loss: str) -> None:
    """Raise ValueError if a prediction lies outside [0, 1]; NaN, from a run that blew up, passes.

    >>> predictions(np.array([[0.5, -2.0]]), "bce")
    Traceback (most recent call last):
    ...
    ValueError: A holds -2.0 at (0, 1): bce takes probabilities; apply sigmoid or softmax first, or take a loss of logits
    """
    if A.min() < 0.0 or A.max() > 1.0:
        at = first((A < 0.0) | (A > 1.0))
        raise ValueError(
            f"A holds {A[at]} at {at}: {loss} takes probabilities; "
            "apply sigmoid or softmax first, or take a loss of logits"
        )


def one_hot(Y: Array) -> None:
    """Raise ValueError unless every column of Y is one 1 among zeros.

    >>> one_hot(np.array([[0.5, 0.0], [0.5, 1.0]]))
    Traceback (most recent call last):
    ...
    ValueError: column 0 of Y is no class: cross_entropy_on_probabilities takes one 1 among zeros
    """
    wrong = ((Y != 0.0) & (Y != 1.0)).any(axis=0) | (Y.sum(axis=0) != 1.0)
    if wrong.any():
        (j,) = first(wrong)
        raise ValueError(
            f"column {j} of Y is no class: cross_entropy_on_probabilities takes one 1 among zeros"
        )


def distributions(Y: Array) -> None:
    """Raise ValueError unless every column of Y sums to 1, but for rounding.

    >>> distributions(np.array([[1.0, 0.0], [0.0, 0.0]]))
    Traceback (most recent call last):
    ...
    ValueError: column 1 of Y sums to 0.0: give one-hot targets, or probabilities that sum to 1
    """
    total = Y.sum(axis=0)
    wrong = ~(np.abs(total - 1.0) <= 2 * len(Y) * np.finfo(Y.dtype).eps)
    if wrong.any():
        (j,) = first(wrong)
        raise ValueError(
            f"column {j} of Y sums to {total[j]}: "
            "give one-hot targets, or probabilities that sum to 1"
        )


def first(mask: Array) -> tuple[int, ...]:
    """Return the index of the first True.

    >>> first(np.array([[False, True]]))
    (0, 1)
    """
    return tuple(int(i) for i in np.argwhere(mask)[0])
