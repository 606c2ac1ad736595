r"""What is loaded: the prepared data set, and the checked table that it is made from."""

from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

TASKS = ("regression", "binary", "multiclass")


class Options(NamedTuple):
    r"""What `load` was asked to make of a table, in `load`'s own terms."""

    task: str | None
    threshold: float
    target: str | None
    test_size: float
    seed: int
    dtype: str
    scale_target: bool


class Arrays(TypedDict):
    r"""The four arrays of a data set, by the names they have there."""

    X_train: Array
    Y_train: Array
    X_test: Array
    Y_test: Array


@dataclass(frozen=True, eq=False)
class Table:
    r"""A file or an embedded set that has passed every check: `values` is (rows, columns), finite.

    `where` is what error messages call it, `source` the sentence a report prints, `target` the
    column that is predicted unless another is asked for (None: the user has to name one).
    """

    name: str
    where: str
    source: str
    sha256: str
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    target: str | None = None
    synthetic: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    r"""A data set ready to train on: read-only, C-contiguous arrays, one example a column.

    **Shapes.** `X_train` (n_x, m), `Y_train` (n_y, m), `X_test` (n_x, m_test), `Y_test`
    (n_y, m_test), all of the dtype asked for. n_y is 1, or the number of classes if the task is
    multiclass, where column i of Y is the one-hot vector of example i's class.

    **Standardised.** Every feature by the mean $\mu$ and the population standard deviation
    $\sigma$ of the *training* columns, $X = (x - \mu) / \sigma$, computed in float64 and rounded
    once to the dtype. The target of a regression likewise, if asked for: $y = $ `target_mean`
    $+$ `target_scale` $\cdot Y$ takes it back to its own units (0 and 1 where it was left alone).

    **Provenance.** `source` says in words where the data was found, `sha256` which data it was:
    the digest of the file's bytes, or of scikit-learn's table (features, then target) as
    little-endian float64, row by row. `synthetic` is true where nothing was ever measured.
    `notes` are sentences a report must not leave out.

    `classes` names the classes in the order of their labels (binary: 0, then 1; multiclass: the
    rows of Y) and is empty for a regression.

    **In PyTorch:** `torch.nn` takes one example a *row*; `reference` transposes at its door.
    """

    name: str
    task: str
    features: tuple[str, ...]
    target: str
    X_train: Array
    Y_train: Array
    X_test: Array
    Y_test: Array
    classes: tuple[str, ...]
    target_mean: float
    target_scale: float
    synthetic: bool
    source: str
    sha256: str
    notes: tuple[str, ...]
