r"""Permutations, the order of a shuffled epoch, and dropout masks, drawn as PyTorch draws them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from manual.random.generator import Generator, floating
from manual.random.uniforms import bernoulli

Array = NDArray[Any]
Shape = tuple[int, ...]
LIMIT = (2**32 - 1) // 20  # from here on PyTorch draws 64-bit words


def randperm(n: int, generator: Generator) -> Array:
    r"""Return a permutation of 0 ... n-1 (int64): $i$ is swapped with $i + (w_i \bmod (n - i))$.

    Derivation. Entry $i$ is chosen among the $n - i$ not yet placed, so each order has the
    probability $1 / n!$, but for the remainder's slight preference of low values.

    Raises:
        ValueError: n is negative, or 214,748,364 or more.

    Source: Fisher and Yates (1938); Durstenfeld, *Algorithm 235* (1964).

    **In PyTorch:** `torch.randperm(n, generator=generator)`.

    >>> randperm(5, Generator(0))
    array([4, 0, 1, 3, 2])
    """
    if not 0 <= n < LIMIT:
        raise ValueError(f"a permutation of {n} numbers; give 0 <= n < {LIMIT}")
    order = list(range(n))
    steps = generator.words(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint64)
    for i, step in enumerate(steps.tolist()):
        j = i + step
        order[i], order[j] = order[j], order[i]
    return np.array(order, dtype=np.int64)


def epoch_order(n: int, generator: Generator, *, from_global: bool = False) -> Array:
    r"""Return the order in which a shuffling data loader visits n examples in its next epoch.

    Each epoch the loader first takes 64 bits as the seed of its workers, whether it has any or not;
    then a permutation; at the end of the epoch another one, of which it uses nothing. Given no
    generator, its sampler seeds one of its own each epoch from 64 more bits of the global stream.

    Args:
        from_global: whether the loader was given no generator: `generator` is the global one then.

    Raises:
        ValueError: n < 1.

    **In PyTorch:** the indices of `DataLoader(dataset, shuffle=True, generator=generator)`, in
    batches of any size; an epoch that is broken off leaves out the last permutation.

    >>> g = Generator(0)
    >>> epoch_order(5, g), epoch_order(5, g)
    (array([3, 1, 0, 4, 2]), array([1, 4, 3, 2, 0]))
    """
    if n < 1:
        raise ValueError(f"a data loader shuffles {n} examples; give at least 1")
    generator.words64(1)
    if from_global:
        return randperm(n, Generator(int(generator.words64(1)[0])))
    order = randperm(n, generator)
    generator.words(n - 1)
    return order


def dropout_mask(
    shape: Shape, generator: Generator, *, p: float, dtype: DTypeLike = np.float64
) -> Array:
    r"""Return the mask of a dropout layer in training: 0 with probability p, else 1.

    Shapes: one example is a row in PyTorch: `shape` is (m, n), the mask of A (n, m) the transpose.

    With $p$ of 0 or 1 nothing is drawn. The layer's output is its input times
    mask / (1 - p): the expectation $(1 - p) \cdot x / (1 - p) = x$ is kept.

    Raises:
        ValueError: p is not in [0, 1].

    Source: Srivastava et al., *Dropout* (2014).

    **In PyTorch:** `torch.nn.functional.dropout(x, p)`, which draws from the global generator.

    >>> dropout_mask((4,), Generator(0), p=0.5)
    array([0., 0., 1., 0.])
    """
    if p in (0.0, 1.0):
        return np.full(shape, 1.0 - p, floating(dtype))
    return bernoulli(shape, generator, p=1.0 - p, dtype=dtype)
