r"""Drawing both sides: manual as a line, torch as open markers on top, in colours everybody can tell apart.

The figures are made without pyplot and without a display (Agg and SVG); matplotlib is imported only
when a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito, "Color universal design", 2008: told apart with every kind of colour blindness.
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
RED, SKY, BLACK, GREY = "#D55E00", "#56B4E9", "#000000", "#888888"
COLOURS = (RED, PINK, BLUE, GREEN, ORANGE, SKY, BLACK)
DASHES = ("-", "--", "-", "--", "-.", ":", "-")
MARKERS = ("v", "^", "o", "s", "D", "P", "X")

STYLE: dict[str, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.7,
    "svg.hashsalt": "parity",
    "svg.fonttype": "path",
    "path.simplify": True,
}
HUGE = 1e250  # matplotlib's logarithmic axes overflow a little beyond


class Look(NamedTuple):
    """How one quantity is drawn everywhere: colour, dash and marker all differ."""

    label: str
    colour: str
    dash: str = "-"
    marker: str = "o"


def look(label: str, k: int) -> Look:
    """Return the k-th look; where colours come round again, dash and marker are others."""
    n, turn = len(COLOURS), k // len(COLOURS)
    return Look(label, COLOURS[k % n], DASHES[(k + turn) % n], MARKERS[(k + 3 * turn) % n])


def styled() -> AbstractContextManager[None]:
    """Return the context in which figures are made."""
    import matplotlib

    context: AbstractContextManager[None] = matplotlib.rc_context(STYLE)
    return context


def canvas(
    rows: int, columns: int, *, size: tuple[float, float], **shared: Any
) -> tuple[Figure, Any]:
    """Return a new figure with an array of axes (rows, columns); `size` in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def draw(
    axes: Axes,
    x: Sequence[float],
    sides: tuple[Sequence[float], Sequence[float]],
    look: Look,
    *,
    marks: int = 11,
) -> None:
    """Draw manual's curve as a line, torch's as about `marks` open markers on top; what is not finite is left out."""
    mine, theirs = (finite(side) for side in sides)
    axes.plot(x[: len(mine)], mine, color=look.colour, linestyle=look.dash, zorder=2)
    every = spread(len(theirs), marks)
    axes.plot(
        [x[k] for k in every],
        [theirs[k] for k in every],
        linestyle="none",
        marker=look.marker,
        markersize=5.5,
        markerfacecolor="white",
        markeredgecolor=look.colour,
        markeredgewidth=1.2,
        zorder=3,
    )


def finite(values: Sequence[float]) -> list[float]:
    return [v if abs(v) < HUGE else np.nan for v in values]


def spread(n: int, marks: int) -> list[int]:
    """Return about `marks` indices evenly over n, both ends among them.

    >>> spread(5, 3), spread(2, 9)
    ([0, 2, 4], [0, 1])
    """
    if n <= marks:
        return list(range(n))
    return [round(k * (n - 1) / (marks - 1)) for k in range(marks)]


def legend(
    figure: Figure, looks: Iterable[Look], *, columns: int, extra: Iterable[Any] = ()
) -> None:
    """Put one legend below the figure: every look, and which side is the line and which the marker."""
    from matplotlib.lines import Line2D

    handles: list[Any] = [handle(each) for each in looks]
    handles += extra
    handles.append(Line2D([], [], color=GREY, label="line: manual (NumPy)"))
    handles.append(open_marker("marker: PyTorch"))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def handle(look: Look) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], color=look.colour, linestyle=look.dash, marker=look.marker, label=look.label,
        markerfacecolor="white", markersize=5.5,
    )  # fmt: skip


def open_marker(label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], color=GREY, linestyle="none", marker="o", markerfacecolor="white", label=label
    )


def save(figure: Figure, folder: Path, name: str, *, mark: str) -> None:
    """Write a figure as PNG and SVG, the same bits every time, with `mark` in the metadata."""
    with styled():
        figure.savefig(folder / f"{name}.png", dpi=150, metadata={"Software": mark})
        metadata = {"Creator": mark, "Date": None}
        figure.savefig(folder / f"{name}.svg", metadata=metadata)
