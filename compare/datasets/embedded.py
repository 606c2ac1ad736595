r"""The real data sets scikit-learn carries, diabetes and breast cancer: no file, no network."""

import hashlib
from typing import Any

import numpy as np

from compare.datasets.dataset import Table


def diabetes() -> Table:
    r"""442 patients, 10 measurements in their own units, disease progression a year later.

    **Source:** B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, "Least Angle Regression", Annals
    of Statistics 32(2), 407-499, 2004.

    >>> diabetes().values.shape
    (442, 11)
    """
    from sklearn.datasets import load_diabetes

    return from_sklearn("diabetes", load_diabetes(scaled=False), "progression")


def breast_cancer() -> Table:
    r"""569 tumours, 30 features of their cell nuclei, benign (1) or malignant (0).

    **Source:** W. Wolberg, O. Mangasarian, N. Street, W. Street, "Breast Cancer Wisconsin
    (Diagnostic)", UCI Machine Learning Repository, 1993.

    >>> breast_cancer().values.shape
    (569, 31)
    """
    from sklearn.datasets import load_breast_cancer

    notes = ("of the target 'benign', 1 is benign and 0 malignant",)
    return from_sklearn("breast-cancer", load_breast_cancer(), "benign", notes)


def from_sklearn(name: str, bunch: Any, target: str, notes: tuple[str, ...] = ()) -> Table:
    r"""The table of a scikit-learn data set: its features, and its target as the last column."""
    import sklearn

    values = np.column_stack([bunch.data, bunch.target]).astype("<f8")
    return Table(
        name=name,
        where=f"scikit-learn's {name} set",
        source=f"embedded in scikit-learn {sklearn.__version__}",
        sha256=hashlib.sha256(values.tobytes()).hexdigest(),
        columns=(*map(str, bunch.feature_names), target),
        values=values,
        target=target,
        notes=notes,
    )
