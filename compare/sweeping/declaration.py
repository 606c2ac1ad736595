r"""A grid as people write it: a TOML file, flags, or the JSON of one cell, refused in one sentence that says where.

    steps = 100
    activation = ["relu", "leaky_relu(negative_slope=0.2)"]
    optimizer = ["sgd(lr=0.1, momentum=0.9)", "adam"]
    depth = [1, 2, 3]
    dtype = ["float64", "float32"]
    seed = "0..99"

A value may stand for a list of one; whole numbers may be given as ranges.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from compare.options import split
from compare.sweeping.axes import AXES, SHAPES, values
from compare.sweeping.grid import Cell, Grid

LARGEST = 100_000  # bytes of a declaration

Axes = dict[str, Sequence[Any]]


def from_file(path: Path) -> Axes:
    """Return the axes that a TOML file declares."""
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; write the grid as TOML, or give flags")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"{path}: longer than {LARGEST:,} bytes; write ranges such as 0..99")
    return from_toml(data, str(path))


def from_toml(data: bytes, where: str) -> Axes:
    """Return the axes in the bytes of a TOML file; `where` is the name it goes by in a refusal.

    >>> from_toml(b'seed = "0..2"\\nactivation = ["relu", "tanh"]', "grid.toml")
    {'seed': range(0, 3), 'activation': ('relu', 'tanh')}
    """
    try:
        tables = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"{where}: byte {error.start} is not UTF-8; save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise ValueError(f"{where}: not TOML: {error}") from None
    except RecursionError:
        raise ValueError(f"{where}: nested too deeply; an axis is a list of values") from None
    return read(tables, where)


def from_json(text: str, where: str = "--cell") -> Axes:
    """Return the axes of one cell written as JSON."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: not JSON: {str(error)[:100]}") from None
    if not isinstance(data, dict):
        raise ValueError(f'{where}: expected an object such as {{"optimizer": "adam", "seed": 3}}')
    return read(data, where)


def cell(text: str) -> Cell:
    """Return one cell written as JSON, what it does not say filled in.

    >>> cell('{"seed": 3}')["seed"]
    3
    """
    chosen = from_json(text)
    several = [name for name, values in chosen.items() if len(values) > 1]
    if several:
        raise ValueError(f"--cell: {several[0]} has several values; a cell has one of each")
    return (grid(chosen, "--cell") if chosen else Grid({})).cell(0)


def from_flags(flags: Mapping[str, str]) -> Axes:
    """Return the axes given on the command line, lists separated by commas.

    >>> from_flags({"optimizer": "adam(betas=(0.5, 0.9)),sgd", "seed": "0..3,7"})
    {'optimizer': ('adam(betas=(0.5, 0.9))', 'sgd'), 'seed': (0, 1, 2, 3, 7)}
    """
    axes: Axes = {}
    for name, text in flags.items():
        axes |= read({name: split(text)}, "--" + name.replace("_", "-"))
    return axes


def read(tables: Mapping[str, Any], where: str) -> Axes:
    """Return the axes, every value read and repeated values dropped."""
    axes: Axes = {}
    for name, written in tables.items():
        if name not in AXES:
            raise ValueError(f"{where}: there is no axis {shown(name)}; {hint(name)}")
        entries = written if isinstance(written, list) else [written]
        axes[name] = read_axis(name, entries, where)
        if not axes[name]:
            raise ValueError(f"{where}: {name} is an empty list; give at least one value")
    return axes


def read_axis(name: str, entries: Sequence[Any], where: str) -> Sequence[Any]:
    found: list[Sequence[Any]] = []
    for position, entry in enumerate(entries, 1):
        try:
            found.append(values(name, entry))
        except ValueError as error:
            place = f"value {position} of {name}" if len(entries) > 1 else name
            raise ValueError(f"{where}: {place} is {shown(entry)}: {error}") from None
    if len(found) == 1:
        return found[0] if isinstance(found[0], range) else tuple(found[0])
    if sum(map(len, found)) > LARGEST * 10:
        raise ValueError(f"{where}: {name} lists over a million values; give one range")
    return tuple(dict.fromkeys(value for part in found for value in part))


def hint(name: str) -> str:
    near = get_close_matches(name, AXES, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(AXES)}"


def shown(entry: Any) -> str:
    """Return what was found, cut where it is long."""
    try:
        text = repr(entry)
    except (ValueError, RecursionError):  # a number of thousands of digits
        text = type(entry).__name__
    return text if len(text) <= 60 else text[:57] + "..."


def grid(axes: Axes, where: str) -> Grid:
    """Return the grid of the axes; ValueError where two of them contradict each other."""
    if not axes:
        raise ValueError(f'{where}: no axis is given; give at least one, such as seed = "0..9"')
    if "hidden" in axes and (other := [n for n in SHAPES if n in axes]):
        raise ValueError(
            f"{where}: give hidden, or depth and width, not both {other[0]} and hidden"
        )
    return Grid({name: axes[name] for name in AXES if name in axes})
