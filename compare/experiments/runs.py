r"""A verified training run, and what is measured of both sides' traces on the way."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare.configuration import Configuration, output_of
from compare.datasets import Dataset
from compare.preparation import LOSSES
from compare.summary import Summary
from compare.tasks import Task
from compare.traces import Array, Trace
from compare.verification import Stepped

Measure = Callable[[Trace], dict[str, float]]
Pair = tuple[float, float]  # manual, torch


@dataclass
class Run:
    """A run whose every step was verified: curves of both sides, and the states that were kept.

    `measured` has one pair (manual, torch) a step for each name; `states` maps a number of steps to
    the state after as many.
    """

    task: Task
    summary: Summary = field(default_factory=Summary)
    measured: dict[str, list[Pair]] = field(default_factory=dict)
    states: dict[int, Trace] = field(default_factory=dict)

    def curve(self, name: str) -> tuple[list[float], list[float]]:
        """Return the two curves of `name`, manual's and torch's."""
        pairs = self.measured.get(name, [])
        return [a for a, _ in pairs], [b for _, b in pairs]

    def last(self, name: str) -> Pair:
        """Return the last pair of `name`; not numbers where no step could be measured."""
        return (self.measured.get(name) or [(np.nan, np.nan)])[-1]

    def first(self, name: str) -> Pair:
        return (self.measured.get(name) or [(np.nan, np.nan)])[0]

    def add(self, stepped: Stepped, measure: Measure) -> None:
        mine, theirs = measure(stepped.candidate), measure(stepped.reference)
        for name, value in mine.items():
            self.measured.setdefault(name, []).append((value, theirs[name]))


def loss(trace: Trace) -> dict[str, float]:
    return {"loss": float(trace["loss"])}


def train(task: Task, measure: Measure = loss, *, keep: Collection[int] = ()) -> Run:
    """Train by hand and by torch, verifying every step, and measure the traces of both.

    A run in which both overflow at the same entry ends there; Divergence is raised where they part.
    """
    run, state = Run(task), task.initial()
    for k, stepped in enumerate(run.summary.watch(task.verified(run.summary.losses))):
        if k in keep:
            run.states[k] = state
        if stepped.blown:
            return run
        run.add(stepped, measure)
        state = dict(stepped.candidate)
    run.states[task.steps] = state
    return run


def net(dataset: Dataset, hidden: tuple[str, ...], **options: Any) -> Configuration:
    """Return the configuration of a net with these hidden activations, its output and loss fit for the data."""
    loss = LOSSES[dataset.task]
    output = output_of(loss)
    return Configuration(activations=(*hidden, output), loss=loss, **options)


def norm(x: Array) -> float:
    """Return the Euclidean norm of all entries; it overflows only where the result does.

    >>> round(norm(np.array([[3e200, 4e200]])) / 1e200, 9)
    5.0
    """
    largest = float(np.abs(x).max(initial=0.0))
    return largest * float(np.linalg.norm(x / largest)) if 0.0 < largest < np.inf else largest


def used(summary: Summary) -> float:
    """Return the largest error of a run over what is allowed."""
    q = summary.tightest
    return max(q.pair, q.formula) if q else 0.0
