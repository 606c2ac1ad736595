r"""The figure of `parity experiment optimizers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from compare.experiments.plots import canvas, draw, legend, look, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOM = 3.0  # of the axes of losses; the targets have mean square 1


class Entrant(Protocol):
    """A rule at one learning rate, and its mean loss of each epoch and of the last, as `races` has it."""

    @property
    def rule(self) -> str: ...

    @property
    def lr(self) -> float: ...

    @property
    def averages(self) -> tuple[list[float], list[float]]: ...


def race(best: Sequence[Entrant], entrants: Sequence[Entrant]) -> Figure:
    """Draw the mean loss of each epoch of every rule at its best rate, and what the rate does to the last."""
    looks = {e.rule: look(e.rule, k) for k, e in enumerate(best)}
    with styled():
        figure, axes = canvas(1, 2, size=(11.0, 5.6))
        for e in best:
            sides = e.averages
            draw(axes[0][0], list(range(1, 1 + len(sides[0]))), sides, looks[e.rule])
        for rule, each in looks.items():
            rates(axes[0][1], [e for e in entrants if e.rule == rule], each)
        for panel, title, text in zip(
            axes[0], ("each rule at its best rate", "the last epoch, by rate"),
            ("epoch", "learning rate"), strict=True,
        ):  # fmt: skip
            panel.set_title(title)
            panel.set_xlabel(text)
            panel.set_yscale("log")
        axes[0][0].set_ylabel("mean loss of an epoch")
        axes[0][1].set_xscale("log")
        axes[0][1].set_ylim(top=ROOM)
        legend(figure, looks.values(), columns=5)
        return figure


def rates(panel: Any, entrants: Sequence[Entrant], each: Any) -> None:
    """Draw the last epoch's loss against the learning rate."""
    ends = [tuple(side[-1] if side else float("nan") for side in e.averages) for e in entrants]
    sides = [a for a, _ in ends], [b for _, b in ends]
    draw(panel, [e.lr for e in entrants], sides, each)
