r"""What a witness says: for each entry, how far manual is from it, and how far it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from compare.configuration import Configuration, parse
from compare.tasks import Task
from compare.traces import Array, Trace
from compare.verification import Batch


@dataclass(frozen=True)
class Case:
    """What witnesses are asked about: the first step of a task, and manual's trace of it."""

    configuration: Configuration
    state: Trace
    batch: Batch
    trace: Trace

    @property
    def gradients(self) -> dict[str, Array]:
        """Return the gradient of each parameter by the parameter's name."""
        return {n.removeprefix("d"): x for n, x in self.trace.items() if n[1:] in self.state}


@dataclass(frozen=True)
class Answer:
    """One entry: the largest difference from the witness, what it may be, and how many elements were asked for."""

    entry: str
    error: float
    allowed: float
    elements: int

    @property
    def agrees(self) -> bool:
        return self.error <= self.allowed


@dataclass(frozen=True)
class Testimony:
    """All answers of one witness, with what is to be known about them."""

    witness: str
    answers: tuple[Answer, ...]
    notes: tuple[str, ...] = ()
    table: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Tell whether every answer agrees; a witness that was asked nothing does not."""
        return bool(self.answers) and all(a.agrees for a in self.answers)

    @property
    def sentence(self) -> str:
        asked = sum(a.elements for a in self.answers)
        wrong = [a.entry for a in self.answers if not a.agrees]
        if not self.answers:
            return f"{self.witness}: nothing could be asked"
        if wrong:
            return f"{self.witness} DISAGREES with manual in {', '.join(wrong)}"
        return f"{self.witness} agrees in {len(self.answers)} arrays, {asked:,} numbers"

    def declared(self) -> dict[str, Any]:
        """Return the same as plain data, for JSON."""
        return {**asdict(self), "agrees": self.agrees, "sentence": self.sentence}


def first_step(task: Task, *, examples: int, dtype: str | None = None, clear: float = 0.0) -> Case:
    """Return the first step of a task, on the first `examples` examples that no kink is nearer to than `clear`."""
    batch = next(iter(task.batches()))
    kind = np.dtype(dtype or batch.X.dtype)
    state = {n: cast(x, kind) for n, x in task.initial().items()}
    chosen = np.arange(batch.X.shape[1])
    while chosen.size:
        case = stepped(task.configuration, state, selected(batch, chosen, kind))
        far = distances(task.configuration, case.trace, case.batch.Y) >= clear
        if far.all() and far.size <= examples:
            return case
        chosen = chosen[far][:examples]
    raise ValueError(
        "every example of the first batch is near a kink, which differences cannot cross: "
        "ask the complex-step witness"
    )


def stepped(c: Configuration, state: Trace, batch: Batch) -> Case:
    start = {**state, **batch.state}
    with np.errstate(all="ignore"):
        return Case(c, start, batch, c.by_hand()(start, batch.X, batch.Y, **batch.options))


def cast(x: Array, kind: np.dtype[Any]) -> Array:
    return x.astype(kind) if x.dtype.kind == "f" else x


def selected(batch: Batch, chosen: Array, kind: np.dtype[Any]) -> Batch:
    masks = {n: cast(np.ascontiguousarray(x[:, chosen]), kind) for n, x in batch.state.items()}
    X, Y = (cast(np.ascontiguousarray(x[:, chosen]), kind) for x in (batch.X, batch.Y))
    return Batch(X, Y, batch.options, masks)


def distances(c: Configuration, trace: Trace, Y: Array) -> Array:
    """Return how near each example comes to where an activation or the loss is put together of two pieces."""
    near, L = np.full(Y.shape[1], np.inf), len(c.activations)
    for l, text in enumerate(c.activations, 1):
        if parse(text)[0] in PIECEWISE:
            z = trace.get(f"N{l}", trace[f"Z{l}"])
            near = np.minimum(near, np.abs(z).min(axis=0))
    name, options = parse(c.loss)
    if name in JOINTS:
        joint = JOINTS[name] and options.get(JOINTS[name], 1.0)
        near = np.minimum(near, np.abs(np.abs(trace[f"A{L}"] - Y) - (joint or 0.0)).min(axis=0))
    return near


PIECEWISE = ("relu", "leaky_relu", "elu")
JOINTS = {"l1": "", "huber": "delta", "smooth_l1": "beta"}  # and the option that says where


def held(
    case: Case, found: Mapping[str, Mapping[Any, float]], allowed: float
) -> tuple[Answer, ...]:
    """Return the answers on gradients: the largest difference in each, over the largest gradient of the net.

    Or over what the last bias' gradient is a sum of, where that is more: all of them may cancel.
    """
    summed = np.abs(case.trace[f"dZ{len(case.configuration.activations)}"]).sum()
    scale = float(np.max([summed, *(np.abs(g).max() for g in case.gradients.values())])) or 1.0
    return tuple(
        Answer(f"d{name}", apart(case.gradients[name], values) / scale, allowed, len(values))
        for name, values in found.items()
    )


def apart(mine: Array, theirs: Mapping[Any, float]) -> float:
    """Return the largest difference; NaN where any is."""
    return float(np.max([abs(float(mine[i]) - x) for i, x in theirs.items()]))


def places(case: Case, most: int) -> dict[str, list[tuple[int, ...]]]:
    """Return for each parameter the places that are asked for: all, or `most` of them at random."""
    random = np.random.default_rng(0)
    out = {}
    for name, g in case.gradients.items():
        every = list(np.ndindex(g.shape))
        chosen = range(len(every))
        if len(every) > most:
            chosen = sorted(random.choice(len(every), most, replace=False))  # type: ignore[assignment]
        out[name] = [every[i] for i in chosen]
    return out
