r"""The net's loss as a function of its parameters, in whatever arithmetic is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.configuration import Configuration, resolve
from compare.verification import Batch
from compare.witnesses import functions
from compare.witnesses.functions import Arithmetic, Array


def loss(
    c: Configuration, state: Mapping[str, Array], batch: Batch, f: Arithmetic = functions.NUMPY
) -> Any:
    """Return the loss of a batch, or its share of the mean over micro-batches."""
    A, L = batch.X, len(c.activations)
    for l, text in enumerate(c.activations, 1):
        Z = state[f"W{l}"] @ A
        if f"b{l}" in state:
            Z = Z + state[f"b{l}"]
        if c.batch_norm is not None and l < L:
            Z = normalized(c, state, Z, l, f)
        A = resolve(functions, text)(Z, f)
        if c.dropout and l < L:
            A = A * state[f"mask{l}"] / (1 - f.number(c.dropout))
    return resolve(functions, c.loss)(A, batch.Y, f) / c.accumulate


def normalized(
    c: Configuration, state: Mapping[str, Array], Z: Array, l: int, f: Arithmetic
) -> Array:
    m, eps = Z.shape[1], (c.batch_norm or {}).get("eps", 1e-5)
    centred = Z - Z.sum(axis=1, keepdims=True) / m
    variance = (centred * centred).sum(axis=1, keepdims=True) / m
    xhat = centred / f.sqrt(variance + eps)
    return np.asarray(state[f"gamma{l}"] * xhat + state[f"beta{l}"])


def moved(
    state: Mapping[str, Array], name: str, place: tuple[int, ...], by: Any
) -> dict[str, Array]:
    """Return the state with one number of one parameter moved."""
    x = state[name]
    x = x.copy() if x.dtype == object else x.astype(np.result_type(x, type(by)))
    x[place] = x[place] + by
    return {**state, name: x}
