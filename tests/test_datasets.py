r"""What `load` promises about every data set, whatever it was made from."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import compare.datasets
from compare.datasets import NAMES, Dataset, load
from compare.datasets.sources import WINES

REAL = Path(os.environ.get("WINE_QUALITY_DIR") or "no-such-folder")
needs_wine = pytest.mark.skipif(
    not all((REAL / wine.file).is_file() for wine in WINES.values()),
    reason="WINE_QUALITY_DIR names no folder with the real Wine Quality files",
)
CASES = [pytest.param(name, id=name, marks=needs_wine if name in WINES else ()) for name in NAMES]
EVERY = pytest.mark.parametrize("name", CASES)


def arrays(data: Dataset) -> list[np.ndarray]:
    return [data.X_train, data.Y_train, data.X_test, data.Y_test]


def csv(folder: Path, *rows: str, name: str = "a.csv") -> Path:
    file = folder / name
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


def ramp(m: int) -> list[str]:
    """A header and m rows: x rises, c is constant, y is twice x, k counts 0 1 2 0 1 2."""
    return ["x,c,y,k", *(f"{i},7,{2 * i},{i % 3}" for i in range(m))]


@EVERY
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_are_read_only_contiguous_finite_and_of_the_dtype(name: str, dtype: str) -> None:
    data = load(name, dtype=dtype)
    for a in arrays(data):
        assert a.dtype == dtype
        assert a.flags.c_contiguous
        assert not a.flags.writeable
        assert a.base is None  # nothing else can write to it either
        assert np.isfinite(a).all()


@EVERY
def test_one_example_is_one_column(name: str) -> None:
    data = load(name)
    assert data.X_train.shape == (len(data.features), data.Y_train.shape[1])
    assert data.X_test.shape == (len(data.features), data.Y_test.shape[1])
    assert data.target not in data.features


SHAPES = {
    "wine-sample": (11, 256, 64),
    "wine-red": (11, 1279, 320),
    "wine-white": (11, 3918, 980),
    "diabetes": (10, 353, 89),
    "breast-cancer": (30, 455, 114),
}


@EVERY
def test_sizes_are_the_published_ones(name: str) -> None:
    data = load(name)
    n_x, m, m_test = SHAPES[name]
    assert (data.X_train.shape, data.X_test.shape) == ((n_x, m), (n_x, m_test))


@EVERY
def test_features_have_mean_0_and_deviation_1_over_the_training_part_only(name: str) -> None:
    data = load(name)
    assert_allclose(data.X_train.mean(axis=1), 0, atol=1e-11)
    assert_allclose(data.X_train.std(axis=1), 1, rtol=1e-11)
    assert np.abs(data.X_test.mean(axis=1)).max() > 1e-3


@EVERY
def test_float32_is_float64_rounded_once(name: str) -> None:
    for wide, narrow in zip(arrays(load(name)), arrays(load(name, dtype="float32")), strict=True):
        assert_array_equal(wide.astype(np.float32), narrow)


@EVERY
def test_the_seed_decides_the_split_and_nothing_else_does(name: str) -> None:
    first, again, other = load(name, seed=3), load(name, seed=3), load(name, seed=4)
    assert_array_equal(first.X_train, again.X_train)
    assert not np.array_equal(first.X_train, other.X_train)


@EVERY
def test_target_mean_and_scale_take_the_target_back_to_its_units(name: str) -> None:
    scaled = load(name, task="regression")
    plain = load(name, task="regression", scale_target=False)
    assert (plain.target_mean, plain.target_scale) == (0.0, 1.0)
    for Y, y in ((scaled.Y_train, plain.Y_train), (scaled.Y_test, plain.Y_test)):
        assert_allclose(scaled.target_mean + scaled.target_scale * Y, y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [CASES[0], CASES[1], CASES[2]])
def test_a_wine_is_labelled_1_from_the_threshold_on(name: str) -> None:
    quality = load(name, scale_target=False, seed=1)
    for threshold in (5, 6, 6.5, 7):
        data = load(name, task="binary", threshold=threshold, seed=1)
        wines = np.concatenate([quality.Y_train, quality.Y_test], axis=1)
        labels = np.concatenate([data.Y_train, data.Y_test], axis=1)
        assert set(np.unique(labels)) == {0, 1}
        assert labels.sum() == (wines >= threshold).sum()
        assert data.classes == (f"below {threshold:g}", f"{threshold:g} or above")


@pytest.mark.parametrize("name", [CASES[0], CASES[1], CASES[2]])
def test_multiclass_columns_are_one_hot_in_the_order_of_the_classes(name: str) -> None:
    data = load(name, task="multiclass")
    assert data.classes[:3] == ("3", "4", "5")
    assert data.Y_train.shape[0] == data.Y_test.shape[0] == len(data.classes)
    for Y in (data.Y_train, data.Y_test):
        assert_array_equal(Y.sum(axis=0), 1)
        assert set(np.unique(Y)) == {0, 1}


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_classes_keep_their_shares_in_both_parts(task: str) -> None:
    data = load("wine-sample", task=task, test_size=0.25)
    train, test = data.Y_train.mean(axis=1), data.Y_test.mean(axis=1)
    assert_allclose(train, test, atol=1 / data.Y_test.shape[1])


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("wine-sample", "regression"),
        ("diabetes", "regression"),
        ("breast-cancer", "binary"),
    ],
)
def test_without_a_task_the_natural_one_is_taken(name: str, task: str) -> None:
    assert load(name).task == task


def test_breast_cancer_says_which_label_is_which() -> None:
    data = load("breast-cancer")
    assert data.Y_train.sum() + data.Y_test.sum() == 357  # benign, of 569
    assert any("1 is benign" in note for note in data.notes)


def test_diabetes_keeps_its_own_units() -> None:
    age = load("diabetes", target="age", scale_target=False)
    assert (min(age.Y_train.min(), age.Y_test.min()), age.target) == (19, "age")


def test_only_the_sample_is_synthetic_and_it_says_so() -> None:
    assert load("wine-sample").synthetic
    assert load("wine-sample").notes[0].startswith("synthetic data, made from published statistics")
    for name in ("diabetes", "breast-cancer"):
        assert not load(name).synthetic


def test_a_constant_column_is_scaled_by_1_and_said_so(tmp_path: Path) -> None:
    data = load(csv(tmp_path, *ramp(20)), target="y")
    assert_array_equal(data.X_train[data.features.index("c")], 0)
    assert "column 'c' is constant in the training part and was scaled by 1" in data.notes
    assert sum("constant" in note for note in data.notes) == 1


def test_a_constant_target_of_a_regression_is_scaled_by_1_and_said_so(tmp_path: Path) -> None:
    data = load(csv(tmp_path, *ramp(20)), target="c")
    assert (data.target_mean, data.target_scale) == (7.0, 1.0)
    assert "column 'c' is constant in the training part and was scaled by 1" in data.notes


def test_any_column_of_any_csv_can_be_the_target(tmp_path: Path) -> None:
    data = load(csv(tmp_path, *ramp(20)), target="y", scale_target=False, test_size=0.5)
    assert data.features == ("x", "c", "k")
    assert_array_equal(np.sort(np.hstack([data.Y_train, data.Y_test])[0]), 2.0 * np.arange(20))
    assert load("wine-sample", target="alcohol").features[-1] == "quality"


def test_rows_of_features_and_target_stay_together(tmp_path: Path) -> None:
    data = load(csv(tmp_path, *ramp(40)), target="y")
    assert_allclose(data.X_train[0], data.Y_train[0], rtol=1e-12)  # y = 2 x, both standardised
    assert_allclose(data.X_test[0], data.Y_test[0], rtol=1e-12)


def test_a_class_with_a_single_row_gives_up_stratifying_and_says_so(tmp_path: Path) -> None:
    rows = [*ramp(20), "20,7,40,9"]
    data = load(csv(tmp_path, *rows), target="k", task="multiclass")
    assert data.classes == ("0", "1", "2", "9")
    assert "the split is not stratified: a class or a part has too few rows" in data.notes
    assert any(note.startswith("class '9' has no row in the ") for note in data.notes)


@pytest.mark.parametrize(
    "first",
    ["x;y", "x,y", "x\ty", '"x", "y"', "\ufeffx,y", "\n\nx,y"],
    ids=["semicolons", "commas", "tabs", "quotes and spaces", "a byte order mark", "blank lines"],
)
def test_a_csv_may_be_written_with(first: str, tmp_path: Path) -> None:
    separator = next(s for s in ";,\t" if s in first)
    rows = [separator.join([f'"{i}"', f" {i}{'0' * 30} "]) for i in range(5)]
    data = load(csv(tmp_path, first, *rows, "", ""), target="y")
    assert data.features == ("x",)


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    import hashlib

    file = csv(tmp_path, *ramp(20))
    data = load(file, target="y")
    assert data.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert data.source == f"a path of your own: {file}"


def test_importing_the_package_imports_no_heavy_library() -> None:
    code = "import sys, compare.datasets; print(*{m.partition('.')[0] for m in sys.modules})"
    path = str(Path(compare.datasets.__file__).parents[2])
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=path
    )
    assert "compare" in ran.stdout.split()
    assert not {"torch", "sklearn", "pandas", "pooch", "scipy"} & set(ran.stdout.split())
