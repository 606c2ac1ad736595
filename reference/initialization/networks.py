r"""The initial parameters of an L-layer net by PyTorch, from the integer seed alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from reference.initialization import plain, scaled
from reference.random import normal, trunc_normal

Array = NDArray[Any]
Shape = tuple[int, ...]


def zeros(shape: Shape, generator: torch.Generator, *, dtype: DTypeLike) -> Array:
    r"""Return zeros, drawing nothing from the generator."""
    return plain.zeros(shape, dtype=dtype)


SCHEMES: dict[str, Callable[..., Array]] = {
    "zeros": zeros,
    "uniform": plain.uniform,
    "normal": normal,
    "trunc_normal": trunc_normal,
    "xavier_uniform": scaled.xavier_uniform,
    "xavier_normal": scaled.xavier_normal,
    "kaiming_uniform": scaled.kaiming_uniform,
    "kaiming_normal": scaled.kaiming_normal,
    "orthogonal": plain.orthogonal,
    "sparse": plain.sparse,
}


def initialize(
    sizes: Sequence[int],
    *,
    scheme: str = "linear_default",
    seed: int | torch.Generator,
    dtype: DTypeLike = np.float64,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Array]:
    r"""Return W1, b1, ...: new `nn.Linear` layers one by one, or `nn.init` on each weight.

    >>> {name: x.shape for name, x in initialize((2, 3, 1), seed=0).items()}
    {'W1': (3, 2), 'b1': (3, 1), 'W2': (1, 3), 'b2': (1, 1)}
    """
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    net: dict[str, Array] = {}
    for layer, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        if scheme == "linear_default":
            W, b = scaled.linear_default(n_out, n_in, generator, dtype=dtype)
        else:
            W = SCHEMES[scheme]((n_out, n_in), generator, dtype=dtype, **(options or {}))
            b = plain.zeros((n_out, 1), dtype=dtype)
        net |= {f"W{layer}": W, f"b{layer}": b}
    return net
