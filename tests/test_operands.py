"""What cannot be meant is refused by hand in one sentence: shapes that broadcast, what is missing, limits."""

from functools import partial

import numpy as np
import pytest

from manual import (  # fmt: skip
    activations,
    clipping,
    layers,
    losses,
    network,
    normalization,
    optimizers,
    schedules,
    stepping,
    training,
)

one, square = np.ones((1, 1)), np.ones((2, 2))
NET = {"W1": square, "b1": np.ones((2, 1)), "W2": np.ones((1, 2)), "b2": one}
GRADIENTS = {"W1": np.array([[3.0, -4.0]])}
step = partial(
    stepping.step, NET, square, np.ones((1, 2)), loss=losses.mse, rule=optimizers.sgd, lr=0.1
)
relu, identity = activations.relu, activations.identity
forward = partial(network.forward, NET, square)
cycle = partial(schedules.one_cycle, lr=0.1, total_steps=9)

REFUSED = {
    "a flat bias, as many units as examples": (
        lambda: layers.linear(square, square, np.ones(2)), r"b \(2,\): expected .* \(n, 1\)"),
    "a bias a column": (lambda: layers.linear(square, square, np.ones((1, 2))), r"b \(1, 2\)"),
    "weights that do not fit": (lambda: layers.linear(np.ones((2, 3)), square, None), r"A \(2, 2\)"),
    "gamma a column": (
        lambda: normalization.batch_norm(np.eye(3)[:, :2], np.ones((1, 2)), np.ones((1, 2))),
        r"gamma \(1, 2\) and beta \(1, 2\): expected both \(3, 1\)"),
    "gamma alone": (lambda: normalization.batch_norm(square, np.ones((2, 1)), None), "beta None"),
    "no example": (lambda: normalization.batch_norm(square[:, :0], None, None), "0 examples"),
    "statistics of one example": (
        lambda: normalization.running_statistics({"batches": 0}, square[:, :1]), "1 example,"),
    "a norm below 0": (lambda: clipping.clip_by_norm(GRADIENTS, max_norm=-1.0), "max_norm is -1.0"),
    "a norm that is NaN": (lambda: clipping.clip_by_norm(GRADIENTS, max_norm=np.nan), "max_norm is nan"),
    "a value below 0": (lambda: clipping.clip_by_value(GRADIENTS, clip_value=-1.0), "clip_value is -1"),
    "a layer too many": (lambda: forward(activations=[relu] * 3), "no W3 beside W1, b1"),
    "no mask": (lambda: forward(activations=[relu, identity], dropout=0.5), "no mask1"),
    "a layer without activation": (lambda: step(activations=[relu]), "2 layers, .* 1 activation"),
    "no micro-batch": (lambda: step(activations=[relu, identity], accumulate=0), "accumulate is 0"),
    "a flat batch": (
        lambda: training.train(
            NET, [(np.ones(2), np.ones(2))], hidden=["relu"], rule=optimizers.sgd, lr=0.1),
        "one example a column"),
    "half a step": (lambda: cycle(1.5), "k is 1.5"),
    "a divisor of 0": (lambda: cycle(1, div_factor=0.0), "div_factor is 0.0"),
    "a divisor below 0": (lambda: cycle(1, final_div_factor=-2.0), "final_div_factor is -2.0"),
    "no number of steps": (lambda: schedules.cosine(np.inf, lr=0.1, T_max=9), "k is inf"),
    "a period that is NaN": (lambda: schedules.cosine(1, lr=0.1, T_max=np.nan), "T_max is nan"),
    "a state without a rate": (lambda: schedules.reduce_on_plateau({}, 1.0), "'lr': rate"),
    "half precision": (lambda: optimizers.sgd(*[one.astype(np.float16)] * 2, {}), "is float16"),
    "one beta": (lambda: optimizers.adam(one, one, {}, betas=(0.9,)), "betas are .* two numbers"),
    "one eta": (lambda: optimizers.rprop(one, one, {}, etas=(0.5,)), "etas are .* two numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_operands_are_refused_in_one_sentence(case):
    call, says = REFUSED[case]
    with pytest.raises(ValueError, match=says):
        call()
