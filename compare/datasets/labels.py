r"""From the target column to Y: as it is, as a 0/1 label, or as one-hot columns."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_CLASSES = 50


class Labels(NamedTuple):
    r"""Y (n_y, m), the classes' names, and each example's class (None for a regression)."""

    Y: NDArray[np.float64]
    classes: tuple[str, ...]
    label: NDArray[np.intp] | None


def natural_task(t: NDArray[np.float64]) -> str:
    r"""Binary if the target is made of zeros and ones, a regression otherwise.

    >>> natural_task(np.array([0.0, 1.0, 1.0])), natural_task(np.array([3.0, 7.5]))
    ('binary', 'regression')
    """
    return "binary" if set(np.unique(t)[:3]) <= {0.0, 1.0} else "regression"


def encode(where: str, t: NDArray[np.float64], task: str, threshold: float) -> Labels:
    r"""Y and classes of the target t (m,) for a task; `where` names the file and the column."""
    if task == "binary":
        return binary(where, t, threshold)
    if task == "multiclass":
        return one_hot(where, t)
    return Labels(t[np.newaxis], (), None)


def binary(where: str, t: NDArray[np.float64], threshold: float) -> Labels:
    r"""The label $Y_i = [t_i \ge \mathrm{threshold}]$; zeros and ones are labels already.

    >>> binary("quality", np.array([5.0, 6.0, 7.0]), 6).Y
    array([[0., 1., 1.]])
    """
    given = set(np.unique(t)[:3]) <= {0.0, 1.0}
    y = t if given else (t >= threshold).astype(np.float64)
    if y.min() == y.max():
        asked = "" if given else f" on one side of the threshold {threshold:g}"
        raise ValueError(
            f"{where}: all {t.size} rows are in one class{asked}, where binary classification "
            f"needs two (the values run from {t.min():g} to {t.max():g}); "
            + ("choose another target" if given else "choose a threshold in between")
        )
    classes = ("0", "1") if given else (f"below {threshold:g}", f"{threshold:g} or above")
    return Labels(y[np.newaxis], classes, y.astype(np.intp))


def one_hot(where: str, t: NDArray[np.float64]) -> Labels:
    r"""The one-hot columns $Y_{ki} = [t_i = \mathrm{values}_k]$ of an integer target.

    >>> one_hot("quality", np.array([5.0, 7.0, 5.0])).Y
    array([[1., 0., 1.],
           [0., 1., 0.]])
    """
    values, index = np.unique(t, return_inverse=True)
    if not np.array_equal(values, np.round(values)):
        odd = values[values != np.round(values)][0]
        raise ValueError(
            f"{where}: found {odd:g} where multiclass classification needs whole numbers; "
            "ask for a regression, or number the classes"
        )
    if not 2 <= values.size <= MOST_CLASSES:
        found = f"{values.size} classes" if values.size > 1 else "one class only"
        raise ValueError(
            f"{where}: {found} where multiclass classification needs 2 to {MOST_CLASSES}; "
            "choose another task or target"
        )
    Y = (t == values[:, np.newaxis]).astype(np.float64)
    return Labels(Y, tuple(str(int(v)) for v in values), index)
