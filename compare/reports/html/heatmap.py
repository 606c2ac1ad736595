r"""The heat map of a run: one pixel for each quantity and span of steps, as a PNG for each theme."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from compare.spans import Spans

Pixels = NDArray[np.uint8]
THEMES = {  # no error, all that is allowed, beyond it: the same as in style.css
    "light": ((232, 239, 247), (11, 74, 143), (207, 34, 46)),
    "dark": ((30, 41, 54), (126, 197, 255), (255, 107, 97)),
}


@dataclass(frozen=True)
class HeatMap:
    """The pictures, the quantity of each row, the steps it spans, and what it says in words."""

    images: dict[str, str]  # theme -> data URI
    names: tuple[str, ...]
    ticks: tuple[int, ...]  # steps along the axis
    width: int  # steps a column
    words: str


def heat_map(spans: Spans) -> HeatMap:
    """Return the heat map of error over what is allowed."""
    rows = {n: spans.row(n) for n in spans.rows}
    last = spans.count * spans.width - 1
    ticks = sorted({round(last * i / 4) for i in range(5)})
    return HeatMap(
        images(rows.values()), tuple(rows), tuple(ticks), spans.width, told(rows, spans.width)
    )


def strip(margins: Mapping[str, float], names: Sequence[str]) -> HeatMap:
    """Return one column: the failing step, its quantities in the order of `names`."""
    rows = {n: [margins.get(n, float("nan"))] for n in names}
    return HeatMap(images(rows.values()), tuple(rows), (), 1, told(rows, 1))


def images(rows: Iterable[Sequence[float]]) -> dict[str, str]:
    values = np.array(list(rows), dtype=np.float64)
    return {theme: encoded(coloured(values, *colours)) for theme, colours in THEMES.items()}


def coloured(
    values: NDArray[np.float64],
    least: tuple[int, ...],
    most: tuple[int, ...],
    beyond: tuple[int, ...],
) -> Pixels:
    """Return the pixels (rows, columns, RGBA); what is NaN is transparent.

    >>> coloured(np.array([[0.0, 1.0, 2.0, np.nan]]), (0,), (8,), (9,))[0].tolist()
    [[0, 255], [8, 255], [9, 255], [0, 0]]
    """
    share = np.clip(np.nan_to_num(values), 0.0, 1.0)[..., None]
    colour = np.array(least) + share * (np.array(most) - np.array(least))
    colour = np.where(values[..., None] > 1.0, np.array(beyond), colour)
    opaque = np.where(np.isnan(values), 0, 255)[..., None]
    return np.concatenate([np.where(opaque, colour, 0), opaque], axis=-1).round().astype(np.uint8)


def encoded(pixels: Pixels) -> str:
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, pixels, format="png", metadata={"Software": ""})
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def told(rows: Mapping[str, Sequence[float]], width: int) -> str:
    """Return the heat map in words."""
    peaks = {n: max((x for x in row if not isnan(x)), default=0.0) for n, row in rows.items()}
    name = max(peaks, key=lambda n: peaks[n])
    columns = max(map(len, rows.values()))
    by = f"{columns} steps" if width == 1 else f"{columns} spans of {width} steps"
    return (
        f"Error over what is allowed, {len(rows)} quantities by {by}: "
        f"the largest is {peaks[name]:.2g}, of {name}"
    )
