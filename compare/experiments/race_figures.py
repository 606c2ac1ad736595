r"""The figure of `parity experiment optimizers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from compare.experiments.plots import canvas, draw, legend, look, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from compare.experiments.races import Entrant

ROOM = 2.0  # of the axes of losses; the targets have mean square 1


def race(best: Sequence[Entrant], entrants: Sequence[Entrant]) -> Figure:
    """Draw the loss of every rule at its best rate, and what the rate does to the last loss."""
    looks = {e.rule: look(e.rule, k) for k, e in enumerate(best)}
    with styled():
        figure, axes = canvas(1, 2, size=(11.0, 5.6))
        for e in best:
            sides = e.run.curve("loss")
            draw(axes[0][0], list(range(len(sides[0]))), sides, looks[e.rule])
        for rule, each in looks.items():
            rates(axes[0][1], [e for e in entrants if e.rule == rule], each)
        for panel, title, text in zip(
            axes[0], ("each rule at its best rate", "the last loss, by learning rate"),
            ("step", "learning rate"), strict=True,
        ):  # fmt: skip
            panel.set_title(title)
            panel.set_xlabel(text)
            panel.set_yscale("log")
        axes[0][0].set_ylabel("loss")
        axes[0][1].set_xscale("log")
        axes[0][1].set_ylim(0.7 * best[0].final, ROOM)
        legend(figure, looks.values(), columns=5)
        return figure


def rates(panel: Any, entrants: Sequence[Entrant], each: Any) -> None:
    """Draw the last loss against the learning rate."""
    sound = [e for e in entrants if e.final < ROOM]
    pairs = [e.run.last("loss") for e in sound]
    draw(panel, [e.lr for e in sound], ([a for a, _ in pairs], [b for _, b in pairs]), each)
