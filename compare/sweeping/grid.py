r"""A grid: every combination of its axes' values, one cell at a time, so that its size costs no memory."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compare.configuration import parse
from compare.sweeping.axes import AXES, SHAPES, spelled

Cell = Mapping[str, Any]  # axis: value; plain data, so that it can be kept, sent and read again


@dataclass(frozen=True)
class Grid:
    """The axes that were given, each with its values; the others have their defaults.

    >>> grid = Grid({"depth": (1, 2), "seed": range(1000)})
    >>> grid.size, grid.cell(1999)["hidden"], grid.cell(1999)["seed"]
    (2000, '8,8', 999)
    """

    axes: Mapping[str, Sequence[Any]]

    @property
    def size(self) -> int:
        """Return the number of combinations; some may come to the same cell."""
        return math.prod(len(values) for values in self.axes.values())

    def cell(self, k: int) -> Cell:
        """Return the cell of combination k; the last axis varies fastest."""
        chosen = {}
        for name, values in reversed(list(self.axes.items())):
            k, position = divmod(k, len(values))
            chosen[name] = values[position]
        return settled(chosen)

    def cells(self) -> Iterator[Cell]:
        """Yield the cell of every combination."""
        return map(self.cell, range(self.size))

    def remaining(self, done: set[str]) -> Iterator[Cell]:
        """Yield the cells whose keys are not in `done`, each once."""
        seen = set(done)
        for cell in self.cells():
            if (name := key(cell)) not in seen:
                seen.add(name)
                yield cell

    def declared(self) -> dict[str, Any]:
        """Return the axes as plain data, ranges in their short form."""
        return {
            name: f"{values[0]}..{values[-1]}" if isinstance(values, range) else list(values)
            for name, values in self.axes.items()
        }


def settled(chosen: Mapping[str, Any]) -> Cell:
    """Return the cell with its defaults filled in, and without what does not matter to it.

    Two combinations that would train the same net come to the same cell.

    >>> cell = settled({"optimizer": "sgd(lr=0.5, momentum=0.9)", "depth": 0})
    >>> cell["optimizer"], cell["lr"], cell["hidden"], "activation" in cell
    ('sgd(momentum=0.9)', 0.5, 'none', False)
    """
    cell = {**{name: axis.default for name, axis in AXES.items()}, **chosen}
    name, options = parse(cell["optimizer"])
    cell["lr"] = float(options.pop("lr", cell["lr"]))
    cell["optimizer"] = spelled(name, options)
    if any(shape in chosen for shape in SHAPES):
        cell["hidden"] = ",".join([str(cell["width"])] * cell["depth"]) or "none"
    idle = [*SHAPES]
    idle += ["activation"] if cell["hidden"] == "none" else []
    idle += ["inputs", "outputs", "examples"] if cell["data"] != "random" else []
    return {name: value for name, value in cell.items() if name not in idle}


def key(cell: Cell) -> str:
    """Return what a cell is known by: a digest of all it says."""
    text = json.dumps(cell, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def reproduction(cell: Cell) -> str:
    """Return the command that verifies this one cell again.

    >>> reproduction(settled({"seed": 3, "optimizer": "sgd(lr=0.5)"}))
    'parity sweep --cell \\'{"optimizer": "sgd", "lr": 0.5, "seed": 3}\\''
    """
    apart = {n: x for n, x in cell.items() if x != AXES[n].default}
    return shlex.join(["parity", "sweep", "--cell", json.dumps(apart)])
