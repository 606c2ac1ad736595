r"""Wrong shapes, and the likely reason."""

from __future__ import annotations

import math

from compare.traces import Array


def shape_hint(name: str, x: Array, shape: tuple[int, ...]) -> str:
    """Return the likely reason of a wrong shape.

    >>> import numpy as np
    >>> shape_hint("dW1", np.zeros((3, 2)), (2, 3))
    'transposed: one example is a column, dW = dZ A^T, Z = W A + b'
    """
    if x.shape == shape[::-1]:
        return "transposed: one example is a column, dW = dZ A^T, Z = W A + b"
    if x.shape == (shape[0], shape[0]) if shape else False:
        return "(n,) against (n, 1) broadcasts to (n, n); keep the sum over the examples (n, 1), keepdims=True"
    if len(shape) == 2 and shape[1] == 1 and x.shape[:1] == (1,):
        return "one number for each example where there should be one for each unit: along axis=1, keepdims=True"
    if len(shape) == 2 and shape[1] == 1 and x.ndim == 2 and x.shape[0] == shape[0]:
        return f"sum {name} over the examples with keepdims=True"
    if len(shape) == 0:
        return "the mean over all elements is one number"
    if x.size == 1:
        return (
            "summed over everything: along axis=1, keepdims=True, there is one number for each unit"
        )
    if x.size == math.prod(shape):
        return f"the numbers of {name} in another shape: reshaped, or flattened"
    return ""
