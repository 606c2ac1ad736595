r"""Activations and losses, on ordinary, zero, tiny and large operands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compare.book.measurement.measured import DTYPES, Measured, between, gathered
from compare.configuration import Configuration, pair, resolve
from compare.formulas import activations as stated_activations
from compare.formulas import losses as stated_losses
from compare.judgement import judge


def activation(name: str) -> list[Measured]:
    """Measure an activation and its backward on ordinary, zero, tiny and large arguments."""
    return gathered(row for dtype in DTYPES for row in activation_in(name, dtype))


def activation_in(name: str, dtype: str) -> Iterator[Measured]:
    import manual.activations
    from compare.checking.activations import torch_activation
    from compare.checking.inputs import arguments
    from compare.checking.operations import bare

    formulas = bare(activations=[pair(stated_activations, name)], only="activation")
    torch = torch_activation(Configuration(activations=(name,)))
    g = resolve(manual.activations, name)
    for _, z in arguments(dtype, 0):
        dz = np.random.default_rng(1).normal(size=z.shape).astype(dtype)
        state = {"Z1": z, "dA1": dz}
        with np.errstate(all="ignore"):
            A, backward = g(z)
            mine, theirs = {"A1": A, "dZ1": backward(dz)}, torch(state, z, z)
            distances = [judge(formulas, {**state, **t}, state, z, z) for t in (mine, theirs)]
        yield from between(distances[0], distances[1], (mine, theirs), dtype)


def loss(name: str) -> list[Measured]:
    """Measure a loss and its gradient."""
    return gathered(row for dtype in DTYPES for row in loss_in(name, dtype))


def loss_in(name: str, dtype: str) -> Iterator[Measured]:
    import manual.losses
    from compare.checking.inputs import outputs
    from compare.checking.losses import torch_loss
    from compare.checking.operations import bare

    formulas = bare(loss=pair(stated_losses, name), only="loss")
    torch = torch_loss(Configuration(loss=name))
    for _, A, Y in outputs(name, dtype, 0):
        state = {"A1": A}
        with np.errstate(all="ignore"):
            L, backward = resolve(manual.losses, name)(A, Y)
            mine, theirs = {"loss": L, "dA1": backward()}, torch(state, A, Y)
            distances = [judge(formulas, {**state, **t}, state, A, Y) for t in (mine, theirs)]
        yield from between(distances[0], distances[1], (mine, theirs), dtype)
