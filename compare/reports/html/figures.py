r"""Curves as inline SVG: drawn by matplotlib, coloured by the page, so that both themes fit."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Any

import numpy as np

from compare.spans import Spans

INK, LINE, CLEAR = "#0000a0", "#0000a1", "#0000a2"
COLOURS = ("#0000c1", "#0000c2", "#0000c3", "#0000c4", "#0000c5", "#0000c6")
VARIABLES = {INK: "--ink", LINE: "--line", CLEAR: "--card"}
VARIABLES |= {colour: f"--c{i}" for i, colour in enumerate(COLOURS, 1)}
MOST = 400  # points a curve
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "parity",
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
}


@dataclass(frozen=True)
class Curve:
    """One line of a figure: its points, its label, its colour by number, and whether it is dashed or broad."""

    label: str
    steps: Sequence[float]
    values: Sequence[float]
    colour: int = 0
    dashed: bool = False
    broad: bool = False


@dataclass(frozen=True)
class Figure:
    """A drawn figure: its SVG, what it shows in words, and what is said below it."""

    svg: str
    words: str
    caption: str


def loss_figure(losses: Sequence[tuple[float, float]]) -> Figure:
    """Draw both loss curves."""
    mine, theirs = ([pair[i] for pair in losses] for i in (0, 1))
    steps = list(range(len(losses)))
    curves = [
        Curve("torch", steps, theirs, broad=True),
        Curve("by hand", steps, mine, colour=1, dashed=True),
    ]
    words = f"Loss of both sides over {len(losses)} steps, from {mine[0]:.4g} to {mine[-1]:.4g}"
    return Figure(drawn("loss", curves), words, f"The loss of both sides.{thinned(len(losses))}")


def norm_figure(norms: tuple[Spans, Spans]) -> Figure:
    """Draw the norm of each layer's weight gradient, of both sides."""
    mine, theirs = norms
    steps = [i * mine.width for i in range(mine.count)]
    curves = []
    for number, name in enumerate(mine.rows):
        colour = number % len(COLOURS)
        curves.append(Curve(name, steps, theirs.row(name), colour, broad=True))
        curves.append(Curve("", steps, mine.row(name), colour, dashed=True))
    ends = ", ".join(f"{n} {mine.row(n)[0]:.2g} to {mine.row(n)[-1]:.2g}" for n in mine.rows)
    spans = f" The largest of each {mine.width} steps." if mine.width > 1 else ""
    return Figure(
        drawn("‖dW‖", curves),
        f"Norms of the weight gradients over the steps: {ends}",
        f"The norm of each layer's weight gradient: torch broad, by hand dashed.{spans}",
    )


DRIFTS = (
    ("parameters", "parameters, by hand against torch", 0, False),
    ("control_parameters", "parameters, the control", 0, True),
    ("loss", "loss, by hand against torch", 1, False),
    ("control_loss", "loss, the control", 1, True),
)


def drift_figure(drift: Mapping[str, Any]) -> Figure:
    """Draw how far two free runs drift apart, and the control: torch against torch, its examples reordered."""
    steps = range(len(drift["parameters"]))
    curves = [
        Curve(label, steps, drift[key], colour, dashed) for key, label, colour, dashed in DRIFTS
    ]
    far, control = (max(drift[key], default=0.0) for key in ("parameters", "control_parameters"))
    return Figure(
        drawn("relative difference", curves, logarithmic=True),
        f"Drift of two free runs over {len(steps)} steps: parameters up to {far:.2g}, the control {control:.2g}",
        "Each side from its own state. The control is torch against torch with the examples of every "
        "batch in another order: the same mathematics, other rounding. Where a run drifts no "
        "further than its control, no tolerance means anything." + thinned(len(steps)),
    )


def thinned(points: int) -> str:
    every = stride(points)
    return f" One step in {every} is drawn." if every > 1 else ""


