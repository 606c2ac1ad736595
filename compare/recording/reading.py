r"""A recording opened for reading: every part of it read when it is asked for, so that its size does not matter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from compare.configuration import Configuration
from compare.formulas.evaluation import GOING_ON, START
from compare.recording.completeness import alone
from compare.recording.container import contents
from compare.recording.metadata import About, about
from compare.recording.names import is_input, is_state
from compare.recording.structure import Structure, structure
from compare.traces import COUNTS, Array, kind
from compare.verification import Batch

Trace = dict[str, Array]
MOST = 2**53  # counts beyond it are no longer exact in float64


class Recording:
    """A recorded run: `initial()`, and for each step k its `batch(k)`, the `state(k)` it starts from, its `trace(k)`.

    Opening it checks the whole header: ValueError says in one sentence what is wrong with the file.
    The arrays are mapped into memory and copied one by one as they are asked for.
    """

    about: About
    structure: Structure

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        metadata, fields = contents(self.path)
        self.about = about(metadata)
        self.structure = structure(self.path, self.about, fields)
        self.tensors: Any = safe_open(self.path, framework="numpy")

    def __len__(self) -> int:
        return len(self.structure.steps)

    @property
    def configuration(self) -> Configuration:
        return self.about.configuration

    @property
    def alone(self) -> bool:
        """Tell whether every step can be verified by itself, in any order."""
        return alone(self.configuration, self.structure.initial, self.structure.steps)

    def array(self, name: str) -> Array:
        """Return the tensor `name`, read only; ValueError for a count below 0 or beyond 2^53."""
        x = np.asarray(self.tensors.get_tensor(name))
        x.flags.writeable = False
        if kind(name.rpartition("/")[2]) in COUNTS and not 0 <= int(x) <= MOST:
            raise ValueError(f"{name} is {int(x)}; expected a count from 0 to 2^53")
        return x

    def given(self, name: str) -> Array:
        """Return an input, which must be finite."""
        x = self.array(name)
        if not np.isfinite(x).all():
            raise ValueError(f"{name} is not finite everywhere: a run cannot start from that")
        return x

    def initial(self) -> Trace:
        """Return the state that the run starts from."""
        return {name: self.given(f"initial/{name}") for name in self.structure.initial}

    def trace(self, k: int) -> Trace:
        """Return the entries that step k shows."""
        return {n: self.array(f"step/{k}/{n}") for n in self.structure.steps[k] if not is_input(n)}

    def state(self, k: int) -> Trace:
        """Return what step k starts from, as far as the step before shows it."""
        if k == 0:
            return self.initial()
        return {
            n: self.array(f"step/{k - 1}/{n}") for n in self.structure.steps[k - 1] if is_state(n)
        }

    def batch(self, k: int) -> Batch:
        """Return what step k is given besides its state: X, Y, the options that vary, masks, inputs of an evaluation."""
        X, Y = (self.given(f"step/{self.structure.batches[n][k]}/{n}") for n in "XY")
        shown = self.structure.steps[k]
        options = {
            n.removeprefix("option/"): float(self.given(f"step/{k}/{n}"))
            for n in shown
            if n.startswith("option/")
        }
        evaluated = self.structure.evaluations[k].items()
        return Batch(
            X,
            Y,
            options,
            self.masks(k) | {n: self.given(f"step/{i}/{n}") for n, i in evaluated} | self.epoch(k),
        )

    def masks(self, k: int) -> Trace:
        """Return the dropout masks of step k."""
        names = [n for n in self.structure.steps[k] if kind(n) == "mask"]
        masks = {n: self.given(f"step/{k}/{n}") for n in names}
        for name, mask in masks.items():
            if not np.isin(mask, (0.0, 1.0)).all():
                raise ValueError(f"step/{k}/{name} holds more than 0 and 1: a mask keeps or drops")
        return masks

    def epoch(self, k: int) -> Trace:
        """Return what says whether step k begins an epoch, where the mean loss of epochs is shown."""
        if not self.structure.epochs:
            return {}
        return START if k == 0 or "epochloss" in self.structure.steps[k - 1] else GOING_ON

    def batches(self) -> Iterator[Batch]:
        """Yield the batch of every step, for a program that is to make the same run."""
        return map(self.batch, range(len(self)))
