r"""What the steps of a stack were given, and what both programs made of it: arrays one upon the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare import traces
from compare.traces import Array, Trace
from compare.verification import Batch, Step


@dataclass(frozen=True)
class Taken:
    """One step as the candidate took it; without a trace where it could not be taken, or is aliased."""

    number: int
    start: Trace
    batch: Batch
    mine: Trace = field(default_factory=dict)
    built: tuple[Any, ...] = ()  # what is the same in every step of a stack


class Given:
    """What the steps of a stack were given, their arrays one upon the other."""

    def __init__(self, steps: Sequence[Taken]) -> None:
        self.steps, self.start = steps, Pile([s.start for s in steps])
        data = Pile([{"X": s.batch.X, "Y": s.batch.Y} for s in steps])
        self.X, self.Y = data["X"], data["Y"]

    @np.errstate(all="ignore")
    def followed(self, reference: Step) -> Trace:
        """Return the traces of the reference from every state; Misshapen unless they are built as the candidate's."""
        step = self.steps[0]
        options = step.batch.options
        if len(self.steps) > 1:
            theirs = reference(self.start, self.X, self.Y, **options)
        else:
            alone = reference(step.start, step.batch.X, step.batch.Y, **options)
            theirs = {n: np.asarray(x)[None] for n, x in alone.items()}
        if any(len(x) != len(self.steps) for x in theirs.values()):
            raise traces.Misshapen("the reference did not take as many steps as it was given")
        traces.check(step.mine, {n: x[0, ...] for n, x in theirs.items()})
        return theirs


class Pile(Mapping[str, Array]):
    """Arrays of the same names, types and shapes, one upon the other, as they are asked for."""

    def __init__(self, traces: Sequence[Trace]) -> None:
        self.traces, self.made = traces, dict[str, Array]()

    def __getitem__(self, name: str) -> Array:
        if name not in self.made:
            parts = [trace[name] for trace in self.traces]
            self.made[name] = piled(parts).reshape(len(parts), *parts[0].shape)
        return self.made[name]

    def __contains__(self, name: object) -> bool:
        return name in self.traces[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self.traces[0])

    def __len__(self) -> int:
        return len(self.traces[0])


class Matrices(Mapping[str, Array]):
    """A stack's arrays, its scalars as matrices of one element."""

    def __init__(self, arrays: Trace) -> None:
        self.arrays = arrays

    def __getitem__(self, name: str) -> Array:
        x = self.arrays[name]
        return x if x.ndim > 1 else x.reshape(-1, 1, 1)

    def __contains__(self, name: object) -> bool:
        return name in self.arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)


def piled(parts: Sequence[Array]) -> Array:
    """Return arrays of one type end to end; by their bytes, which is several times as fast."""
    if len(parts) == 1:
        return parts[0]
    if all(x.flags.c_contiguous for x in parts):
        return np.frombuffer(b"".join(x.data for x in parts), parts[0].dtype)
    return np.concatenate(parts, axis=None)
