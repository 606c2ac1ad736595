r"""Gradient clipping, against exploding gradients: by the global norm, or entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manual.operands import limit

Array = NDArray[Any]
Gradients = Mapping[str, Array]


def clip_by_norm(
    gradients: Gradients, *, max_norm: float, error_if_nonfinite: bool = False
) -> tuple[dict[str, Array], dict[str, Array]]:
    r"""Scale all gradients together so that their global norm is at most `max_norm`; return {norm}, clipped.

    $$norm = \sqrt{\sum_k \lVert g_k \rVert^2}, \quad
      c = \min\Big(\frac{max\_norm}{norm + 10^{-6}}, 1\Big), \quad g_k \leftarrow c\,g_k$$

    One factor for all: the direction of the step is kept, only its length is bounded.

    **In PyTorch:** `torch.nn.utils.clip_grad_norm_`: its $10^{-6}$, and its coefficient that is
    always multiplied, also where it is 1.

    Raises ValueError if there is no gradient, if `error_if_nonfinite` and the norm is NaN or infinite,
    and for a max_norm below 0, which would turn the gradient round; torch does not look.

    Source: Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural
    networks*, 2013.

    >>> extra, clipped = clip_by_norm({"W1": np.array([[3.0, 4.0]])}, max_norm=1.0)
    >>> extra["norm"], clipped["W1"].round(5)
    (array(5.), array([[0.6, 0.8]]))
    """
    limit("max_norm", max_norm)
    if not gradients:
        raise ValueError("there is no gradient to clip: every parameter is frozen")
    dtype = next(iter(gradients.values())).dtype
    norms = [np.sqrt(np.sum(g * g)) for g in gradients.values()]
    norm = np.sqrt(np.sum(np.square(norms), dtype=dtype))
    if error_if_nonfinite and not np.isfinite(norm):
        raise ValueError(
            f"the global gradient norm is {norm}: no clipping can mend that; "
            "lower the learning rate or find the entry that overflowed"
        )
    c = np.minimum(dtype.type(max_norm) / (norm + dtype.type(1e-6)), dtype.type(1.0))
    return {"norm": np.asarray(norm)}, {name: g * c for name, g in gradients.items()}


def clip_by_value(
    gradients: Gradients, *, clip_value: float
) -> tuple[dict[str, Array], dict[str, Array]]:
    r"""Clamp every entry: $g \leftarrow \min(\max(g, -clip\_value), clip\_value)$; return {}, clipped.

    **In PyTorch:** `torch.nn.utils.clip_grad_value_`. The direction of the step changes.

    Raises ValueError for a clip_value below 0; torch does not look.

    >>> clip_by_value({"W1": np.array([-3.0, 0.5])}, clip_value=1.0)[1]["W1"]
    array([-1. ,  0.5])
    """
    limit("clip_value", clip_value)
    return {}, {name: np.clip(g, -clip_value, clip_value) for name, g in gradients.items()}
