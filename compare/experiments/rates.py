r"""Gradient descent at one learning rate: a linear model, whose limit is known, and nets, whose is not.

A linear model under the mean squared error is convex, and its gradient changes by at most
$\Lambda = \frac{2}{m} \lambda_{max}(\tilde X \tilde X^T)$ per unit of step ($\tilde X$: X with a row
of ones). Gradient descent converges for every $0 < \eta < 2 / \Lambda$, however small $\eta$ is:
along an eigenvector the error shrinks by $|1 - \eta\lambda|$ a step. Beyond $2 / \Lambda$ it grows by
the same factor. What fails a small rate is the budget of steps, or stagnation: $\eta g$ below half
the spacing of the numbers at $w$ is lost in rounding, and $w$ stays where it is.

Source: Nesterov, *Introductory Lectures on Convex Optimization*, 2004, section 2.1.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from compare.datasets import Dataset
from compare.experiments.runs import Pair, Run, net, train
from compare.tasks import Task
from compare.traces import Array, Trace, parameters


@dataclass(frozen=True)
class Trained:
    """A verified run at one learning rate, which is this share of 2 / Lambda of the linear model."""

    share: float
    lr: float
    run: Run

    @property
    def sound(self) -> bool:
        """Tell whether the loss ended no higher than it began."""
        return not self.run.summary.blown and self.run.last("loss")[0] <= self.run.first("loss")[0]

    @property
    def lowered(self) -> bool:
        """Tell whether every step lowered the loss."""
        losses = self.run.curve("loss")[0]
        return all(b < a for a, b in pairwise(losses))

    def arrival(self, best: float) -> int | None:
        """Return the first step whose loss is within one per cent of `best`, None if there is none."""
        losses = self.run.curve("loss")[0]
        return next((k for k, x in enumerate(losses) if x <= 1.01 * best), None)


@dataclass(frozen=True)
class Step:
    """The share of the parameters that one step moves, on both sides, and that whose $\\eta g$ is not lost."""

    lr: float
    moved: Pair
    predicted: float
    run: Run


def task(data: Dataset, hidden: tuple[int, ...], lr: float, steps: int, seed: int) -> Task:
    """Return the task of a net of tanh layers, a linear model where there are none, under gradient descent."""
    c = net(data, ("tanh",) * len(hidden), optimizer="sgd", options={"lr": lr})
    return Task(c, data, hidden, steps=steps, seed=seed)


def curvature(X: Array) -> float:
    r"""Return $\Lambda = \frac{2}{m} \lambda_{max}(\tilde X \tilde X^T)$, the largest curvature of the loss.

    >>> round(curvature(np.array([[2.0, -2.0]])), 12)
    8.0
    """
    return float(2.0 / X.shape[1] * np.linalg.norm(with_ones(X), 2) ** 2)


def least(data: Dataset) -> float:
    """Return the least loss that a linear model can have on the examples."""
    X, Y = with_ones(data.X_train), data.Y_train.astype(float)
    w, *_ = np.linalg.lstsq(X.T, Y.T, rcond=None)
    return float(np.mean((w.T @ X - Y) ** 2))


def with_ones(X: Array) -> Array:
    return np.vstack([X, np.ones((1, X.shape[1]))]).astype(float)


def one_step(task: Task) -> Step:
    """Take one verified step, and count the parameters it moves."""
    before, lr = task.initial(), float(task.configuration.options["lr"])
    run = train(task, lambda trace: counted(before, trace, lr))
    return Step(lr, run.last("moved"), run.last("predicted")[0], run)


def counted(before: Mapping[str, Array], trace: Trace, lr: float) -> dict[str, float]:
    r"""Return the share of parameters that moved, and of those with $|\eta g|$ above half the spacing at w."""
    names = parameters(before)
    moved = [trace[n] != before[n] for n in names]
    enough = [np.abs(lr * trace[f"d{n}"]) > np.spacing(np.abs(before[n])) / 2 for n in names]
    return {"moved": share(moved), "predicted": share(enough)}


def share(masks: list[Any]) -> float:
    return float(np.concatenate([mask.ravel() for mask in masks]).mean())
