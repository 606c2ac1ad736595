"""What a program was given, and did not take as it was: data scaled otherwise, another schedule, other weights."""

import numpy as np
import pytest

from compare.checking.training import examine_training
from compare.configuration import Configuration
from compare.verification import Batch

PLAIN = Configuration(("tanh", "identity"), "mse", "sgd", {"lr": 0.1})
N_X, N_H, N_Y, M = 5, 4, 3, 12


def start():
    r = np.random.default_rng(0)
    state = {"W1": r.normal(size=(N_H, N_X)), "b1": r.normal(size=(N_H, 1))}
    return state | {"W2": r.normal(size=(N_Y, N_H)), "b2": r.normal(size=(N_Y, 1))}


def batches(count=1, rates=()):
    r = np.random.default_rng(1)
    for k in range(count):
        X, Y = r.normal(size=(N_X, M)), r.normal(size=(N_Y, M))
        X = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
        yield Batch(X, Y, {"lr": rates[k]} if rates else {})


def named(given, *, X=None, Y=None, state=None, rates=None):
    """Return the names of the mistake of a run made with other batches, weights or rates than given."""
    traces, at, step = [], state or start(), PLAIN.by_hand()
    for k, b in enumerate(given):
        x, y = (f(a) if f else a for f, a in ((X, b.X), (Y, b.Y)))
        lr = rates[k] if rates else 0.1
        trace = step(at, x, y, lr=lr)
        traces.append({"X": x, "Y": y, "lr": np.asarray(lr), **trace})
        at = trace
    verdict = examine_training(traces, PLAIN, start(), given)
    return verdict.diagnosis.names if verdict.diagnosis.names else (verdict.diagnosis.pattern,)


def norm(x):
    return x / np.linalg.norm(x, axis=0)


DATA = {
    "the features are divided by the deviation over m - 1": lambda x: x * np.sqrt((M - 1) / M),
    "each feature is scaled otherwise: another mean, or none, is subtracted": lambda x: x + np.arange(1, 6)[:, None],
    "each feature is scaled otherwise: another deviation, or none, divides them": lambda x: x * np.arange(1, 6)[:, None],
    "each feature is scaled otherwise: by a little more than the deviation: an epsilon is added to it": (
        lambda x: x / (1.0 + 1e-7 * np.arange(1, 6)[:, None])
    ),
    "each feature is scaled otherwise: every number times 0.5": lambda x: x / 2,
    "each feature is scaled otherwise: all features by the same a and b": lambda x: 2 * x + 1,
    "each feature is scaled otherwise: to [0, 1]": (
        lambda x: (x - x.min(axis=1, keepdims=True)) / np.ptp(x, axis=1, keepdims=True)
    ),
    "each feature is scaled otherwise: feature 2 is constant, the others are as given": (
        lambda x: x * (np.arange(5) != 2)[:, None]
    ),
    "each example is divided by its norm": norm,
    "the features stand in another order: 4, 3, 2, 1, 0": lambda x: x[::-1],
    "the examples are reshaped where they should be transposed": lambda x: x.T.reshape(x.shape),
    "the same examples in another order": lambda x: x[:, ::-1],
    "the numbers are cut to whole numbers": np.trunc,
    "the numbers are rounded to float16": lambda x: x.astype(np.float16).astype(float),
    "the numbers are clipped to [-1, 1]": lambda x: np.clip(x, -1, 1),
    "row 0 is another, the rest is as given": lambda x: np.vstack([np.arange(M), x[1:]]),
    "3 of 60 numbers are others": lambda x: np.where(np.arange(60).reshape(5, 12) % 20 == 3, 9.0, x),
    "60 of 60 numbers are not finite": lambda x: x * np.nan,
    "its X is not what it was given": lambda x: np.random.default_rng(7).normal(size=x.shape),
}  # fmt: skip


@pytest.mark.parametrize("name", DATA)
def test_what_was_done_to_the_features_is_told(name):
    assert named(list(batches()), X=DATA[name]) == (name,)


RATES = [0.1, 0.1, 0.05, 0.05, 0.025, 0.025]
SCHEDULES = {
    "an epoch's schedule goes on at every step": [0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003125],
    "the learning rate is 0.3 times the given one at every step": [0.3 * r for r in RATES],
    "the learning rate is divided by the batch size at every step": [r / M for r in RATES],
    "the decay is applied twice": [10 * r * r for r in RATES],
    "the schedule starts from 0, a step late": [0.0, *RATES[:-1]],
    "around this step its rates are 0.1, 0.1, 0.04, 0.04, 0.03, 0.02 where 0.1, 0.1, 0.05, 0.05, 0.025, 0.025 were given": [
        0.1,
        0.1,
        0.04,
        0.04,
        0.03,
        0.02,
    ],
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_what_was_done_to_the_schedule_is_told_or_its_rates(name):
    assert named(list(batches(6, RATES)), rates=SCHEDULES[name]) == (name,)


WEIGHTS = {
    "W1 is 1/sqrt(2) (0.707107) times the given one": lambda W: W / np.sqrt(2),
    "W1 is sqrt(2 n_in / (n_in + n_out)) (1.05409) times the given one": (
        lambda W: W * np.sqrt(2 * N_X / (N_X + N_H))
    ),
    "W1 is 1/tanh's gain 5/3 (0.6) times the given one": lambda W: 0.6 * W,
    "W1 is 2.3 times the given one": lambda W: 2.3 * W,
    "W1 has the same numbers in another order: transposed, or drawn in another": (
        lambda W: W.T.reshape(W.shape)
    ),
}


@pytest.mark.parametrize("told", WEIGHTS)
def test_what_was_done_to_the_initial_weights_is_told(told):
    state = start()
    state["W1"] = WEIGHTS[told](state["W1"])
    assert named(list(batches()), state=state) == (f"the weights are not those given: {told}",)


def test_a_warm_up_from_0_is_told_without_dividing_by_it():
    rates = [0.02 * k for k in range(6)]
    assert named(list(batches(6, rates)), rates=[*rates[1:], 0.12]) == (
        "the schedule is 1 step early",
    )
