r"""The data sets by name, and `load`, which turns a name or a path into a prepared data set."""

import difflib
import hashlib
import math
import os
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from compare.datasets import embedded, sources
from compare.datasets.dataset import TASKS, Dataset, Options, Table
from compare.datasets.preparation import prepare
from compare.datasets.reading import parse, quoted, read_bytes

DEFAULT = "wine-sample"
EMBEDDED = {"diabetes": embedded.diabetes, "breast-cancer": embedded.breast_cancer}
NAMES = (DEFAULT, *sources.WINES, *EMBEDDED)
WINE_COLUMNS = (
    "fixed acidity",
    "volatile acidity",
    "citric acid",
    "residual sugar",
    "chlorides",
    "free sulfur dioxide",
    "total sulfur dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
    "quality",
)
SYNTHETIC = (
    "synthetic data, made from published statistics of red wines (Cortez et al. 2009): no wine was "
    "measured"
)


def load(
    name: str | os.PathLike[str],
    *,
    task: str | None = None,
    threshold: float = 6,
    target: str | None = None,
    test_size: float = 0.2,
    seed: int = 0,
    dtype: DTypeLike = "float64",
    scale_target: bool = True,
    path: str | os.PathLike[str] | None = None,
) -> Dataset:
    r"""Load a data set by name, or any CSV file by its path, ready to train on.

    **Names.** `wine-sample` (synthetic, embedded), `wine-red`, `wine-white` (the real Wine Quality
    files; `path` names a file to use in place of the published one), `diabetes`, `breast-cancer`
    (embedded in scikit-learn); or the path of a CSV file, whose `target` column has to be named.

    **Tasks.** None takes the natural one: binary if the target is made of zeros and ones, a
    regression otherwise. `binary` labels target >= `threshold` as 1 (zeros and ones stay as they
    are); `multiclass` makes one-hot columns of a whole-numbered target.

    **Preparation.** `test_size` (a fraction) of the rows, chosen by `seed`, is set aside by
    `train_test_split`, stratified by class where possible; every feature is standardised by the
    training part. So is the target of a regression unless `scale_target` is false: in its own
    units (quality 3 to 9, diabetes 25 to 346) the gradients at the start are up to hundreds of
    times larger, and no learning rate suits two data sets. `Dataset.target_mean` and
    `target_scale` take predictions back.

    **Raises** `ValueError`, one sentence that says what was found, where, and how to mend it.

    **In PyTorch:** there is no counterpart; `reference` receives these same arrays.

    >>> data = load("wine-sample")
    >>> data.X_train.shape, data.Y_train.shape, data.X_test.shape, data.synthetic
    ((11, 256), (1, 256), (11, 64), True)
    >>> load("wine-rde")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: 'wine-rde' is neither a data set nor a CSV file; did you mean 'wine-red'? ...
    """
    options = Options(task, threshold, target, test_size, seed, dtype_name(dtype), scale_target)
    check(options)
    return prepare(find_table(os.fspath(name), path), options)


def dtype_name(dtype: DTypeLike) -> str:
    r"""NumPy's name of a dtype, or the text of what is none, for `check` to refuse."""
    try:
        return np.dtype(dtype).name
    except TypeError:
        return str(dtype)


def check(options: Options) -> None:
    r"""Refuse an option that cannot be used, before anything is read or downloaded."""
    task, threshold, _, test_size, seed, dtype, _ = options
    real, whole = isinstance(threshold, Real), isinstance(seed, Integral)
    for name, good, expected in (
        ("task", task is None or task in TASKS, f"one of {quoted(TASKS)}"),
        ("dtype", dtype in ("float32", "float64"), "'float32' or 'float64'"),
        ("threshold", real and math.isfinite(threshold), "a finite number"),
        ("test_size", is_fraction(test_size), "a fraction between 0 and 1"),
        ("seed", whole and 0 <= seed < 2**32, "a whole number from 0 to 4294967295"),
    ):
        if not good:
            raise ValueError(f"{name} is {getattr(options, name)!r} where {expected} is expected")


def is_fraction(value: object) -> bool:
    r"""Whether a value is a number strictly between 0 and 1."""
    return isinstance(value, Real) and 0 < float(value) < 1


def find_table(name: str, path: str | os.PathLike[str] | None) -> Table:
    r"""The checked table a name or a path stands for."""
    if path is not None and name not in sources.WINES:
        raise ValueError(
            f"path is given with {name!r}, where it can only stand in for "
            f"{quoted(sources.WINES)}; load any other CSV by its path alone, and a target"
        )
    if name == DEFAULT:
        note = f"embedded: {sources.SAMPLE}"
        return wine_table(name, sources.SAMPLE, note, synthetic=True, notes=(SYNTHETIC,))
    if name in sources.WINES:
        file, found = given(path) if path is not None else sources.locate(sources.WINES[name])
        return wine_table(name, file, found)
    return EMBEDDED[name]() if name in EMBEDDED else csv_table(name)


def given(path: str | os.PathLike[str]) -> tuple[Path, str]:
    r"""A path of the user's, its tilde expanded, and the sentence for it."""
    file = Path(os.path.expanduser(path))
    return file, f"a path of your own: {file}"


def wine_table(
    name: str, path: Path, source: str, *, synthetic: bool = False, notes: tuple[str, ...] = ()
) -> Table:
    r"""The table of a file in the format of the Wine Quality files."""
    data = read_bytes(path)
    header, values = parse(str(path), data, separator=";")
    if tuple(header) != WINE_COLUMNS:
        missing, other = set(WINE_COLUMNS) - set(header), set(header) - set(WINE_COLUMNS)
        found = f"lacks {quoted(sorted(missing))}" if missing else "has them in another order"
        found += f" and has {quoted(sorted(other))}" if other else ""
        raise ValueError(
            f"{path}: where the columns of the Wine Quality files are expected, it {found}; "
            "load it as any other CSV, by its path and target column"
        )
    digest = hashlib.sha256(data).hexdigest()
    return Table(name, str(path), source, digest, WINE_COLUMNS, values, "quality", synthetic, notes)


def csv_table(name: str) -> Table:
    r"""The table of any CSV file; a name that cannot be meant as a path is an unknown data set."""
    path, source = given(name)
    if not (os.path.exists(path) or path.suffix or len(path.parts) > 1):
        near = difflib.get_close_matches(name, NAMES, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"{name!r} is neither a data set nor a CSV file; {hint}there are {quoted(NAMES)}"
        )
    data = read_bytes(path)
    header, values = parse(str(path), data)
    return Table(
        path.name, str(path), source, hashlib.sha256(data).hexdigest(), tuple(header), values
    )
