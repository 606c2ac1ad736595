r"""The training loops that are timed: blocks of steps of Adam on a net of relu units, mean squared error."""

from __future__ import annotations

import inspect
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise, repeat

import numpy as np
import torch

from compare.benchmarks.timing import Block
from compare.configuration import Configuration
from compare.stacking import length, verify_ahead
from compare.traces import Array
from compare.verification import Batch
from manual import optimizers, training

INPUTS = 11  # of the wine data


@dataclass(frozen=True)
class Size:
    """What is trained: `layers` hidden layers of n_h units, on m examples."""

    n_h: int
    m: int
    dtype: str = "float64"
    layers: int = 1

    @property
    def widths(self) -> tuple[int, ...]:
        return (INPUTS, *(self.n_h,) * self.layers, 1)

    @property
    def configuration(self) -> Configuration:
        hidden = ("relu",) * self.layers
        return Configuration((*hidden, "identity"), "mse", "adam", {"lr": 1e-3})

    def data(self) -> tuple[Array, Array]:
        random = np.random.default_rng(0)
        X, Y = random.normal(size=(INPUTS, self.m)), random.normal(size=(1, self.m))
        return X.astype(self.dtype), Y.astype(self.dtype)

    def state(self) -> dict[str, Array]:
        """Return weights of spread 1 / sqrt(inputs), and biases of zero."""
        random, state = np.random.default_rng(1), {}
        for l, (k, n) in enumerate(pairwise(self.widths), 1):
            state[f"W{l}"] = (random.normal(size=(n, k)) / np.sqrt(k)).astype(self.dtype)
            state[f"b{l}"] = np.zeros((n, 1), self.dtype)
        return state


def torch_eager(size: Size, *, fused: bool | None = None) -> Block:
    """Return the loop people write: nn.Sequential, loss.backward(), optimizer.step()."""
    modules: list[torch.nn.Module] = []
    for k, n in pairwise(size.widths):
        modules += [torch.nn.Linear(k, n), torch.nn.ReLU()]
    net = torch.nn.Sequential(*modules[:-1]).to(getattr(torch, size.dtype))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=fused)
    criterion = torch.nn.MSELoss()
    X, Y = (torch.tensor(x.T.copy()) for x in size.data())

    def block(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            criterion(net(X), Y).backward()
            optimizer.step()

    return block


def scikit(size: Size) -> Block:
    """Return scikit-learn's inner step, without its validation of what it is given."""
    from sklearn.neural_network import MLPRegressor

    X, Y = (np.ascontiguousarray(x.T) for x in size.data())
    net = MLPRegressor(hidden_layer_sizes=size.widths[1:-1], batch_size=size.m, shuffle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.partial_fit(X, Y[:, 0])
    params = net.coefs_ + net.intercepts_
    coefs, intercepts = ([np.empty_like(w) for w in ws] for ws in (net.coefs_, net.intercepts_))
    activations, deltas = [X, *[None] * len(net.coefs_)], [None] * len(net.coefs_)
    weights = [None] * ("sample_weight" in inspect.signature(net._backprop).parameters)

    def block(steps: int) -> None:
        for _ in range(steps):
            net._backprop(X, Y, *weights, activations, deltas, coefs, intercepts)
            net._optimizer.update_params(params, coefs + intercepts)

    return block


def by_hand(size: Size) -> Block:
    """Return `manual.stepping.step`, which records every quantity."""
    step, (X, Y), held = size.configuration.by_hand(), size.data(), [size.state()]

    def block(steps: int) -> None:
        for _ in range(steps):
            held[0] = step(held[0], X, Y)

    return block


def in_buffers(size: Size) -> Block:
    """Return `manual.training.train`, which keeps nothing but the parameters."""
    batch, held, hidden = size.data(), [size.state()], ["relu"] * size.layers

    def block(steps: int) -> None:
        held[0], _ = training.train(
            held[0], repeat(batch, steps), hidden=hidden, rule=optimizers.adam, lr=1e-3
        )

    return block


def both(size: Size) -> Block:
    """Return a recorded step by hand and an ordinary one of torch, unverified."""
    mine, theirs = by_hand(size), torch_eager(size)

    def block(steps: int) -> None:
        for _ in range(steps):
            mine(1)
            theirs(1)

    return block


def verified(size: Size, run: Callable[..., Iterator[object]] = verify_ahead) -> Block:
    """Return the verified step of one run without end; the first, which costs more, is taken."""
    configuration, batch = size.configuration, Batch(*size.data())
    sides = configuration.by_hand(), configuration.by_torch(), configuration
    steps = run(*sides, size.state(), repeat(batch))
    next(steps)
    return lambda count: deque(islice(steps, count), maxlen=0)


def together(size: Size) -> int:
    """Return how many steps are judged at once: a block takes as many, or it would time a part of them."""
    return length(size.configuration.by_hand()(size.state(), *size.data()))
