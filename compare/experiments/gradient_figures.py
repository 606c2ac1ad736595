r"""The figures of `parity experiment gradients`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from compare.experiments.depth import ACTIVATIONS, STARTS, Deep, layered
from compare.experiments.plots import canvas, draw, legend, look, styled
from compare.experiments.remedies import TROUBLES, Remedy
from compare.experiments.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOP = 1e2  # of the axis of losses; what starts above is on its way down
ROOM = 1e8  # of the axes of nets that explode

LOOKS = {start: look(start, k) for k, start in enumerate(STARTS)}


def depth(found: Sequence[Deep]) -> Figure:
    """Draw, before training, every layer's gradient norm, and how the output's Jacobian grows with depth."""
    with styled():
        figure, axes = canvas(2, 3, size=(11.0, 7.4), sharex="col", sharey="row")
        for n in found:
            upper, lower = axes[:, ACTIVATIONS.index(n.activation)]
            mine, theirs = n.gradients()
            draw(upper, numbers(1, mine), (mine, theirs), LOOKS[n.start])
            singular = n.spectra[0].largest()
            draw(lower, numbers(0, singular[0]), singular, LOOKS[n.start])
        label(axes, r"$\Vert dW_l \Vert$", r"$\sigma_{max}$ of $\partial A_L / \partial A_l$")
        for lower in axes[1]:
            lower.set_xlabel("layer l (0: the input)")
        legend(figure, LOOKS.values(), columns=4)
        return figure


def training(found: Sequence[Deep]) -> Figure:
    """Draw loss, dW1 and the largest singular value of dA_L/dX over the steps of training."""
    with styled():
        figure, axes = canvas(3, 3, size=(11.0, 9.6), sharex="col", sharey="row")
        for n in found:
            column = axes[:, ACTIVATIONS.index(n.activation)]
            for panel, name in zip(column, ("loss", "dW1"), strict=False):
                sides = n.run.curve(name)
                draw(panel, numbers(0, sides[0]), sides, LOOKS[n.start])
            steps = sorted(n.spectra)
            pairs = [n.largest(k) for k in steps]
            draw(column[2], steps, ([a for a, _ in pairs], [b for _, b in pairs]), LOOKS[n.start])
        label(axes, "loss", r"$\Vert dW_1 \Vert$", r"$\sigma_{max}$ of $\partial A_L / \partial X$")
        axes[0][0].set_ylim(top=TOP)
        for lower in axes[2]:
            lower.set_xlabel("step")
        legend(figure, LOOKS.values(), columns=4)
        return figure


def label(axes: Any, *quantities: str) -> None:
    """Title the columns by activation, name the rows, and set logarithmic scales."""
    for panel, activation in zip(axes[0], ACTIVATIONS, strict=True):
        panel.set_title(activation)
    for row, quantity in zip(axes, quantities, strict=True):
        row[0].set_ylabel(quantity)
        for panel in row:
            panel.set_yscale("log")
            panel.xaxis.get_major_locator().set_params(integer=True)


def remedies(helped: Sequence[Remedy]) -> Figure:
    """Draw, for each trouble and its remedies, gradients by layer, losses, and what the rule sees."""
    with styled():
        figure, axes = canvas(2, 3, size=(12.0, 8.0))
        for panels, trouble in zip(axes, TROUBLES, strict=True):
            cases = [r for r in helped if r.trouble == trouble]
            looks = [look(r.label, k) for k, r in enumerate(cases)]
            for r, each in zip(cases, looks, strict=True):
                layers = layered(r.run)
                draw(panels[0], numbers(1, layers[0]), layers, each)
                for panel, name in zip(panels[1:], ("loss", "seen"), strict=True):
                    sides = r.run.curve(name)
                    draw(panel, numbers(0, sides[0]), sides, each)
            dress(panels, trouble, looks)
            for panel in panels[1:]:
                mark_end(panel, cases[0].run, looks[0].colour)
        legend(figure, (), columns=2)
        return figure


def mark_end(panel: Any, run: Run, colour: str) -> None:
    """Say where a run blew up, beyond the top of the panel."""
    if run.summary.blown:
        step = run.summary.blown[0]
        panel.set_ylim(1e-3, ROOM)
        text = f"  blew up at step {step}, both sides"
        panel.text(step, ROOM, text, color=colour, fontsize=8.5, va="top")


def dress(panels: Any, trouble: str, looks: Sequence[Any]) -> None:
    from compare.experiments.plots import handle

    titles = "gradients at the first step", "loss", "norm of what the rule sees"
    for panel, title in zip(panels, titles, strict=True):
        panel.set_title(f"{trouble}: {title}")
        panel.set_yscale("log")
        panel.set_xlabel("step")
        panel.xaxis.get_major_locator().set_params(integer=True)
    panels[0].set_xlabel("layer l")
    panels[0].set_ylabel(r"$\Vert dW_l \Vert$")
    panels[0].legend(handles=[handle(each) for each in looks], fontsize=8)


def numbers(first: int, curve: Sequence[float]) -> list[float]:
    """Return first, first + 1, ..., one for each point of a curve."""
    return [float(first + k) for k in range(len(curve))]