def stride(points: int) -> int:
    return -(-points // MOST)


def drawn(label: str, curves: Sequence[Curve], *, logarithmic: bool | None = None) -> str:
    """Return the curves as SVG, over the steps."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Canvas

    file = io.StringIO()
    with rc_context(SETTINGS), np.errstate(over="ignore"):  # ticks beyond the largest number
        canvas = Canvas(figsize=(5.0, 3.1), layout="constrained")
        axes = canvas.add_subplot()
        for curve in curves:
            line(axes, curve)
        axes.set_xlabel("step")
        axes.set_ylabel(label)
        axes.locator_params(axis="x", integer=True)
        if wide(curves) if logarithmic is None else logarithmic:
            scaled(axes, curves)
        legend(canvas, axes)
        canvas.savefig(file, format="svg", transparent=True, metadata=NO_METADATA)
    return inlined(file.getvalue(), label)


NO_METADATA: dict[Any, Any] = {"Date": None, "Creator": None, "Format": None, "Type": None}


def line(axes: Any, curve: Curve) -> None:
    every = stride(len(curve.values))
    points = [
        (s, v if isfinite(v) else float("nan"))
        for s, v in zip(curve.steps, curve.values, strict=True)
    ]
    kept = points[::every]
    x, y = zip(*kept, strict=True) if kept else ((), ())
    axes.plot(
        x,
        y,
        color=COLOURS[curve.colour],
        linewidth=5.0 if curve.broad else 1.6,
        alpha=0.35 if curve.broad else 1.0,
        linestyle=(0, (4, 3)) if curve.dashed else "-",
        marker="o" if len(kept) == 1 else None,
        label=curve.label or "_",
    )


def legend(canvas: Any, axes: Any) -> None:
    """Put one or two names where there is room among the curves, more of them below."""
    lines, labels = axes.get_legend_handles_labels()
    if len(labels) > 2:
        canvas.legend(lines, labels, loc="outside lower center", ncols=2)
    elif len(axes.lines) > 1:
        axes.legend(loc="best")


def wide(curves: Sequence[Curve]) -> bool:
    """Tell whether the values are positive and span more than a factor of 20."""
    values = [v for c in curves for v in c.values if isfinite(v)]
    return bool(values) and min(values) > 0.0 and max(values) > 20.0 * min(values)


def scaled(axes: Any, curves: Sequence[Curve]) -> None:
    """Make the axis logarithmic, where there is anything above 0; what is 0 leaves a gap."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    positive = [v for c in curves for v in c.values if isfinite(v) and v > 0.0]
    if not positive:
        return
    axes.set_yscale("log", nonpositive="mask")
    if within := decades(min(positive), max(positive)):
        axes.set_ylim(*within)
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda y, _: f"{y:.0e}" if not 1e-3 < y < 1e4 else f"{y:g}")
    )
    axes.yaxis.set_minor_formatter(NullFormatter())


def decades(low: float, high: float) -> tuple[float, float] | None:
    """Return the whole decades around values that have fewer than two powers of ten among them.

    Numbers stand at powers of ten alone, so that an axis within a decade would have none.

    >>> decades(1.2e-16, 3e-16)
    (1e-16, 1e-15)
    >>> decades(1e-16, 1e-9)
    """
    if floor(log10(high)) > ceil(log10(low)):
        return None
    first = min(max(floor(log10(low)), -307), 307)  # where neither end is 0 or infinite
    return 10.0**first, 10.0 ** min(max(ceil(log10(high)), first + 1), 308)


def inlined(svg: str, key: str) -> str:
    """Return matplotlib's SVG fit to stand in a page: no prologue, the page's colours, ids of its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(
        r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL
    )
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    prefix = re.sub(r"\W", "", key) or "f"
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r"\d+\.\d{3,}", lambda x: f"{float(x[0]):.2f}".rstrip("0").rstrip("."), svg)
    return re.sub(
        r'<svg [^>]*viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg, count=1
    )
