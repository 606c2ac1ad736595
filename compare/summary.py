r"""What a run leaves behind, gathered as it streams by: flat in the number of steps, unless all is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from compare.spans import Spans
from compare.standing import Judged
from compare.tolerances import STEP
from compare.traces import Trace, kind
from compare.verification import Stepped

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Quantity:
    """The worst that was seen of one entry over all steps."""

    name: str
    steps: int = 0
    elements: int = 0
    unjudged: int = 0  # elements that rounding alone may have made anything, by their formula
    formula: float = 0.0  # worst error of its formula over what is allowed
    reference: float = 0.0  # the reference's own worst, in units of u times the estimate
    pair: float = 0.0  # worst |manual - torch| over what is allowed
    error: float = 0.0  # that |manual - torch|, absolute
    bound: float = 0.0  # and what was allowed there
    step: int = 0
    index: tuple[int, ...] = ()

    def add(self, judged: Judged, step: int, elements: int) -> None:
        self.steps += 1
        self.elements += elements
        if judged.formula is not None:
            self.formula = max(self.formula, judged.formula.ratio / judged.limit)
            self.unjudged += judged.formula.unjudged
        if judged.reference is not None:
            self.reference = max(self.reference, judged.reference.ratio)
        pair = judged.pair.ratio / STEP
        if pair >= self.pair:
            self.pair, self.step, self.index = pair, step, judged.pair.index
            self.error = abs(judged.pair.value - judged.pair.expected)
            self.bound = STEP * judged.pair.allowed


@dataclass
class Summary:
    """Aggregates over a run: one Quantity an entry, both loss curves, and on request every error.

    Their course is kept in spans of steps: of each entry's error over what is allowed, and of the
    norms of the weights' gradients, by hand and by torch.
    """

    quantities: dict[str, Quantity] = field(default_factory=dict)
    losses: list[tuple[float, float]] = field(default_factory=list)
    rows: list[tuple[Any, ...]] | None = None
    steps: int = 0
    blown: tuple[int, str] | None = None
    margins: Spans = field(default_factory=Spans)
    norms: tuple[Spans, Spans] = field(default_factory=lambda: (Spans(), Spans()))

    def watch(self, steps: Iterator[Stepped]) -> Iterator[Stepped]:
        """Pass the verified steps through, and keep what the report needs."""
        for stepped in steps:
            self.add(stepped)
            yield stepped

    def add(self, stepped: Stepped) -> None:
        self.steps += 1
        if stepped.blown:
            self.blown = stepped.number, stepped.blown
        else:
            self.trace(stepped)
        for j in stepped.judged:
            entry = stepped.candidate.get(j.name.removeprefix("update."))
            quantity = self.quantities.setdefault(j.name, Quantity(j.name))
            quantity.add(j, stepped.number, 0 if entry is None else entry.size)
            if self.rows is not None:
                self.rows.append(row(stepped.number, j))

    def trace(self, stepped: Stepped) -> None:
        """Add a step to the courses of losses, errors and gradient norms."""
        self.losses.append((float(stepped.candidate["loss"]), float(stepped.reference["loss"])))
        self.margins.add(stepped.number, margins(stepped.judged))
        for spans, trace in zip(self.norms, (stepped.candidate, stepped.reference), strict=True):
            spans.add(stepped.number, gradient_norms(trace))

    @property
    def arrays(self) -> int:
        return sum(q.steps for q in self.quantities.values())

    @property
    def elements(self) -> int:
        return sum(q.elements for q in self.quantities.values())

    @property
    def unjudged(self) -> str | None:
        """Return in a sentence what no formula could judge; None where all was judged."""
        left = [q for q in self.quantities.values() if q.unjudged]
        if not left:
            return None
        parts = (f"{q.unjudged:,} of {q.elements:,} of {q.name}" for q in left)
        return f"not judged, since rounding alone may have made them anything: {', '.join(parts)}"

    @property
    def tightest(self) -> Quantity | None:
        """Return the quantity that came nearest to what is allowed."""
        return max(self.quantities.values(), key=lambda q: max(q.pair, q.formula), default=None)


def margins(judged: Iterable[Judged]) -> Iterator[tuple[str, float]]:
    """Yield the error of each entry over what is allowed; a parameter's update counts as the parameter."""
    return ((j.name.removeprefix("update."), j.margin) for j in judged)


def gradient_norms(trace: Trace) -> list[tuple[str, float]]:
    r"""Return $\lVert dW_l \rVert_F$ of each layer."""
    with np.errstate(over="ignore"):
        return [(n, float(np.linalg.norm(x))) for n, x in trace.items() if kind(n) == "dW"]


COLUMNS = (
    "step",
    "entry",
    "index",
    "manual",
    "torch",
    "error",
    "bound",
    "error_over_bound",
    "formula_error_over_limit",
    "reference_formula_error",
    "standing",
)


def row(step: int, j: Judged) -> tuple[Any, ...]:
    pair = j.pair
    return (
        step,
        j.name,
        " ".join(map(str, pair.index)),
        pair.value,
        pair.expected,
        abs(pair.value - pair.expected),
        STEP * pair.allowed,
        pair.ratio / STEP,
        j.formula.ratio / j.limit if j.formula else None,
        j.reference.ratio if j.reference else None,
        j.standing,
    )


def frame(summary: Summary) -> pd.DataFrame:
    """Return every error of every entry at every step as a pandas frame."""
    import pandas as pd

    return pd.DataFrame(summary.rows or [], columns=list(COLUMNS))
