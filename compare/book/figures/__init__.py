r"""The figures, drawn from our own functions."""

from __future__ import annotations

from typing import Any

from compare.book import drawings
from compare.book.catalogue import Formula
from compare.book.figures.depth import depth
from compare.book.figures.frame import framed
from compare.book.figures.functions import RATES, activation, loss, schedule
from compare.book.figures.walks import descent, family, valley


def of(f: Formula) -> str:
    """Return the figure of a formula's page; nothing where there is nothing to draw."""
    if f.group == "activations" and f.name != "softmax":
        return activation(f.name)
    if f.group == "losses" and not f.name.startswith("cross"):
        return loss(f.name)
    if f.group == "schedules" and f.name in RATES:
        return schedule(f.name)
    return ""


def chapter(name: str, **options: Any) -> str:
    """Return a figure of a chapter by name."""
    drawn = {"descent": descent, "valley": valley, "depth": depth, "family": family}
    if name in drawn:
        return drawn[name](**options)
    if name in drawings.DRAWINGS:
        svg, words, caption = drawings.DRAWINGS[name]()
        return framed(svg, words, caption)
    return activation(name, **options)
