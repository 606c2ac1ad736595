"""Training in buffers and tiles stays within what rounding may do to the readable step."""

from itertools import pairwise, repeat

import numpy as np
import pytest

from compare.configuration import Configuration
from compare.judgement import judge_pair
from compare.tolerances import STEP
from manual import activations, losses, optimizers, stepping, training

CASES = [
    ((4, 1), [], "sgd", {}),
    ((4, 6, 1), ["relu"], "adam", {}),
    ((4, 6, 1), ["relu"], "sgd", {"momentum": 0.9, "nesterov": True}),
    ((3, 5, 7, 2), ["tanh", "relu"], "rmsprop", {"centered": True, "alpha": 0.9}),
    ((3, 5, 7, 2), ["relu", "identity"], "nadam", {"weight_decay": 0.1}),
    ((11, 31, 1), ["tanh"], "rprop", {}),
]
IDS = [f"{'-'.join(map(str, sizes))}-{rule}" for sizes, _, rule, _ in CASES]


def start(sizes, dtype, m):
    draw = np.random.default_rng(len(sizes)).normal
    state = {}
    for l, (k, n) in enumerate(pairwise(sizes), 1):
        state |= {f"W{l}": draw(size=(n, k)), f"b{l}": draw(size=(n, 1))}
    arrays = {n: x.astype(dtype) for n, x in state.items()}
    return arrays, draw(size=(sizes[0], m)).astype(dtype), draw(size=(sizes[-1], m)).astype(dtype)


def readable(state, X, Y, hidden, rule, options):
    chosen = [getattr(activations, g) for g in (*hidden, "identity")]
    rule = getattr(optimizers, rule)
    return stepping.step(
        state, X, Y, activations=chosen, loss=losses.mse, rule=rule, lr=0.01, **options
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("sizes", "hidden", "rule", "options"), CASES, ids=IDS)
@pytest.mark.parametrize("columns", [16, 70])
def test_every_step_of_training_is_the_readable_one_within_what_it_may_round(
    sizes, hidden, rule, options, dtype, columns
):
    state, X, Y = start(sizes, dtype, 70)
    configuration = Configuration((*hidden, "identity"), "mse", rule, {"lr": 0.01, **options})
    how = {"hidden": hidden, "rule": getattr(optimizers, rule), "columns": columns, "lr": 0.01}
    first, losses = state, []
    for _ in range(5):
        trained, (loss,) = training.train(state, [(X, Y)], **how, **options)
        trained["loss"] = np.array(loss, dtype)
        trace = readable(state, X, Y, hidden, rule, options)
        pairs = judge_pair(configuration.formulas(), trained, trace, state, X, Y)
        assert {n for n in pairs if not n.startswith("update")} == trained.keys()
        assert max(d.ratio for d in pairs.values()) <= STEP
        state = trained
        losses.append(loss)
    at_once, found = training.train(first, repeat((X, Y), 5), **how, **options)
    assert found == losses
    assert all(np.array_equal(x, state[n]) for n, x in at_once.items())


def test_training_leaves_what_it_is_given_as_it_was():
    state, X, Y = start((4, 6, 1), "float64", 20)
    before = {n: x.copy() for n, x in state.items()}
    trained, _ = training.train(
        state, [(X, Y)], hidden=["relu"], rule=optimizers.adam, columns=8, lr=0.1
    )
    assert all(np.array_equal(state[n], before[n]) for n in state)
    assert not any(np.shares_memory(x, y) for x in trained.values() for y in state.values())


def test_a_rectifier_in_place_passes_what_the_readable_one_passes():
    special = np.array([[np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0, -1.0]])
    for dA in special.T:
        g, A = np.repeat(dA[:, None], 7, axis=1), special.copy()
        expected = activations.relu(special)[1](g)
        mask = np.empty(A.shape, bool)
        training.relu(A)
        training.relu_backward(g, A, mask)
        assert A.tobytes() == activations.relu(special)[0].tobytes()
        assert g.tobytes() == expected.tobytes()


def test_a_batch_that_the_net_does_not_take_is_refused():
    state, X, Y = start((4, 6, 1), "float64", 20)
    for wrong in (X[:1], X.astype("float32")):
        with pytest.raises(ValueError, match=r"where \(4, 20\) float64 should stand"):
            training.train(state, [(wrong, Y)], hidden=["relu"], rule=optimizers.sgd)


def test_a_net_that_training_does_not_have_is_refused():
    state, X, Y = start((4, 6, 1), "float64", 20)
    without = {n: x for n, x in state.items() if n != "b2"}
    with pytest.raises(ValueError, match=r"W1, b1, W2 where W1, b1, W2, b2 should stand"):
        training.train(without, [(X, Y)], hidden=["relu"], rule=optimizers.sgd)
    with pytest.raises(ValueError, match="no activation 'elu' in place; there are identity"):
        training.check(["W1", "b1", "W2", "b2"], ["elu"])
