r"""From the bytes of a CSV file to a header and finite numbers, or to the reason why not.

Written on the standard library's `csv`, not on a table library: those fill a short row with NaN
and guess column types, while here each file line has to hold one number a column, and an error
has to name the line.
"""

import csv
import io
import math
import os
import re
import reprlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHORT = reprlib.Repr()
SHORT.maxstring = 80
SEPARATORS = {";": "';'", ",": "','", "\t": "a tab"}
Row = tuple[int, list[str]]  # the file line a row starts on, from 1, and its cells


def read_bytes(path: Path) -> bytes:
    r"""The file's bytes. **Raises** `ValueError` for a missing file, a folder, no permission."""
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder where a CSV file is expected: name a file in it")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist: check the path to the CSV file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{path} cannot be read ({reason}): check the path") from None


def parse(where: str, data: bytes, *, separator: str = "") -> tuple[list[str], NDArray[np.float64]]:
    r"""The header and the (rows, columns) values of a CSV file's bytes.

    `separator` is the one the file has to have; without it the header decides between semicolon,
    comma and tab. **Raises** `ValueError`, naming the line and the column, unless there is a
    header of distinct names and below it at least one row, each of one finite number a column.

    >>> header, values = parse("a.csv", b"x;y\n1;2\n3;4\n")
    >>> header, values.tolist()
    (['x', 'y'], [[1.0, 2.0], [3.0, 4.0]])
    >>> parse("a.csv", b"x;y\n1;2\n3;nan\n")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: a.csv, line 3, column 'y': found 'nan' where a finite number is expected; ...
    """
    text = decode(where, data)
    found = separator_of(where, text, separator)
    rows = split_rows(where, text, found)
    header = named_columns(where, next(rows, (1, [""]))[1])
    values = [numbers(where, row, header, found) for row in rows]
    if not values:
        raise ValueError(f"{where} has a header but no rows: at least one row is expected below it")
    return header, np.array(values)


def decode(where: str, data: bytes) -> str:
    r"""The text of UTF-8 bytes, with or without a byte order mark; neither binary nor blank."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{where}, line {line}: byte 0x{error.object[error.start]:02x} is not UTF-8 text; "
            "save the file as CSV in UTF-8"
        ) from None
    if "\0" in text:
        raise ValueError(f"{where} is a binary file where CSV text in UTF-8 is expected")
    if not text.strip():
        raise ValueError(f"{where} is empty: a header and at least one row are expected")
    return text


def separator_of(where: str, text: str, wanted: str) -> str:
    r"""The separator the header uses, which has to be `wanted` if that is given."""
    header = re.sub(r'"[^"]*"', "", re.split(r"[\r\n]", text.lstrip("\r\n "), maxsplit=1)[0])
    found = max(SEPARATORS, key=header.count)
    if not header.count(found):
        raise ValueError(
            f"{where} has one column only: features and a target are expected, separated by "
            f"';', ',' or a tab"
        )
    if wanted and found != wanted:
        raise ValueError(
            f"{where} is separated by {SEPARATORS[found]} where {SEPARATORS[wanted]} is expected; "
            "convert it, or load it as any other CSV, by its path and target column"
        )
    return found


def split_rows(where: str, text: str, separator: str) -> Iterator[Row]:
    r"""Each row that is not blank, with the file line it starts on."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in reader:
            if len(cells) > 1 or "".join(cells).strip():
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{where}, line {line}: the row cannot be split into cells ({error}); check its quotes"
        ) from None


def named_columns(where: str, cells: list[str]) -> list[str]:
    r"""The header's names, stripped: each there, none twice, not all of them numbers."""
    names = [cell.strip() for cell in cells]
    if None not in map(number, names):
        raise ValueError(
            f"{where} starts with a row of numbers where a header is expected: put a line with "
            "the column names on top"
        )
    for index, name in enumerate(names):
        if not name:
            raise ValueError(f"{where}: column {index + 1} has no name; name it in the header")
        if name in names[:index]:
            raise ValueError(f"{where}: two columns are named {quoted([name])}; rename one of them")
    return names


def numbers(where: str, row: Row, columns: list[str], separator: str) -> list[float]:
    r"""The numbers of one row, as many as there are columns."""
    line, cells = row
    if len(cells) != len(columns):
        other = [s for s in SEPARATORS if s != separator and "".join(cells).count(s)]
        hint = f"is it separated by {SEPARATORS[other[0]]}?" if other else "complete or remove it"
        raise ValueError(
            f"{where}, line {line}: the row has {len(cells)} cells where the header has "
            f"{len(columns)}, separated by {SEPARATORS[separator]}; {hint}"
        )
    found = [number(cell) for cell in cells]
    for column, cell, x in zip(columns, cells, found, strict=True):
        if x is None or not math.isfinite(x):
            raise ValueError(f"{where}, line {line}, column {quoted([column])}: {fault(cell)}")
    return [x for x in found if x is not None]


def number(cell: str) -> float | None:
    r"""The number a cell holds as files write it (Python's own 1_000 is none), or None."""
    try:
        return float(cell) if "_" not in cell else None
    except ValueError:
        return None


def fault(cell: str) -> str:
    r"""What is wrong with a cell that is not a finite number, and how to mend it."""
    if not cell.strip():
        return "the cell is empty where a number is expected; fill it in or remove its row"
    if re.fullmatch(r"\s*[+-]?\d*,\d+\s*", cell):
        return f"found {SHORT.repr(cell)} where a number is expected; write a decimal point"
    kind = "a number" if number(cell) is None else "a finite number"
    return f"found {SHORT.repr(cell)} where {kind} is expected; correct the cell or remove its row"


def quoted(names: Iterable[str]) -> str:
    r"""Names for a message, in quotes, the first dozen of them."""
    names = list(names)
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(map(SHORT.repr, names[:12])) + more
