r"""Bad input ends in one sentence that says what was found, where, and how to mend it."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from compare.datasets import load
from compare.datasets.catalogue import WINE_COLUMNS

WINE = ";".join(WINE_COLUMNS)
GOOD = "7;0.5;0;2;0.1;9;30;1;3;0.6;10;5"
SOUND = "x;y\n" + "".join(f"{i};{i % 2}\n" for i in range(20))

# id: bytes of the file, what the sentence says after the file's name
FILES = {
    "an empty file": (b"", " is empty: "),
    "only blank lines": (b"\n \n\r\n", " is empty: "),
    "a header without rows": (b"x;y\n", " has a header but no rows: "),
    "rows without a header": (b"1;2\n3;4\n", " starts with a row of numbers where a header"),
    "one column": (b"y\n1\n2\n", " has one column only: "),
    "an unknown separator": (b"x|y\n1|2\n", " has one column only: "),
    "a column without a name": (b"x;;y\n1;2;3\n", ": column 2 has no name; "),
    "two columns of one name": (b"x;y;x\n1;2;3\n", ": two columns are named 'x'; "),
    "a short row": (b"x;y\n1;2\n3\n", ", line 3: the row has 1 cells where the header has 2"),
    "a long row": (b"x;y\n1;2;3\n", ", line 2: the row has 3 cells where the header has 2"),
    "rows with another separator than the header": (
        b"x;y\n1,2\n",
        ", line 2: the row has 1 cells where the header has 2, separated by ';'; "
        "is it separated by ','?",
    ),
    "a word": (b"x;y\n1;2\n\n3;abc\n", ", line 4, column 'y': found 'abc' where a number is"),
    "a date": (b"x;y\n2020-01-01;2\n", ", line 2, column 'x': found '2020-01-01' where a number"),
    "an underscore": (b"x;y\n1;1_000\n", ", line 2, column 'y': found '1_000' where a number is"),
    "an empty cell": (b"x;y\n1;\n", ", line 2, column 'y': the cell is empty where a number is"),
    "a row of empty cells": (b"x;y\n1;2\n;\n", ", line 3, column 'x': the cell is empty where"),
    "a decimal comma": (
        b"x;y\n1;7,4\n",
        ", line 2, column 'y': found '7,4' where a number is expected; write a decimal point",
    ),
    "NaN": (b"x;y\n1;2\nNaN;2\n", ", line 3, column 'x': found 'NaN' where a finite number is"),
    "infinity": (b"x;y\n1;-inf\n", ", line 2, column 'y': found '-inf' where a finite number is"),
    "a number beyond float64": (b"x;y\n1;1e999\n", ", line 2, column 'y': found '1e999' where a f"),
    "a row after one of two lines": (b'x;y\n"1\n";2\n3;?\n', ", line 4, column 'y': found '?'"),
    "an open quote": (b'x;y\n1;"2\n', ", line 2: the row cannot be split into cells ("),
    "Latin-1 text": ("x;y\n1;2\n3;é\n".encode("latin-1"), ", line 3: byte 0xe9 is not UTF-8"),
    "UTF-16 text": ("x;y\n1;2\n".encode("utf-16"), ", line 1: byte 0xff is not UTF-8 text; "),
    "a binary file": (b"x;y\n1;\0\n", " is a binary file where CSV text"),
    "one row": (b"x;y\n1;2\n", " has 1 rows, of which test_size 0.2 leaves 0 to train on"),
    "two rows": (b"x;y\n1;2\n3;4\n", " has 2 rows, of which test_size 0.2 leaves 1 to train on"),
    "no such target": (b"x;z\n1;2\n", ": has no column 'y'; choose from 'x', 'z'"),
    "zeros only": (b"x;y\n1;0\n2;0\n3;0\n", ", column 'y': all 3 rows are in one class, where"),
    "values too large to square": (
        b"x;y\n1e200;2\n-1e200;3\n5;6\n7;8\n9;9\n",
        ", column 'x': the values are too large to standardise",
    ),
}


def refusal(*args: object, **options: object) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is the claim
        load(*args, **options)  # type: ignore[arg-type]
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert not sentence.endswith(".")
    return sentence


@pytest.mark.parametrize(("data", "says"), FILES.values(), ids=FILES.keys())
def test_a_file_is_refused_that_is_or_has(data: bytes, says: str, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(data)
    assert refusal(file, target="y").startswith(f"{file}{says}")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    assert refusal(file, target="y") == f"{file} does not exist: check the path to the CSV file"
    assert refusal("wine-red", path=file).startswith(f"{file} does not exist")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert refusal(tmp_path, target="y").startswith(f"{tmp_path} is a folder where a CSV file")


@pytest.mark.parametrize("name", ["x\0.csv", "x" * 5000 + ".csv", "~nobody-there/x.csv"])
def test_a_path_no_system_can_open_is_refused(name: str) -> None:
    assert re.search("cannot be read|does not exist", refusal(name, target="y"))


def test_a_csv_needs_a_target_and_the_columns_are_listed(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(SOUND)
    assert refusal(file) == f"{file}: no target column was named; choose from 'x', 'y'"


def test_long_lists_of_columns_are_cut(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(";".join(f"c{i}" for i in range(500)) + "\n" + ";".join("1" * 500))
    assert refusal(file).endswith("'c10', 'c11' and 488 more")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{WINE}\n{GOOD}\n".replace(";", ","), "is separated by ',' where ';' is expected"),
        (f"{WINE}\n{GOOD}\n".replace("alcohol", "ethanol"), "lacks 'alcohol' and has 'ethanol'"),
        (f"{WINE};extra\n{GOOD};1\n", "and has 'extra'"),
        (f"quality;{WINE[: -len(';quality')]}\n{GOOD}\n", "has them in another order"),
    ],
    ids=["commas", "a renamed column", "a column too many", "another order"],
)
def test_a_wine_file_is_refused_for(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "wine.csv"
    file.write_text(text)
    sentence = refusal("wine-red", path=file)
    assert says in sentence
    assert sentence.endswith("load it as any other CSV, by its path and target column")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("wine-rde", "did you mean 'wine-red'? "),
        ("brest_cancer", "did you mean 'breast-cancer'? "),
        ("mnist", "nor a CSV file; there are 'wine-sample', 'wine-red', 'wine-white', 'diabetes'"),
    ],
)
def test_an_unknown_name_is_told_the_nearest_and_all(name: str, says: str) -> None:
    assert says in refusal(name)


@pytest.mark.parametrize("name", ["wine-sample", "diabetes", "mine"])
def test_a_path_stands_in_for_a_wine_file_only(name: str) -> None:
    assert refusal(name, path="a.csv").startswith(f"path is given with '{name}', where it can only")


@pytest.mark.parametrize(
    "option",
    [
        {"task": "clustering"},
        {"dtype": "float16"},
        {"dtype": "decimal"},
        {"threshold": float("nan")},
        {"threshold": "6"},
        {"test_size": 0},
        {"test_size": 1.0},
        {"test_size": float("nan")},
        {"test_size": "0.2"},
        {"seed": -1},
        {"seed": 2**32},
        {"seed": 0.5},
    ],
    ids=lambda option: " ".join(f"{k} {v!r}" for k, v in option.items()),
)
def test_an_option_is_refused_before_anything_is_read(option: dict[str, object]) -> None:
    (name,) = option
    assert re.match(rf"{name} is .* where .* is expected$", refusal("no-such-set", **option))


@pytest.mark.parametrize("threshold", [3, 8.5, -1e300])
def test_a_threshold_that_splits_nothing_is_told_the_range(threshold: float) -> None:
    sentence = refusal("wine-sample", task="binary", threshold=threshold)
    assert f"all 320 rows are in one class on one side of the threshold {threshold:g}" in sentence
    assert "the values run from 3 to 8" in sentence


def test_a_training_part_of_one_class_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x;y\n" + "1;0\n" * 2 + "1;1\n")
    sentence = refusal(file, target="y", seed=seed_without_1(file), test_size=0.3)
    assert "one class only, '0', is in the training part" in sentence


def seed_without_1(file: Path) -> int:
    """A seed that leaves the only row of class 1 to the test part."""
    for seed in range(100):
        data = load(file, target="y", task="regression", seed=seed, test_size=0.3)
        if data.target_mean == 0:
            return seed
    raise AssertionError("no seed in a hundred does that")


def test_multiclass_needs_whole_numbers_and_not_too_many(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x;y\n" + "".join(f"{i / 2};{i}\n" for i in range(60)))
    assert "found 0.5 where multiclass" in refusal(file, target="x", task="multiclass")
    assert "60 classes where multiclass" in refusal(file, target="y", task="multiclass")
    file.write_text("x;y\n" + "1;2\n" * 9)
    assert "one class only where multiclass" in refusal(file, target="y", task="multiclass")


def test_a_value_too_large_for_float32_is_refused_there_only(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x;y\n" + "".join(f"{i};{i}e60\n" for i in range(9)))
    load(file, target="y", scale_target=False)
    sentence = refusal(file, target="y", scale_target=False, dtype="float32")
    assert sentence.startswith(f"{file}, column 'y': a prepared value is too large for float32")


CELLS = st.one_of(
    st.floats(allow_nan=True).map(str),
    st.integers(0, 2).map(str),
    st.integers().map(str),
    st.sampled_from(["", " ", "NA", '"', '"1"', "1,5", "1e308", "-1e308", "1e-320", "7" * 400]),
    st.text(max_size=3),
)
TABLES = st.builds(
    lambda separator, end, rows: end.join(separator.join(row) for row in [["x", "y"], *rows]),
    st.sampled_from([";", ",", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=8),
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(repr)
NUMERIC = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=12).map(
    lambda rows: "x;y\n" + "\n".join(";".join(row) for row in rows)
)


def damaged(seed: int) -> bytes:
    """A sound file with three of its bytes replaced."""
    data, chance = bytearray(SOUND.encode()), random.Random(seed)
    for _ in range(3):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


@settings(max_examples=300, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
        TABLES.map(lambda text: text.encode("utf-8", "surrogatepass")),
        NUMERIC.map(str.encode),
        st.integers(0, 2**32).map(damaged),
    ),
    task=st.sampled_from([None, "regression", "binary", "multiclass"]),
    dtype=st.sampled_from(["float64", "float32"]),
    test_size=st.sampled_from([0.2, 0.5]),
)
def test_any_bytes_either_load_or_raise_a_value_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, task: str, dtype: str, test_size: float
) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzz.csv"
    file.write_bytes(data)
    try:
        loaded = load(file, target="y", task=task, dtype=dtype, test_size=test_size)
    except ValueError:
        event("refused")
    else:
        event("loaded")
        assert np.isfinite(loaded.X_train).all()
        assert np.isfinite(loaded.Y_train).all()
