r"""From a checked table to a data set: choose the target, split, standardise, turn to columns."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.datasets.dataset import Array, Arrays, Dataset, Options, Table
from compare.datasets.labels import Labels, encode, natural_task
from compare.datasets.reading import quoted

Values = NDArray[np.float64]
Rows = NDArray[np.intp]


class Standardised(NamedTuple):
    r"""Training and test rows after the same map, the map, and the columns it left unscaled."""

    train: Values
    test: Values
    mean: Values
    scale: Values
    constant: tuple[str, ...]


def prepare(table: Table, options: Options) -> Dataset:
    r"""Split and standardise a table as the options say, which `load` has checked."""
    target, features, x, t = separate(table, options.target)
    task = options.task or natural_task(t)
    labels = encode(f"{table.where}, column {target!r}", t, task, options.threshold)
    train, test, notes = split(table.where, labels, x.shape[0], options)
    X = standardise(table.where, features, x[train], x[test])
    Y = Standardised(labels.Y.T[train], labels.Y.T[test], np.zeros(1), np.ones(1), ())
    if task == "regression" and options.scale_target:
        Y = standardise(table.where, (target,), Y.train, Y.test)
    return Dataset(
        name=table.name,
        task=task,
        features=features,
        target=target,
        **arrays(table.where, (*features, *(target,) * len(labels.Y)), X, Y, options.dtype),
        classes=labels.classes,
        target_mean=float(Y.mean[0]),
        target_scale=float(Y.scale[0]),
        synthetic=table.synthetic,
        source=table.source,
        sha256=table.sha256,
        notes=(*table.notes, *notes, *constancies(X, Y)),
    )


def constancies(X: Standardised, Y: Standardised) -> tuple[str, ...]:
    r"""A sentence for each column that does not vary where its scale is taken from."""
    return tuple(
        f"column {quoted([name])} is constant in the training part and was scaled by 1"
        for name in X.constant + Y.constant
    )


def separate(table: Table, target: str | None) -> tuple[str, tuple[str, ...], Values, Values]:
    r"""The target's name, the features' names, the features (m, n_x) and the target (m,)."""
    name = table.target if target is None else target
    if name not in table.columns:
        asked = "no target column was named" if name is None else f"has no column {quoted([name])}"
        raise ValueError(f"{table.where}: {asked}; choose from {quoted(table.columns)}")
    j = table.columns.index(name)
    features = table.columns[:j] + table.columns[j + 1 :]
    return name, features, np.delete(table.values, j, axis=1), table.values[:, j]


def split(
    where: str, labels: Labels, m: int, options: Options
) -> tuple[Rows, Rows, tuple[str, ...]]:
    r"""Training and test rows by scikit-learn's shuffled split, stratified where classes allow.

    A class can be spread over both parts if it has two rows and each part a row a class.
    """
    from sklearn.model_selection import train_test_split

    m_test = math.ceil(options.test_size * m)
    if m - m_test < 2:
        raise ValueError(
            f"{where} has {m} rows, of which test_size {options.test_size:g} leaves {m - m_test} "
            "to train on, where at least 2 are needed; give more rows or a smaller test_size"
        )
    counts = np.bincount(labels.label) if labels.label is not None else np.zeros(0, np.intp)
    stratified = counts.size > 0 and counts.min() > 1 and min(m_test, m - m_test) >= counts.size
    train, test = train_test_split(
        np.arange(m),
        test_size=m_test,
        random_state=options.seed,
        stratify=labels.label if stratified else None,
    )
    return train, test, absences(where, labels, train, test, stratified)


def absences(
    where: str, labels: Labels, train: Rows, test: Rows, stratified: bool
) -> tuple[str, ...]:
    r"""A sentence for each class a part lacks; too few classes to train on are an error."""
    if labels.label is None:
        return ()
    seen = np.unique(labels.label[train])
    if seen.size < 2:
        raise ValueError(
            f"{where}: one class only, {labels.classes[seen[0]]!r}, is in the training part, where "
            "two are needed; give more rows of the others, or another seed or test_size"
        )
    notes: tuple[str, ...] = (
        () if stratified else ("the split is not stratified: a class or a part has too few rows",)
    )
    for part, rows in (("training", train), ("test", test)):
        missing = np.setdiff1d(np.arange(len(labels.classes)), labels.label[rows])
        notes += tuple(
            f"class {labels.classes[k]!r} has no row in the {part} part" for k in missing
        )
    return notes


def standardise(where: str, names: tuple[str, ...], train: Values, test: Values) -> Standardised:
    r"""$(x - \mu) / \sigma$ with $\mu, \sigma$ of the training rows (m, n), by scikit-learn.

    $\sigma$ is the population's (divided by m). Where it is 0, but for rounding, it is taken as 1.

    >>> s = standardise("a.csv", ("x",), np.array([[1.0], [3.0]]), np.array([[4.0]]))
    >>> s.train.ravel().tolist(), s.test.ravel().tolist(), s.mean.item(), s.scale.item()
    ([-1.0, 1.0], [2.0], 2.0, 1.0)
    """
    from sklearn.preprocessing import StandardScaler

    with np.errstate(all="ignore"):  # an overflow becomes a sentence, here or in columns()
        scaler = StandardScaler().fit(train)
        unscaled = np.sqrt(scaler.var_) != scaler.scale_
        for name, variance in zip(names, scaler.var_, strict=True):
            if not np.isfinite(variance):
                raise ValueError(
                    f"{where}, column {quoted([name])}: the values are too large to standardise in "
                    "float64 (above about 1e150); change the column's units"
                )
        constant = tuple(name for name, is_so in zip(names, unscaled, strict=True) if is_so)
        mean, scale = scaler.mean_, scaler.scale_
        return Standardised(scaler.transform(train), scaler.transform(test), mean, scale, constant)


def arrays(
    where: str, names: tuple[str, ...], X: Standardised, Y: Standardised, dtype: str
) -> Arrays:
    r"""The four arrays in the dtype, one example a column; `names` are X's rows, then Y's."""
    n_x = X.train.shape[1]
    return Arrays(
        X_train=columns(where, names[:n_x], X.train, dtype),
        Y_train=columns(where, names[n_x:], Y.train, dtype),
        X_test=columns(where, names[:n_x], X.test, dtype),
        Y_test=columns(where, names[n_x:], Y.test, dtype),
    )


def columns(where: str, names: tuple[str, ...], rows: Values, dtype: str) -> Array:
    r"""A read-only, C-contiguous copy (n, m) of rows (m, n) in the dtype, finite there too."""
    with np.errstate(over="ignore"):
        a = np.array(rows.T, dtype=dtype, order="C")
    for name, row in zip(names, a, strict=True):
        if not np.isfinite(row).all():
            raise ValueError(
                f"{where}, column {quoted([name])}: a prepared value is too large for {dtype}; "
                "change the column's units or remove the outlier"
            )
    a.flags.writeable = False
    return a
