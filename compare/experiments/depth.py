r"""Deep nets of every activation from every start: gradients and Jacobians, layer by layer and over training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.configuration import Configuration
from compare.datasets import Dataset
from compare.experiments.jacobians import Spectra, spectra
from compare.experiments.outcome import Say
from compare.experiments.products import Product, product
from compare.experiments.runs import Pair, Run, net, norm, train
from compare.tasks import Task
from compare.traces import Trace, kind, nonfinite, parameters

ACTIVATIONS = ("sigmoid", "tanh", "relu")
STARTS = {
    "uniform [0, 1)": "uniform",
    "normal, std 0.1": "normal(std=0.1)",
    "PyTorch default": "linear_default",
    "Xavier normal": "xavier_normal",
    "He normal": "kaiming_normal",
    "orthogonal": "orthogonal",
}
EXAMPLES = 64  # of the training part: a batch
DECOMPOSED = 16  # of these, whose Jacobians' singular values are found
RATE = 0.05


@dataclass(frozen=True)
class Setting:
    """The nets of an experiment: how deep, how wide, for how many steps, on which batch."""

    dataset: Dataset
    depth: int
    width: int
    steps: int
    seed: int

    def task(self, hidden: str, start: str, *, lr: float = RATE, **options: Any) -> Task:
        """Return the task of a net with `depth` hidden layers, trained by plain gradient descent."""
        configuration = net(
            self.dataset, (hidden,) * self.depth, optimizer="sgd", options={"lr": lr}, **options
        )
        widths = (self.width,) * self.depth
        return Task(configuration, self.dataset, widths, start, steps=self.steps, seed=self.seed)


@dataclass(frozen=True)
class Deep:
    """One net: its verified run, dW1 found four ways, and singular values after some numbers of steps."""

    activation: str
    start: str
    run: Run
    product: Product
    spectra: Mapping[int, Spectra]

    @property
    def label(self) -> str:
        return f"{self.activation}, {self.start}"

    def gradients(self) -> tuple[list[float], list[float]]:
        """Return the norms of dW1 ... dWL at the first step, by hand and by torch."""
        return layered(self.run)

    def largest(self, k: int) -> Pair:
        """Return the largest singular value of dA_L/dX after k steps, a root mean square over examples."""
        mine, theirs = self.spectra[k].largest()
        return mine[0], theirs[0]


def layered(run: Run) -> tuple[list[float], list[float]]:
    """Return the first step's norm of each layer's weight gradient, first layer first, of both sides."""
    names = [n for n in run.measured if kind(n) == "dW"]
    pairs = [run.first(n) for n in sorted(names, key=lambda n: int(n[2:]))]
    return [a for a, _ in pairs], [b for _, b in pairs]


def batch(dataset: Dataset, m: int = EXAMPLES) -> Dataset:
    """Return the data set with its first m training examples alone: one batch, the same at every step."""
    X, Y = dataset.X_train[:, :m], dataset.Y_train[:, :m]
    return replace(dataset, X_train=np.ascontiguousarray(X), Y_train=np.ascontiguousarray(Y))


def norms(trace: Trace) -> dict[str, float]:
    """Return the loss, the norm of each layer's weight gradient, and that of all the rule sees."""
    seen = [x for n, x in trace.items() if n.startswith("g.")]
    seen = seen or [trace[f"d{n}"] for n in parameters(trace)]
    layers = {n: norm(x) for n, x in trace.items() if kind(n) == "dW"}
    return {
        "loss": float(trace["loss"]),
        **layers,
        "seen": norm(np.concatenate([x.ravel() for x in seen])),
    }


def deep(setting: Setting, activation: str, start: str) -> Deep:
    """Train one net, every step verified, and judge its Jacobians before, in and after training."""
    task = setting.task(activation, STARTS[start])
    X, Y, c = setting.dataset.X_train, setting.dataset.Y_train, task.configuration
    run = train(task, norms, keep=kept(setting.steps))
    found = {k: decomposed(state, X, c, k) for k, state in run.states.items() if sound(state)}
    return Deep(activation, start, run, product(task.initial(), X, Y, c), found)


def decomposed(state: Trace, X: Any, c: Configuration, k: int) -> Spectra:
    few = np.ascontiguousarray(X[:, :DECOMPOSED])
    return spectra(state, few, c.activations, step=k)


def sound(state: Trace) -> bool:
    """Tell whether the weights are such that a product of Jacobians cannot overflow."""
    size = max(float(np.abs(state[n]).max()) for n in parameters(state))
    return nonfinite(state) is None and size < 1e3


def kept(steps: int) -> list[int]:
    """Return the numbers of steps after which a net is looked at.

    >>> kept(60)
    [0, 6, 15, 30, 45, 60]
    """
    return sorted({round(steps * share) for share in (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)})


def nets(setting: Setting, say: Say) -> Iterator[Deep]:
    """Train a net of every activation from every start."""
    for activation in ACTIVATIONS:
        for start in STARTS:
            say(f"{activation}, {start}")
            yield deep(setting, activation, start)
