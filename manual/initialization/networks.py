r"""The initial parameters of an L-layer net from the integer seed alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from manual.initialization import plain, scaled
from manual.random import Generator, normal, trunc_normal

Array = NDArray[Any]
Shape = tuple[int, ...]


def zeros(shape: Shape, generator: Generator, *, dtype: DTypeLike) -> Array:
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
    seed: int | Generator,
    dtype: DTypeLike = np.float64,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Array]:
    r"""Return W1, b1, W2, b2, ... of a net with layers of the given sizes $n_0, n_1, \dots, n_L$.

    Shapes: Wl $(n_l, n_{l-1})$, bl $(n_l, 1)$.

    The order of the draws: with linear_default W1, b1, W2, b2, ...; with any other scheme
    W1, W2, ..., while the biases are 0 and draw nothing.

    Args:
        sizes: the widths, input first.
        scheme: linear_default, or the name of another function of this package: zeros, uniform,
            normal, trunc_normal, xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal,
            orthogonal, sparse.
        seed: an integer; or a Generator, to go on with its stream.
        dtype: float64 or float32.
        options: arguments of the scheme's function, such as {"gain": 2.0}.

    Raises:
        ValueError: fewer than two sizes, a size below 1, an unknown scheme or option.

    **In PyTorch:** `torch.manual_seed(seed)`, then `nn.Linear(n_in, n_out)` layer by layer; for
    other schemes `nn.init` on each empty weight. A script that fills the weights of *built* layers
    has drawn the defaults before: call this twice with one Generator, first with linear_default.

    >>> net = initialize((2, 3, 1), scheme="kaiming_normal", seed=0, options={"mode": "fan_out"})
    >>> {name: x.shape for name, x in net.items()}
    {'W1': (3, 2), 'b1': (3, 1), 'W2': (1, 3), 'b2': (1, 1)}
    """
    chosen = checked(sizes, scheme, options or {})
    generator = seed if isinstance(seed, Generator) else Generator(seed)
    net: dict[str, Array] = {}
    for layer, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        if scheme == "linear_default":
            W, b = scaled.linear_default(n_out, n_in, generator, dtype=dtype)
        else:
            W = SCHEMES[scheme]((n_out, n_in), generator, dtype=dtype, **chosen)
            b = plain.zeros((n_out, 1), dtype=dtype)
        net |= {f"W{layer}": W, f"b{layer}": b}
    return net


def checked(sizes: Sequence[int], scheme: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    r"""Return the options; a ValueError says what does not fit."""
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"layers of sizes {tuple(sizes)}; give at least two, each at least 1")
    if scheme != "linear_default" and scheme not in SCHEMES:
        known = ", ".join(["linear_default", *SCHEMES])
        raise ValueError(f"there is no scheme {scheme!r}; give one of {known}")
    accepted = parameters(scheme)
    if unknown := set(options) - set(accepted):
        raise ValueError(
            f"scheme {scheme} has no option {', '.join(sorted(unknown))}; "
            f"it takes {', '.join(accepted) or 'none'}"
        )
    needed = [name for name, p in accepted.items() if p.default is p.empty and name not in options]
    if needed:
        raise ValueError(f"scheme {scheme} needs {', '.join(needed)} among its options")
    return options


def parameters(scheme: str) -> dict[str, inspect.Parameter]:
    r"""Return the options of a scheme.

    >>> list(parameters("kaiming_normal"))
    ['a', 'mode', 'nonlinearity']
    """
    if scheme == "linear_default":
        return {}
    found = inspect.signature(SCHEMES[scheme]).parameters
    taken = ("shape", "generator", "dtype", "contiguous")
    return {name: p for name, p in found.items() if name not in taken}
