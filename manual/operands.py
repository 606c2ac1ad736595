r"""What layers, batch norm, clipping, nets and steps ask of what they are given, before they compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
State = Mapping[str, Array]


def fit(W: Array, A: Array, b: Array | None) -> None:
    """Raise ValueError unless W is (n, k), A (k, m) and b (n, 1) or None.

    >>> import numpy as np
    >>> fit(np.ones((2, 3)), np.ones((3, 2)), np.ones(2))
    Traceback (most recent call last):
    ...
    ValueError: W is (2, 3), A (3, 2) and b (2,): expected (n, k), (k, m) and (n, 1), one example a column
    """
    fits = W.ndim == A.ndim == 2 and W.shape[1] == A.shape[0]
    if not fits or (b is not None and b.shape != (len(W), 1)):
        told = "" if b is None else f" and b {b.shape}"
        raise ValueError(
            f"W is {W.shape}, A {A.shape}{told}: "
            "expected (n, k), (k, m) and (n, 1), one example a column"
        )


def normalized(Z: Array, gamma: Array | None, beta: Array | None) -> None:
    """Raise ValueError unless Z is (n, m) with m of 2 or more, and gamma and beta both (n, 1), or None.

    >>> import numpy as np
    >>> normalized(np.zeros((3, 2)), np.ones((1, 2)), np.ones((1, 2)))
    Traceback (most recent call last):
    ...
    ValueError: Z is (3, 2), gamma (1, 2) and beta (1, 2): expected both (3, 1), or neither
    """
    enough(Z)
    shapes = [None if x is None else x.shape for x in (gamma, beta)]
    if shapes not in ([None, None], [(len(Z), 1)] * 2):
        raise ValueError(
            f"Z is {Z.shape}, gamma {shapes[0]} and beta {shapes[1]}: "
            f"expected both {(len(Z), 1)}, or neither"
        )


def enough(Z: Array) -> None:
    """Raise ValueError unless Z is (n, m), with 2 examples or more.

    >>> import numpy as np
    >>> enough(np.zeros((3, 1)))
    Traceback (most recent call last):
    ...
    ValueError: batch norm in training got a batch of 1 example, which has no variance; use batches of at least 2 (drop or merge the last partial batch)
    """
    if Z.ndim != 2:
        raise ValueError(f"batch norm got Z {Z.shape}; expected (n, m), one example a column")
    if (m := Z.shape[1]) < 2:
        raise ValueError(
            f"batch norm in training got a batch of {m} example{'s' * (m == 0)}, which has no variance; "
            "use batches of at least 2 (drop or merge the last partial batch)"
        )


def limit(name: str, x: float) -> None:
    """Raise ValueError unless a limit is a number of 0 or more.

    >>> limit("max_norm", -1.0)
    Traceback (most recent call last):
    ...
    ValueError: max_norm is -1.0: it must be a number, 0 or more
    """
    if not x >= 0.0:
        raise ValueError(f"{name} is {x}: it must be a number, 0 or more")


def held(state: State, name: str) -> Array:
    """Return an array of the state; ValueError where it is missing.

    >>> import numpy as np
    >>> held({"W1": np.ones((1, 1))}, "W2")
    Traceback (most recent call last):
    ...
    ValueError: the state has no W2 beside W1
    """
    if name not in state:
        raise ValueError(f"the state has no {name} beside {', '.join(state) or 'nothing'}")
    return state[name]


def layered(state: State, activations: Sequence[Any], accumulate: int) -> None:
    """Raise ValueError unless there is an activation for each layer, and accumulate is 1 or more.

    >>> import numpy as np
    >>> layered({"W1": np.ones((1, 1)), "W2": np.ones((1, 1))}, [None], 1)
    Traceback (most recent call last):
    ...
    ValueError: the state has 2 layers, W1 to W2, but there is 1 activation: give one for each layer
    """
    L, given = sum(name[0] == "W" for name in state), len(activations)
    if given != L:
        raise ValueError(
            f"the state has {L} layer{'s' * (L != 1)}{f', W1 to W{L}' * (L > 0)}, but there "
            f"{'is' if given == 1 else 'are'} {given} activation{'s' * (given != 1)}: give one for each layer"
        )
    if accumulate < 1:
        raise ValueError(f"accumulate is {accumulate}: it is a number of micro-batches, 1 or more")
