r"""The embedded sample is what its script writes, and the script's statistics are the real ones."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.testing import assert_allclose

from compare.datasets import load
from compare.datasets.catalogue import WINE_COLUMNS
from compare.datasets.sources import SAMPLE

REAL = Path(os.environ.get("WINE_QUALITY_DIR") or "no-such-folder") / "winequality-red.csv"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample", SAMPLE.with_name("make_wine_sample.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(file: Path) -> np.ndarray:
    return np.loadtxt(file, delimiter=";", skiprows=1)


def test_the_script_writes_the_committed_file_byte_for_byte(script: ModuleType) -> None:
    assert script.make_sample().encode() == SAMPLE.read_bytes()


def test_its_first_line_is_the_real_files(script: ModuleType) -> None:
    assert SAMPLE.read_text().splitlines()[0] == ";".join(f'"{c}"' for c in WINE_COLUMNS)
    assert (*script.STATISTICS, "quality") == WINE_COLUMNS


def test_it_keeps_to_the_published_ranges_means_and_deviations(script: ModuleType) -> None:
    wines = table(SAMPLE)
    assert wines.shape == (320, 12)
    for x, (low, high, mean, deviation, _) in zip(
        wines.T, script.STATISTICS.values(), strict=False
    ):
        assert low <= x.min() <= x.max() <= high
        assert abs(x.mean() - mean) < 4 * deviation / np.sqrt(len(x))
        assert_allclose(x.std(), deviation, rtol=0.15)
    assert (wines[:, 5] <= wines[:, 6]).all()  # free sulfur dioxide is part of the total


def test_its_grades_have_the_published_shares(script: ModuleType) -> None:
    quality = table(SAMPLE)[:, -1]
    for grade, count in script.GRADES.items():
        assert abs((quality == grade).sum() - 320 * count / 1599) <= 1


def test_a_linear_model_learns_from_it_so_training_can() -> None:
    data = load("wine-sample")
    w, *_ = np.linalg.lstsq(data.X_train.T, data.Y_train[0], rcond=None)
    rest = data.Y_test[0] - w @ data.X_test
    assert 1 - rest.var() / data.Y_test.var() > 0.4


def test_its_papers_say_it_is_synthetic() -> None:
    first = SAMPLE.with_name("README.md").read_text(encoding="utf-8").splitlines()[0]
    assert "synthetic" in first


@pytest.mark.skipif(
    not REAL.is_file(), reason="WINE_QUALITY_DIR names no folder with the red wines"
)
def test_the_scripts_statistics_are_the_real_red_wines(script: ModuleType) -> None:
    wines = table(REAL)
    for x, (low, high, mean, deviation, _) in zip(
        wines.T, script.STATISTICS.values(), strict=False
    ):
        assert (low, high) == (x.min(), x.max())
        assert_allclose([mean, deviation], [x.mean(), x.std(ddof=1)], rtol=5e-3)
    grades, counts = np.unique(wines[:, -1], return_counts=True)
    assert dict(zip(grades, counts, strict=True)) == script.GRADES
