r"""Both nets in evaluation: what each makes of examples with one set of parameters, held against the stated formulas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch

import manual.activations
import manual.network
import reference.activations
import reference.network
from compare.configuration import Configuration, resolve
from compare.datasets import Dataset
from compare.distances import distance
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.evaluation import evaluation
from compare.tolerances import STEP
from compare.traces import Array, nonfinite, parameters
from reference import conversion

State = Mapping[str, Array]
RUNNING = ("running_mean", "running_var")


def predict_manual(configuration: Configuration, state: State, X: Array) -> Array:
    """Return A_L of the NumPy net in evaluation."""
    activations = [resolve(manual.activations, text) for text in configuration.activations]
    with np.errstate(all="ignore"):
        return manual.network.evaluate(
            state, X, activations=activations, batch_norm=configuration.batch_norm
        )


def predict_reference(configuration: Configuration, state: State, X: Array) -> Array:
    """Return A_L of the torch net in evaluation."""
    names = [n for n in state if n in parameters(state) or n.startswith(RUNNING)]
    activations = [resolve(reference.activations, text) for text in configuration.activations]
    with torch.no_grad():
        A = reference.network.evaluate(
            conversion.tensors({n: state[n] for n in names}),
            conversion.rows(X),
            activations=activations,
            batch_norm=configuration.batch_norm,
        )
    return conversion.columns(A)


def stated(configuration: Configuration, state: State, X: Array) -> Tracked:
    """Return A_L as the formulas have it, with the error that may grow over all layers."""
    made = {"evalX": exact(X, X.dtype)}

    def read(name: str) -> Tracked:
        return made[name] if name in made else exact(state[name], X.dtype)

    net = configuration.formulas().activations, configuration.batch_norm
    made.update(evaluation(read, read, state.__contains__, *net))
    return made[f"evalA{len(configuration.activations)}"]


def unlike(configuration: Configuration, dataset: Dataset, state: State) -> Iterator[str]:
    """Yield a sentence for each part of the data on which the nets, both with this state, do not agree."""
    if nonfinite(state):
        return
    for part, X in (("training", dataset.X_train), ("test", dataset.X_test)):
        mine = predict_manual(configuration, state, X)
        theirs = predict_reference(configuration, state, X)
        if not np.isfinite(mine).all() and not np.isfinite(theirs).all():
            continue  # both have overflowed, in another order of sums perhaps in another way
        expected = stated(configuration, state, X)
        name = f"A{len(configuration.activations)} of the {part} examples"
        if mine.shape != theirs.shape:
            yield f"{name} is {mine.shape} by hand and {theirs.shape} by torch"
        elif not (apart := distance(mine, expected, against=theirs)).ratio <= STEP:
            yield (
                f"{name} is {apart.value!r} at {apart.index} by hand and {apart.expected!r} by torch, "
                f"{apart.ratio / STEP:.3g} times what rounding explains"
            )
        elif not (off := distance(mine, expected)).ratio <= STEP:
            yield f"{name} is {off.value!r} at {off.index} on both sides; its formula gives {off.expected!r}"
