r"""What a program wants its arrays as: examples in columns as here or in rows as PyTorch, W as (in, out) or not.

Beyond that it may want tensors, and class indices in place of one-hot targets; neither need be said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from compare.checking.numbers import numeric, plain
from compare.traces import Array, kind

if TYPE_CHECKING:
    from compare.checking.inputs import Trial

ROWS = ("Z", "A", "D", "N", "xhat", "mask", "X", "Y")
VECTORS = ("b", "gamma", "beta", "mu", "var", "running_mean", "running_var")


@dataclass(frozen=True)
class Layout:
    """How arrays are handed over and taken back: X as (m, n_x), b as (n,), W as (in, out)."""

    name: str
    rows: bool = False
    in_by_out: bool = False
    classes: bool = False
    tensors: bool = False

    def kind(self, name: str) -> str:
        return kind(name.split(".")[-1]).removeprefix("d")

    @property
    def notes(self) -> Iterator[str]:
        """Yield what is said of it where nobody asked for it."""
        if self.name != "columns":
            yield f"layout: {self.name}"
        if self.tensors:
            yield "it is given tensors, new ones at each step: whether their gradients are set to zero is not tried"
        if self.classes:
            yield "its targets are class indices"

    def formed(self, x: Any) -> Any:
        """Return an array as the tensor that shares its memory, where tensors are wanted."""
        if not self.tensors or not isinstance(x, np.ndarray):
            return x
        import torch

        return torch.from_numpy(x)

    def batch(self, x: Array) -> Any:
        return self.formed(np.array(x.T, order="C") if self.rows else np.array(x))

    def targets(self, Y: Array) -> Any:
        return self.formed(np.argmax(Y, axis=0)) if self.classes else self.batch(Y)

    def outward(self, arrays: Mapping[str, Array]) -> dict[str, Any]:
        """Return arrays as the candidate wants them."""
        return {n: self.formed(self.turned(n, x, out=True)) for n, x in arrays.items()}

    def inward(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the candidate shows in columns."""
        return {n: self.turned(n, x, out=False) for n, x in arrays.items()}

    def turned(self, name: str, x: Any, *, out: bool) -> Any:
        x = plain(x)
        if not numeric(x):
            return x
        what, x = self.kind(name), np.asarray(x)
        if self.rows and what in VECTORS and x.ndim:
            return np.array(x.reshape(-1)) if out else x.reshape(-1, 1)
        turn = (self.rows and what in ROWS) or (self.in_by_out and what == "W")
        if not turn or x.ndim != 2:
            return x
        return (
            np.array(x.T, order="C") if out else x.T
        )  # that shares its memory with what does in rows

    def fits(self, shown: Mapping[str, Any], t: Trial) -> bool:
        """Tell whether the parameters that come back have the shapes they went with."""
        names = [n for n in t.state if n in shown]
        return all(np.size(shown[n]) == t.state[n].size for n in names)


LAYOUTS = {
    "columns": Layout("columns"),
    "rows": Layout("rows", rows=True),
    "rows, W in x out": Layout("rows, W in x out", rows=True, in_by_out=True),
}


def check_layout(layout: str | None) -> None:
    """Raise ValueError for a layout that there is not."""
    if layout and layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r}; there are {', '.join(map(repr, LAYOUTS))}")
