r"""LaTeX as inline SVG, drawn ahead by ziamath: no script, no font of the reader's, the source as its label."""

from __future__ import annotations

import re
import warnings
from functools import cache
from html import escape

SIZE = 24.0  # of the drawing; on the page everything is in em
SCALE = 1.08  # STIX beside a system font
SYMBOL = re.compile(r"<symbol [^>]*/>|<symbol .*?</symbol>", re.DOTALL)  # a space has no outline
NAME = re.compile(r'id="([^"]+)"')
BREAK = re.compile(r"\\qquad|\\quad|\\;(?=\\Rightarrow)")


class Glyphs:
    """The glyphs that a page has used, each drawn once and referred to from every formula."""

    def __init__(self) -> None:
        self.symbols: dict[str, str] = {}

    def inline(self, latex: str) -> str:
        """Return a formula that stands in a line of text."""
        return self.drawn(" ".join(latex.split()), display=False)

    def display(self, latex: str) -> str:
        r"""Return a formula on lines of its own, broken where a \quad stands outside brackets."""
        parts = [self.drawn(part, display=True) for part in split(" ".join(latex.split()))]
        return f'<span class="display">{" ".join(parts)}</span>'

    def drawn(self, latex: str, *, display: bool) -> str:
        svg, symbols = draw(latex, display)
        self.symbols.update(symbols)
        return svg

    def sheet(self) -> str:
        """Return the hidden drawing that holds every glyph of the page."""
        return (
            '<svg class="glyphs" width="0" height="0" aria-hidden="true">'
            f"{''.join(self.symbols.values())}</svg>"
        )


@cache
def draw(latex: str, display: bool) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return a formula as SVG that uses glyphs, and the glyphs, each with its name."""
    with warnings.catch_warnings():  # its fonts are read by a call that importlib deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        from ziamath.zmath import Latex

        drawing = Latex(latex, size=SIZE, inline=not display)
    markup = re.sub(r'"black"', '"currentColor"', drawing.svg())
    symbols = {NAME.search(s)[1]: s for s in SYMBOL.findall(markup)}  # type: ignore[index]
    inner = SYMBOL.sub("", markup).partition(">")[2].removesuffix("</svg>")
    left, top, width, height = map(float, re.search(r'viewBox="([^"]+)"', markup)[1].split())  # type: ignore[index]
    unit = SCALE / SIZE
    depth = -(top + height) * unit
    return (
        f'<svg class="maths" role="img" aria-label="{escape(latex)}" '
        f'viewBox="{left} {top} {width} {height}" style="width:{width * unit:.3f}em;'
        f'height:{height * unit:.3f}em;vertical-align:{depth:.3f}em">{inner}</svg>',
        tuple(symbols.items()),
    )


def split(latex: str) -> list[str]:
    r"""Return the parts of a display between its \quads, brackets and environments kept whole.

    >>> split(r"a = b, \qquad c = \text{x \quad y}")
    ['a = b,', 'c = \\text{x \\quad y}']
    """
    parts, start = [], 0
    for found in BREAK.finditer(latex):
        if balanced(latex[start : found.start()]) and balanced(latex[found.end() :]):
            parts.append(latex[start : found.start()])
            start = found.end() if "quad" in found[0] else found.start()
    return [part.strip() for part in [*parts, latex[start:]] if part.strip()]


def balanced(latex: str) -> bool:
    r"""Tell whether every bracket and environment that is opened is closed.

    >>> balanced("{x}"), balanced(r"\left( x")
    (True, False)
    """
    pairs = ((r"\{", r"\}"), (r"\\begin\b", r"\\end\b"), (r"\\left\b", r"\\right\b"))
    return all(len(re.findall(a, latex)) == len(re.findall(b, latex)) for a, b in pairs)
