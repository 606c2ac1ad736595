r"""The data flow of one training step as a drawing: forward downwards, backward upwards, then the update.

A layer is a band of four columns: what goes forward, what comes back, the gradients of its
parameters, and the parameters with the rule's state. An entry and its gradient stand side by side.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from compare.configuration import Configuration
from compare.reports.html.terms import term
from compare.traces import PARAMETERS, kind

COLUMNS = {
    "forward": (10, 136),
    "backward": (166, 140),
    "gradient": (326, 102),
    "parameter": (452, 92),
}
WIDTH, ROW, BOX, HEAD = 554, 50, 40, 22
KINDS: Mapping[str, tuple[str, ...]] = {
    "forward": ("Z", "N", "A", "D"),
    "backward": ("dZ", "dN", "dA", "dD"),
    "gradient": ("dW", "db", "dgamma", "dbeta"),
    "parameter": PARAMETERS,
}
NORMALIZATION = ("mu", "var", "xhat", "running_mean", "running_var", "batches")
RANKS = ("wrong", "blown", "inherited", "hidden", "later", "agrees")
WORDS = {
    "agrees": "agrees",
    "wrong": "the first wrong formula",
    "inherited": "differs, inherited from the wrong one",
    "hidden": "not shown, so not judged",
    "later": "after the wrong one, not told",
    "blown": "overflowed first, on both sides alike",
}


@dataclass(frozen=True)
class Node:
    """One box: where it stands, its name, its formula, and how the worst of its entries fared."""

    name: str
    formula: str
    x: int
    y: int
    width: int
    status: str
    entries: str

    @property
    def left(self) -> tuple[int, int]:
        return self.x, self.y + BOX // 2

    @property
    def right(self) -> tuple[int, int]:
        return self.x + self.width, self.y + BOX // 2

    @property
    def middle(self) -> int:
        return self.x + self.width // 2


@dataclass(frozen=True)
class Flow:
    """The drawing: its boxes, its arrows as paths, a band for each layer, and what it says in words."""

    nodes: tuple[Node, ...]
    arrows: tuple[str, ...]
    bands: tuple[tuple[int, int, str], ...]  # top, height, words
    height: int
    words: str
    width: int = WIDTH
    box: int = BOX

    @property
    def statuses(self) -> dict[str, str]:
        """Return what each status in the drawing means, in order of weight."""
        shown = {n.status for n in self.nodes}
        return {s: WORDS[s] for s in RANKS if s in shown}


def flow(statuses: Mapping[str, str], c: Configuration) -> Flow:
    """Draw the entries of a step; `statuses` says of each whether it agrees, is wrong, is inherited, ..."""
    L, top = len(c.activations), 10
    left, width = COLUMNS["forward"]
    nodes = {"X": Node("X", "the batch", left, top, width, "given", "X")}
    bands, top = [], top + ROW
    for l in range(1, L + 1):
        layer = placed(statuses, c, l, top + HEAD)
        nodes |= layer
        bottom = max((n.y for n in layer.values()), default=top) + ROW
        bands.append((top, bottom - top - 2, f"layer {l}"))
        top = bottom + 8
    nodes |= loose(statuses, c, top)
    return Flow(
        tuple(nodes.values()), tuple(arrows(nodes, L)), tuple(bands), top + ROW, told(statuses)
    )


def placed(statuses: Mapping[str, str], c: Configuration, l: int, top: int) -> dict[str, Node]:
    """Return the boxes of one layer by name."""
    nodes = {}
    forward = [k for k in KINDS["forward"] if entries(f"{k}{l}", statuses)]
    for column, kinds in KINDS.items():
        rows = [f"d{k}" for k in forward] if column == "backward" else kinds
        names = [f"{k}{l}" for k in rows]
        if column != "backward":
            names = [n for n in names if entries(n, statuses)]
        for row, name in enumerate(names):
            if entries(name, statuses):
                nodes[name] = node(name, column, top + row * ROW, statuses, c)
    return nodes


def loose(statuses: Mapping[str, str], c: Configuration, top: int) -> dict[str, Node]:
    """Return the boxes that belong to no layer: the loss, the norm of all gradients, the micro-batch."""
    columns = {"loss": "forward", "norm": "gradient", "micro": "parameter"}
    return {n: node(n, x, top, statuses, c) for n, x in columns.items() if n in statuses}


def entries(name: str, statuses: Mapping[str, str]) -> list[str]:
    """Return the entries that a box stands for: W1 with its slots and clipped gradients, N1 with its statistics.

    >>> entries("W1", {"W1": "", "m.W1": "", "dW1": ""})
    ['W1', 'm.W1']
    """
    own = [n for n in statuses if n == name or n.endswith(f".{name}")]
    if kind(name) == "N":
        own += [n for n in statuses if n in {f"{k}{name[1:]}" for k in NORMALIZATION}]
    return own


def node(name: str, column: str, y: int, statuses: Mapping[str, str], c: Configuration) -> Node:
    x, width = COLUMNS[column]
    own = entries(name, statuses)
    worst = min(own, key=lambda n: RANKS.index(statuses[n]))
    status = statuses[worst]
    formula = worst if status in ("wrong", "blown") and worst != name else term(name, c)
    return Node(name, formula, x, y, width, status, ", ".join(own))


def arrows(nodes: Mapping[str, Node], L: int) -> Iterator[str]:
    """Yield the path of every arrow between boxes that are there."""
    yield from chained(
        nodes, ["X", *(f"{k}{l}" for l in range(1, L + 1) for k in KINDS["forward"]), "loss"]
    )
    back = [f"d{k}{l}" for l in range(L, 0, -1) for k in reversed(KINDS["forward"])]
    yield from chained(nodes, back)
    first = next((nodes[n] for n in back if n in nodes), None)
    if first and "loss" in nodes:
        (x, y), up = nodes["loss"].right, first.y + BOX
        yield f"M{x} {y}H{first.middle}V{up + 2}"
    for l in range(1, L + 1):
        pairs = [("dZ", "dW"), ("dZ", "db"), ("dN", "dgamma"), ("dN", "dbeta")]
        pairs += [(f"d{k}", k) for k in KINDS["parameter"]]
        for a, b in pairs:
            if (start := nodes.get(f"{a}{l}")) and (end := nodes.get(f"{b}{l}")):
                yield across(start, end)


def chained(nodes: Mapping[str, Node], names: Sequence[str]) -> Iterator[str]:
    """Yield the arrows from each box to the next that is there, straight down or straight up."""
    there = [nodes[n] for n in names if n in nodes]
    for a, b in itertools.pairwise(there):
        down = b.y > a.y
        start, end = (a.y + BOX, b.y - 2) if down else (a.y, b.y + BOX + 2)
        yield f"M{a.middle} {start}V{end}"


def across(a: Node, b: Node) -> str:
    (x, y), (end, level) = a.right, b.left
    turn = end - 12
    return f"M{x} {y}H{end - 2}" if y == level else f"M{x} {y}H{turn}V{level}H{end - 2}"


def told(statuses: Mapping[str, str]) -> str:
    """Return the drawing in words, for those who do not see it."""
    named = {status: [n for n, s in statuses.items() if s == status] for status in RANKS}
    parts = [f"{WORDS[status]}: {', '.join(names)}" for status, names in named.items() if names]
    return "Data flow of one training step. " + "; ".join(parts)
