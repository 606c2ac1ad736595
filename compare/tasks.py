r"""A task: data, initial state and batches for a configuration, derived on both sides from the seed alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import manual
import manual.initialization
import manual.random
import reference
import reference.initialization
import reference.random
from compare.configuration import Configuration, parse
from compare.datasets import Dataset
from compare.pacing import Losses, going_on, rates
from compare.seeding import ONE_SIDED, alike, equal, generator, said
from compare.stacking import LONGEST, verify_ahead
from compare.traces import Array
from compare.verification import Batch, Stepped


@dataclass(frozen=True)
class Task:
    """What is trained, on what, from where: a configuration, a data set, sizes, seed and number of steps."""

    configuration: Configuration
    dataset: Dataset
    hidden: tuple[int, ...] = (8,)
    initialization: str = "linear_default"
    batch_size: int | None = None  # None: the full batch
    steps: int = 200
    seed: int = 0
    schedule: str = "constant"
    patience: int | None = None  # epochs without a better loss after which the run stops
    affine: bool = True  # whether batch norm, where there is any, has gamma and beta
    level: str = "formula"  # judged at every step; "step": formulas at the first alone

    @property
    def looks_back(self) -> bool:
        """Tell whether the batches depend on the losses before them."""
        return self.patience is not None or parse(self.schedule)[0] == "reduce_on_plateau"

    def verified(self, losses: Losses) -> Iterator[Stepped]:
        """Yield each step of the run by hand, verified against torch's; `losses` are those of the steps before it."""
        c, ahead = self.configuration, 1 if self.looks_back else LONGEST
        sides, batches = (c.by_hand(), c.by_torch(), c), self.batches(losses)
        return verify_ahead(*sides, self.initial(), batches, level=self.level, ahead=ahead)

    @property
    def per_epoch(self) -> int:
        """Return the number of steps that one pass over the training examples takes."""
        m = int(self.dataset.X_train.shape[1])
        return ceil(m / (self.batch_size or m))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return n_x, n_1, ..., n_y."""
        return (self.dataset.X_train.shape[0], *self.hidden, self.dataset.Y_train.shape[0])

    @property
    def derivation(self) -> str:
        """Return what is to be said of the draws that both sides make from the seed."""
        scheme = parse(self.initialization)[0]
        m = int(self.dataset.X_train.shape[1])
        shuffled = self.batch_size is not None and self.batch_size < m
        return said(scheme, masks=self.configuration.dropout > 0.0, order=shuffled)

    def initial(self) -> dict[str, Array]:
        """Return the state both sides start from; each derives the weights from the seed by itself."""
        dtype = self.dataset.X_train.dtype
        scheme, options = parse(self.initialization)
        mine, theirs = (
            package.initialization.initialize(
                self.sizes,
                scheme=scheme,
                seed=generator(package, self.seed),
                dtype=dtype,
                options=options,
            )
            for package in (manual, reference)
        )
        if scheme not in ONE_SIDED:
            alike(mine, theirs, f"initial weights of seed {self.seed}")
        state: dict[str, Array] = dict(mine)
        if self.configuration.batch_norm is not None:
            state |= normalization_state(self.sizes[1:-1], dtype, affine=self.affine)
        return state

    def batches(self, losses: Losses = ()) -> Iterator[Batch]:
        """Yield the batches of every step, with the scheduled learning rate and the dropout masks.

        `losses` holds the pairs (manual, torch) of the steps so far, for a schedule or an early stop
        that looks at them; whoever takes the steps appends to it before asking for the next batch.
        """
        draw, lr = self.masks(), self.configuration.options.get("lr", 0.0)
        pace = rates(self.schedule, lr, self.per_epoch, losses)
        going = going_on(self.patience, self.per_epoch, losses)
        for _, (X, Y), options, on in zip(range(self.steps), self.examples(), pace, going):  # noqa: B905
            if not on:
                return
            yield Batch(X, Y, options, draw(X.shape[1]))

    def examples(self) -> Iterator[tuple[Array, Array]]:
        """Yield (X, Y) without end, epoch after epoch; the last batch of an epoch may be smaller."""
        X, Y = self.dataset.X_train, self.dataset.Y_train
        m = X.shape[1]
        if self.batch_size is None or self.batch_size >= m:
            while True:
                yield X, Y
        for order in self.orders(m):
            for start in range(0, m, self.batch_size):
                chosen = order[start : start + self.batch_size]
                yield frozen(X[:, chosen]), frozen(Y[:, chosen])

    def orders(self, m: int) -> Iterator[Array]:
        """Yield each epoch's shuffled order, as torch's DataLoader draws it, from both sides' generators."""
        mine, theirs = generator(manual, self.seed), generator(reference, self.seed)
        for epoch in count():
            order = manual.random.epoch_order(m, mine)
            other = reference.random.epoch_order(m, theirs)
            equal({"order": order}, {"order": other}, f"batch order of epoch {epoch}")
            yield order

    def masks(self) -> Callable[[int], dict[str, Array]]:
        """Return the function that draws the dropout masks of a batch of m examples."""
        p = self.configuration.dropout
        if not p:
            return lambda m: {}
        sides = [(side.random, generator(side, self.seed)) for side in (manual, reference)]
        dtype = self.dataset.X_train.dtype

        def draw(m: int) -> dict[str, Array]:
            mine, theirs = (
                {
                    f"mask{l}": frozen(random.dropout_mask((m, n), source, p=p, dtype=dtype).T)
                    for l, n in enumerate(self.hidden, 1)
                }
                for random, source in sides
            )
            equal(mine, theirs, "dropout masks")
            return dict(mine)

        return draw


def normalization_state(
    hidden: tuple[int, ...], dtype: np.dtype[Any], *, affine: bool = True
) -> dict[str, Array]:
    """Return gamma and beta, if `affine`, and the running statistics that batch norm starts from."""
    state: dict[str, Array] = {}
    for l, n in enumerate(hidden, 1):
        if affine:
            state |= {f"gamma{l}": np.ones((n, 1), dtype), f"beta{l}": np.zeros((n, 1), dtype)}
        state |= {f"running_mean{l}": np.zeros((n, 1), dtype)}
        state |= {f"running_var{l}": np.ones((n, 1), dtype), f"batches{l}": np.asarray(0)}
    return state


def frozen(x: Any, dtype: DTypeLike | None = None) -> Array:
    """Return an array in one piece that nobody can write to."""
    whole: Array = np.ascontiguousarray(x, dtype)
    whole.flags.writeable = False
    return whole
