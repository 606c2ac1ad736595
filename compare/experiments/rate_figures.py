r"""The figure of `parity experiment learning-rate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from compare.experiments.plots import (
    BLUE,
    GREY,
    RED,
    Look,
    canvas,
    draw,
    handle,
    legend,
    look,
    styled,
)
from compare.experiments.rates import Step, Trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOM = 1e3  # of the axis of losses


def learning_rate(
    linear: Sequence[Trained], nets: Sequence[Trained], steps: Sequence[Step], best: float
) -> Figure:
    """Draw losses around the limit, a net's last loss by its rate, and where steps are lost in rounding."""
    with styled():
        figure, axes = canvas(1, 3, size=(13.0, 4.8))
        around_the_limit(axes[0][0], linear, best)
        by_rate(axes[0][1], nets)
        lost_in_rounding(axes[0][2], steps)
        legend(figure, (), columns=2)
        return figure


def around_the_limit(panel: Any, linear: Sequence[Trained], best: float) -> None:
    looks = [look(f"{t.share:g} of $2/\\Lambda$", k) for k, t in enumerate(linear)]
    for t, each in zip(linear, looks, strict=True):
        sides = t.run.curve("loss")
        draw(panel, list(range(len(sides[0]))), sides, each, marks=9)
    panel.axhline(best, color=GREY, linewidth=0.9, linestyle=":")
    panel.set_yscale("log")
    panel.set_ylim(best / 1.6, ROOM)
    panel.set_title("linear model: loss around its limit")
    panel.set_xlabel("step")
    panel.legend(handles=[handle(each) for each in looks], fontsize=8)


def by_rate(panel: Any, nets: Sequence[Trained]) -> None:
    sound = [t for t in nets if t.sound]
    pairs = [t.run.last("loss") for t in sound]
    sides = [a for a, _ in pairs], [b for _, b in pairs]
    draw(panel, [t.lr for t in sound], sides, Look("", BLUE), marks=len(sound))
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_title("net: last loss by learning rate")
    panel.set_xlabel("learning rate")
    lost = [t.lr for t in nets if not t.sound]
    if lost:
        panel.axvspan(min(lost), max(lost), color=RED, alpha=0.12)
        middle = (min(lost) * max(lost)) ** 0.5
        place = {"transform": panel.get_xaxis_transform(), "ha": "center", "va": "center"}
        panel.text(middle, 0.5, "diverges,\nboth sides", color=RED, **place)


def lost_in_rounding(panel: Any, steps: Sequence[Step]) -> None:
    rates = [s.lr for s in steps]
    sides = [100.0 * s.moved[0] for s in steps], [100.0 * s.moved[1] for s in steps]
    draw(panel, rates, sides, Look("", BLUE), marks=len(steps))
    predicted = [100.0 * s.predicted for s in steps]
    panel.plot(
        rates, predicted, "k.", markersize=3, zorder=4, label=r"$|\eta g|$ > half a spacing of w"
    )
    panel.set_xscale("log")
    panel.set_title("parameters that one step moves, %")
    panel.set_xlabel("learning rate")
    panel.legend(loc="upper left", fontsize=8)
