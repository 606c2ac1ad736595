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
    units = len(shape) == 2 and shape[1] == 1
    if len(shape) == 0:
        return "the mean over all elements is one number"
    if x.size == 1:
        each = "unit: along axis=1, keepdims=True" if units else "entry"
        return f"summed over everything, where there is one number for each {each}"
    if x.shape == shape[::-1]:
        return "transposed: one example is a column, dW = dZ A^T, Z = W A + b"
    if units and x.shape == (shape[0], shape[0]):
        return "(n,) against (n, 1) broadcasts to (n, n); keep the sum over the examples (n, 1), keepdims=True"
    if units and x.shape[:1] == (1,):
        return "one number for each example where there should be one for each unit: along axis=1, keepdims=True"
    if units and x.ndim == 2 and x.shape[0] == shape[0]:
        return f"sum {name} over the examples with keepdims=True"
    if x.size == math.prod(shape):
        return f"the numbers of {name} in another shape: reshaped, or flattened"
    return ""
