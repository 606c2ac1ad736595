r"""A figure in a page: matplotlib's SVG, coloured by the page so that both themes fit."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from compare.reports.html.figures import COLOURS, SETTINGS, VARIABLES

Draw = Callable[[Any], None]


def figure(
    draw: Draw, words: str, caption: str, *, columns: int = 1, height: float = 3.0, key: str = ""
) -> str:
    """Return a figure that `draw` draws on its axes, with what it shows in words."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    file = io.StringIO()
    with rc_context({**SETTINGS, "svg.hashsalt": key or words}):
        canvas = Figure(
            figsize=(3.9 * columns if columns > 1 else 6.0, height), layout="constrained"
        )
        axes = canvas.subplots(1, columns, squeeze=False)[0]
        draw(axes if columns > 1 else axes[0])
        canvas.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return framed(coloured(file.getvalue(), key or words), words, caption)


def framed(svg: str, words: str, caption: str) -> str:
    start = f'<svg role="img" aria-label="{escape(words)}" '
    return f"<figure>{svg.replace('<svg ', start, 1)}<figcaption>{escape(caption)}</figcaption></figure>"


def coloured(svg: str, key: str) -> str:
    """Return matplotlib's SVG without its prologue, its colours and width the page's, its ids its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    prefix = re.sub(r"\W", "", key)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    return re.sub(r"\n\s*\n", "\n", svg)


def curves(
    axes: Any, found: Mapping[str, Any], x: Any = None, *, marked: bool = True, **legend: Any
) -> None:
    """Draw labelled curves in the page's colours; those with markers are told apart without colour."""
    for k, (label, values) in enumerate(found.items()):
        at = range(len(values)) if x is None else x
        marker = "osD^v"[k] if marked else None
        axes.plot(at, values, color=COLOURS[k], lw=1.8, marker=marker, ms=3.0, label=label)
    axes.legend(**legend)


ABOVE = {"ncols": 5, "loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "columnspacing": 1.0}
