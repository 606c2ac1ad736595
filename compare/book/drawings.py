r"""Drawings made by hand: the net of the source document, and what flows through it in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

Drawing = tuple[str, str, str]  # SVG, what it shows in words, caption
TIP = '<path class="tip" d="M{x} {y}l-7 -4v8z" transform="rotate({turn} {x} {y})"/>'


NET = (
    "The two-layer net, here with n_x = 3, n_h = 4, n_y = 2; each line is one weight, one example flows "
    "through as a column."
)


def net() -> Drawing:
    """Draw the two-layer net with 3 inputs, 4 hidden units and 2 outputs."""
    columns = [("in", 90, 3), ("hidden", 300, 4), ("out", 510, 2)]
    places = [[(x, 150 + 62 * (k - (n - 1) / 2)) for k in range(n)] for _, x, n in columns]
    wires = [
        f'<line class="wire" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
        for left, right in pairwise(places)
        for x1, y1 in left
        for x2, y2 in right
    ]
    names = ("x", "a", "ŷ")
    units = [
        f'<g class="{name}"><circle cx="{x}" cy="{y:.0f}" r="21"/>'
        f'<text x="{x}" y="{y + 5:.0f}" text-anchor="middle" font-size="15">{letter}{"₁₂₃₄"[k]}</text></g>'
        for (name, _, _), column, letter in zip(columns, places, names, strict=True)
        for k, (x, y) in enumerate(column)
    ]
    notes = [
        note(90, 292, "X (n_x, m)"), note(300, 292, "A1 (n_h, m)"), note(510, 292, "A2 (n_y, m)"),
        note(195, 24, "W1 (n_h, n_x), b1 (n_h, 1)"), note(405, 24, "W2 (n_y, n_h), b2 (n_y, 1)"),
    ]  # fmt: skip
    svg = f'<svg class="net" viewBox="0 0 600 304">{"".join([*wires, *units, *notes])}</svg>'
    words = "A net with three inputs, four hidden units and two outputs, every unit joined to all of the layer before"
    return svg, words, NET


def note(x: float, y: float, text: str) -> str:
    return f'<text class="note" x="{x}" y="{y}" text-anchor="middle">{text}</text>'


def box(x: float, y: float, name: str, shape: str, kind: str) -> str:
    return (
        f'<g class="{kind}"><rect x="{x - 42}" y="{y - 22}" width="84" height="44" rx="8"/>'
        f'<text x="{x}" y="{y - 2}" text-anchor="middle" font-size="15" font-weight="600">{name}</text>'
        f'<text class="note" x="{x}" y="{y + 14}" text-anchor="middle">{shape}</text></g>'
    )


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    turn = 0 if y1 == y2 and x2 > x1 else 180 if y1 == y2 else 90 if y2 > y1 else -90
    return f'<path d="M{x1} {y1}L{x2} {y2}"/>' + TIP.format(x=x2, y=y2, turn=turn)


NAMES = ("X", "Z1", "A1", "Z2", "A2", "L")
SHAPES = ("(n_x, m)", "(n_h, m)", "(n_h, m)", "(n_y, m)", "(n_y, m)", "a number")
WEIGHTS = {"1": "(n_h, n_x)", "2": "(n_y, n_h)"}
XS = {name: 52.0 + 112.0 * k for k, name in enumerate(NAMES)}


def flow() -> Drawing:
    """Draw what is computed, forward above and backward below."""
    fore, back = "".join(forward()), "".join(backward())
    svg = f'<svg class="flow" viewBox="0 0 668 304">{fore}<g class="back">{back}</g></svg>'
    words = (
        "Forward from X through Z1, A1, Z2, A2 to the loss; backward from the loss through dA2, dZ2, "
        "dA1, dZ1, each dZ giving its dW and db"
    )
    caption = (
        "What is computed: forward above, backward below (red), with the shape of everything. A "
        "gradient has the shape of what it belongs to."
    )
    return svg, words, caption


def forward() -> Iterator[str]:
    for name, shape in zip(NAMES, SHAPES, strict=True):
        yield box(XS[name], 104, name, shape, "fore")
    for a, b in pairwise(NAMES):
        yield arrow(XS[a] + 42, 104, XS[b] - 43, 104)
    for l, shape in WEIGHTS.items():
        x = XS[f"Z{l}"]
        yield box(x, 30, f"W{l}, b{l}", shape, "parameter") + arrow(x, 52, x, 81)


def backward() -> Iterator[str]:
    y, order = 196, NAMES[4:0:-1]
    for name in order:
        yield box(XS[name], y, f"d{name}", SHAPES[NAMES.index(name)], "")
    end = XS["A2"] + 43
    yield f'<path d="M{XS["L"]} 126V{y}H{end}"/>' + TIP.format(x=end, y=y, turn=180)
    for a, b in pairwise(order):
        yield arrow(XS[a] - 42, y, XS[b] + 43, y)
    for l, shape in WEIGHTS.items():
        x = XS[f"Z{l}"]
        yield box(x, 276, f"dW{l}, db{l}", shape, "") + arrow(x, 218, x, 253)


DRAWINGS: dict[str, Callable[[], Drawing]] = {"net": net, "flow": flow}
