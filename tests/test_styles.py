"""Right programs in the styles that people write them in: none of them is called wrong, or cannot be judged."""

from collections import namedtuple

import numpy as np
import pytest

from compare.checking.activations import examine_activation
from compare.checking.losses import examine_loss
from compare.checking.rules import examine_rule
from compare.checking.schedules import examine_schedule
from compare.checking.steps import examine_step

SGD = "two-layer relu mse sgd lr=0.1"


def gradients(p, X, Y):
    A1 = np.maximum(p["W1"] @ X + p["b1"], 0)
    d = p["W2"] @ A1 + p["b2"] - Y
    loss, d = np.mean(d**2), 2 * d / d.size
    e = (p["W2"].T @ d) * (A1 > 0)
    g = {"W1": e @ X.T, "b1": e.sum(axis=1, keepdims=True)}
    return loss, g | {"W2": d @ A1.T, "b2": d.sum(axis=1, keepdims=True)}


def over_all(params, X, Y, lr):
    loss, g = gradients(params, X, Y)
    for k in params:
        params[k] -= lr * g[k]
    return loss


def made_anew(params, X, Y, lr):
    loss, g = gradients(params, X, Y)
    return loss, {k: params[k] - lr * g[k] for k in params}


def loss_first(params, X, Y, lr):
    loss, g = gradients(params, X, Y)
    for k in g:
        params[k] = params[k] - lr * g[k]
    return loss, params


Named = namedtuple("Named", "W1 b1 W2 b2")


def named(params, X, Y, lr):
    _, g = gradients(params, X, Y)
    return Named(**{n: params[n] - lr * g[n] for n in g})


def test_a_step_may_return_a_named_tuple():
    assert set(examine_step(named, SGD).shown) == {"W1", "b1", "W2", "b2"}


def test_a_step_of_another_form_is_told_what_is_expected():
    unnamed = examine_step(lambda state, X, Y, lr=0.1: tuple(named(state, X, Y, lr)), SGD).error
    assert unnamed.startswith("it ran on none of the trials: it returned a tuple; return a mapping")
    assert "matmul" not in unnamed
    taken = examine_step(lambda W1, b1, W2, b2, X, Y: None, SGD).error
    assert "it takes W1, b1, W2, b2, X, Y; expected train_step(state, X, Y, lr=...)" in taken


@pytest.mark.parametrize("step", [over_all, made_anew, loss_first])
def test_the_loop_may_go_over_all_parameters(step):
    verdict = examine_step(step, SGD)
    assert verdict.right, str(verdict)
    assert {"loss", "W1", "b2"} <= set(verdict.shown)


def test_what_is_less_than_all_that_it_shows_is_said():
    handed = (
        "the state of the next step holds nothing of one step alone, such as its loss and gradients"
    )
    assert handed in examine_step(over_all, SGD).notes


def of_these_sizes(state, X, Y, lr):
    assert (state["W1"].shape, state["W2"].shape) == ((8, 11), (1, 8))
    return over_all(state, X, Y, lr)


def test_sizes_that_are_given_are_those_of_every_trial():
    verdict = examine_step(of_these_sizes, SGD, sizes=(11, 8, 1))
    assert verdict.right, str(verdict)


def of_logits(state, X, Y, lr=0.1):
    A1 = np.tanh(state["W1"] @ X + state["b1"])
    Z2 = state["W2"] @ A1 + state["b2"]
    d = (1 / (1 + np.exp(-Z2)) - Y) / Y.size
    e = (state["W2"].T @ d) * (1 - A1**2)
    g = {"W2": d @ A1.T, "b2": d.sum(axis=1, keepdims=True)}
    g |= {"W1": e @ X.T, "b1": e.sum(axis=1, keepdims=True)}
    loss = np.mean(np.logaddexp(0, Z2) - Y * Z2)
    return {"Z2": Z2, "loss": loss} | {n: state[n] - lr * g[n] for n in g}


def test_the_loss_of_probabilities_may_be_formed_from_the_logits():
    verdict = examine_step(of_logits, "two-layer tanh bce sgd lr=0.1")
    assert verdict.right, str(verdict)
    assert any("is formed from the logits Z2" in note for note in verdict.notes)


def doubled(state, X, Y, lr=0.1):
    shown = of_logits(state, X, Y, lr)
    return shown | {"loss": 2 * shown["loss"]}


def test_no_other_loss_is_taken_for_that_of_the_logits():
    assert not examine_step(doubled, "two-layer tanh bce sgd lr=0.1").right


def normed_gradients(s, X, Y):
    """Return the loss and dZ1, and the gradients of a net with batch norm, but for the bias before it."""
    Z1 = s["W1"] @ X + s["b1"]
    mu, root = Z1.mean(axis=1, keepdims=True), np.sqrt(Z1.var(axis=1, keepdims=True) + 1e-5)
    xhat = (Z1 - mu) / root
    A1 = np.maximum(s["gamma1"] * xhat + s["beta1"], 0)
    d = s["W2"] @ A1 + s["b2"] - Y
    loss, d = np.mean(d**2), 2 * d / d.size
    e = (s["W2"].T @ d) * (A1 > 0)
    dx = s["gamma1"] * e
    dz = dx - dx.mean(axis=1, keepdims=True) - xhat * (dx * xhat).mean(axis=1, keepdims=True)
    dz /= root
    g = {"W1": dz @ X.T, "gamma1": (e * xhat).sum(axis=1, keepdims=True)}
    g |= {"beta1": e.sum(axis=1, keepdims=True), "W2": d @ A1.T}
    return {"loss": loss, "dZ1": dz}, g | {"b2": d.sum(axis=1, keepdims=True)}


def shown_as_zero(s, X, Y, lr=0.1):
    shown, g = normed_gradients(s, X, Y)
    g["b1"] = 0 * s["b1"]
    new = {n: s[n] - lr * g[n] for n in g}
    return shown | {f"d{n}": x for n, x in g.items()} | new


def left_as_it_is(s, X, Y, lr=0.1):
    shown, g = normed_gradients(s, X, Y)
    return shown | {n: s[n] - lr * g[n] for n in g}


class Adam:
    """The same by a rule whose division makes a step of the rounding that a gradient of 0 has."""

    def __init__(self, lr=0.1):
        self.lr, self.t, self.m, self.v = lr, 0, {}, {}

    def step(self, s, X, Y):
        shown, g = normed_gradients(s, X, Y)
        self.t += 1
        for n, x in g.items():
            self.m[n] = 0.9 * self.m.get(n, 0) + 0.1 * x
            self.v[n] = 0.999 * self.v.get(n, 0) + 0.001 * x * x
            m, v = self.m[n] / (1 - 0.9**self.t), self.v[n] / (1 - 0.999**self.t)
            shown[n] = s[n] - self.lr * m / (np.sqrt(v) + 1e-8)
        return shown


@pytest.mark.parametrize("step", [shown_as_zero, left_as_it_is])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(3))
def test_a_bias_before_batch_norm_may_stand_still(step, dtype, seed):
    like = "two-layer relu mse sgd lr=0.1 batch-norm"
    verdict = examine_step(step, like, dtype=dtype, seed=seed)
    assert verdict.right, str(verdict)


def squares_less_a_square(s, X, Y, lr=0.1):
    Z1 = s["W1"] @ X + s["b1"]
    mu = Z1.mean(axis=1, keepdims=True)
    var = (Z1**2).mean(axis=1, keepdims=True) - mu**2
    A1 = np.maximum(s["gamma1"] * (Z1 - mu) / np.sqrt(var + 1e-5) + s["beta1"], 0)
    return {"loss": np.mean((s["W2"] @ A1 + s["b2"] - Y) ** 2)}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_variance_that_cancels_is_found_where_features_lie_far_from_0(dtype):
    verdict = examine_step(
        squares_less_a_square, "two-layer relu mse sgd lr=0.1 batch-norm", dtype=dtype
    )
    assert verdict.case == "features far from 0"


def test_a_rule_that_divides_may_leave_it_as_it_is():
    verdict = examine_step(Adam, "two-layer relu mse adam lr=0.1 batch-norm")
    assert verdict.right, str(verdict)
    assert "b1 stays as it is: before batch norm its gradient is rounding alone" in verdict.notes


def test_a_bias_without_batch_norm_may_not():
    def step(s, X, Y, lr=0.1):
        loss, g = gradients(s, X, Y)
        return {"loss": loss} | {n: s[n] - lr * g[n] for n in g if n != "b1"}

    assert examine_step(step, SGD).divergence.origin == "b1"


class GradientsFirst:
    def step(self, grads, params):
        for n in params:
            params[n] -= 0.001 * grads[n]


def test_a_rule_is_called_by_the_names_of_its_arguments_and_with_the_usual_rate():
    verdict = examine_rule(GradientsFirst, "sgd")
    assert verdict.right, str(verdict)
    assert "it takes no lr and none is named: held against 0.001" in verdict.notes[0]
    assert not examine_rule(GradientsFirst, "sgd lr=0.01").right


def configured(w, dw, config=None):  # as a well-known course has it
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config["velocity"] = 0.9 * config.get("velocity", 0) + dw
    return w - config["learning_rate"] * config["velocity"], config


def test_a_rule_may_keep_its_rate_in_its_state():
    verdict = examine_rule(configured, "sgd momentum=0.9")
    assert verdict.right, str(verdict)
    assert "held against 0.01" in verdict.notes[0]


class OneEach:
    def __init__(self, learning_rate=0.01):
        self.learning_rate, self.m, self.v, self.t = learning_rate, None, None, 0

    def update(self, w, grad_wrt_w):
        if self.m is None:
            self.m, self.v = np.zeros_like(w), np.zeros_like(w)
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * grad_wrt_w
        self.v = 0.999 * self.v + 0.001 * grad_wrt_w**2
        m, v = self.m / (1 - 0.9**self.t), self.v / (1 - 0.999**self.t)
        return w - self.learning_rate * m / (np.sqrt(v) + 1e-8)


def test_a_rule_may_be_an_object_for_each_parameter():
    verdict = examine_rule(OneEach, "adam lr=0.01")
    assert verdict.right, str(verdict)
    assert not examine_rule(OneEach, "adam lr=0.01 eps=1e-7").right


SCHEDULES = {
    "exponential(gamma=0.9) lr=0.1": lambda lr, epoch, gamma: lr * gamma**epoch,
    "exponential(gamma=0.8) lr=0.1": lambda initial_lr, t, decay_rate: initial_lr * decay_rate**t,
    "inverse_time(decay=0.1) lr=0.1": lambda learning_rate0, n, decay_rate: (
        learning_rate0 / (1 + decay_rate * n)
    ),
    "cosine(T_max=30) lr=0.1": lambda step, base_lr, total_steps: (
        base_lr * (1 + np.cos(np.pi * step / total_steps)) / 2
    ),
}


@pytest.mark.parametrize("like", SCHEDULES)
def test_a_schedule_is_called_by_the_names_of_its_arguments(like):
    verdict = examine_schedule(SCHEDULES[like], like)
    assert verdict.right, str(verdict)


def clipped_in_place(s, X, Y, lr=0.1):
    loss, g = gradients(s, X, Y)
    norm = np.sqrt(sum((x * x).sum() for x in g.values()))
    g = {n: x * min(0.1 / (norm + 1e-6), 1) for n, x in g.items()}
    return {"loss": loss} | {f"d{n}": x for n, x in g.items()} | {n: s[n] - lr * g[n] for n in g}


class Accumulating:
    """As torch has it: p.grad goes on over the micro-batches, and is what is shown."""

    def __init__(self, lr=0.1):
        self.lr, self.k, self.grad = lr, 0, {}

    def step(self, s, X, Y):
        loss, g = gradients(s, X, Y)
        self.k += 1
        self.grad = {n: self.grad.get(n, 0) + g[n] / 2 for n in g}
        shown = {"loss": loss} | {f"d{n}": x for n, x in self.grad.items()}
        if self.k % 2:
            return shown | {n: s[n] for n in g}
        shown |= {n: s[n] - self.lr * x for n, x in self.grad.items()}
        self.grad = {}
        return shown


LATER = {
    "after clipping": (clipped_in_place, f"{SGD} clip=0.1"),
    "summed over the micro-batches": (Accumulating, f"{SGD} accumulate=2"),
}


@pytest.mark.parametrize("what", LATER)
def test_gradients_may_be_shown_as_what_becomes_of_them(what):
    verdict = examine_step(*LATER[what])
    assert verdict.right, str(verdict)
    assert any(f"dW1, ... are shown {what}" in note for note in verdict.notes)


def test_gradients_clipped_by_another_norm_are_no_convention():
    verdict = examine_step(clipped_in_place, f"{SGD} clip=0.2")
    assert not verdict.right


MOMENTA = {}


class Shared:
    def __init__(self, lr=0.01):
        self.lr, self.m = lr, MOMENTA

    def step(self, params, grads):
        for n in params:
            self.m[n] = 0.9 * self.m.get(n, 0) + grads[n]
            params[n] -= self.lr * self.m[n]


def test_objects_that_share_a_state_are_told():
    error = examine_rule(Shared, "sgd momentum=0.9").error
    assert "run twice from the same start it gives another W1" in error
    assert "a mutable default or an attribute of the class" in error


def relu(Z):
    return np.maximum(0, Z), {"Z": Z}


def relu_backward(dA, cache):
    return np.where(cache["Z"] > 0, dA, 0)


class Layer:
    def forward(self, z):
        self.on = z > 0
        return z * self.on

    def backward(self, d):
        return d * self.on


class Called:
    def __call__(self, x):
        return np.maximum(x, 0)

    def gradient(self, x):
        return np.where(x > 0, 1, 0)


def leaky(z, negative_slope=0.01):
    return np.where(z > 0, z, negative_slope * z)


def exponential(z, alpha):
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


ACTIVATIONS = {
    "a cache": ((relu, relu_backward), "relu", 14),
    "a cache, not read": (relu, "relu", 7),
    "an input beside it": (lambda Z: (np.maximum(Z, 0), Z), "relu", 7),
    "a class of two methods": (Layer, "relu", 14),
    "a class that is called": (Called, "relu", 14),
    "its object": (Called(), "relu", 14),
    "a backward of dA and Z": (
        (lambda Z: np.maximum(Z, 0), lambda dA, Z: dA * (Z > 0)), "relu", 14),
    "a derivative with an option": (
        (np.tanh, lambda z, scale=1.0: scale / np.cosh(np.clip(z, -350, 350)) ** 2), "tanh", 14),
    "an option": (leaky, "leaky_relu negative_slope=0.2", 7),
    "an option it must be given": (exponential, "elu alpha=1.7", 7),
    "a derivative of a": ((np.tanh, lambda a: 1 - a**2), "tanh", 14),
    "elu's of a": (
        (lambda z: exponential(z, 0.5), lambda a: np.where(a > 0, 1, a + 0.5)), "elu alpha=0.5", 14),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_may_have_any_usual_form(name, dtype):
    function, like, arrays = ACTIVATIONS[name]
    verdict = examine_activation(function, like, dtype=dtype)
    assert (verdict.right, verdict.arrays) == (True, arrays), str(verdict)


def test_a_derivative_of_a_that_is_named_as_of_x_is_wrong_and_told():
    def sigmoid(x):
        return 1 / (1 + np.exp(-np.clip(x, -700, 700)))

    verdict = examine_activation((sigmoid, lambda x: x * (1 - x)), "sigmoid")
    assert verdict.divergence.origin == "dZ1"
    assert "of a = f(z) it would be right" in verdict.notes[0]


class Squares:
    def forward(self, a, y):
        self.r = a - y
        return np.mean(self.r**2)

    def backward(self):
        return 2 * self.r / self.r.size


def huber(A, Y, delta=1.0):
    r = np.abs(A - Y)
    return np.mean(np.where(r < delta, r * r / 2, delta * (r - delta / 2)))


def stable(labels, logits):
    return np.mean(np.maximum(logits, 0) - labels * logits + np.log1p(np.exp(-np.abs(logits))))


LOSSES = {
    "a class": (Squares, "mse"),
    "an object": (Squares(), "mse"),
    "an option": (huber, "huber delta=0.3"),
    "labels first": (stable, "bce_with_logits"),
    "t and y": (lambda t, y: (np.mean((y - t) ** 2), 2 * (y - t) / y.size), "mse"),
    "y and t": (lambda y, t: (np.mean((y - t) ** 2), 2 * (y - t) / y.size), "mse"),
    "a backward of dL": (
        lambda A, Y: (np.mean((A - Y) ** 2), lambda dL: dL * 2 * (A - Y) / A.size), "mse"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_may_have_any_usual_form(name):
    verdict = examine_loss(*LOSSES[name])
    assert verdict.right, str(verdict)


def test_a_loss_that_is_right_the_other_way_round_is_told():
    verdict = examine_loss(lambda u, v: (np.mean((u - v) ** 2), 2 * (v - u) / u.size), "mse")
    assert verdict.divergence.origin == "dA1"
    assert "it is right if its arguments are meant the other way round" in verdict.notes


def test_a_wider_type_than_asked_for_is_told():
    def step(s, X, Y, lr=0.1):
        A1 = np.maximum(s["W1"].astype(np.float64) @ X + s["b1"], 0)
        return {"A1": A1}

    notes = " ".join(examine_step(step, SGD, dtype="float32").notes)
    assert "A1 in a wider type than float32" in notes


Transformation = namedtuple("Transformation", "init update")


def transformation(learning_rate, momentum=0.9, share=1.0):
    def init(params):
        return {k: np.zeros_like(p) for k, p in params.items()}

    def update(grads, state, params=None):
        state = {k: momentum * state[k] + share * g for k, g in grads.items()}
        return {k: -learning_rate * m for k, m in state.items()}, state

    return Transformation(init, update)


class Transforming:
    def __init__(self, learning_rate):
        self.lr = learning_rate

    def init(self, params):
        return ()

    def update(self, grads, state):
        return {k: -self.lr * g for k, g in grads.items()}, state


def of_other_names(lr):
    return Transformation(
        lambda p: (), lambda u, st, *, params: ({k: -lr * x for k, x in u.items()}, st)
    )


class KeepsItself:
    def __init__(self, lr):
        self.lr = lr

    def init(self, params):
        self.m = {k: np.zeros_like(p) for k, p in params.items()}
        return ()

    def update(self, grads, state):
        self.m = {k: 0.9 * self.m[k] + g for k, g in grads.items()}
        return {k: -self.lr * m for k, m in self.m.items()}, state


@pytest.mark.parametrize("rule", [of_other_names, KeepsItself])
def test_a_transformation_may_have_names_or_a_state_of_its_own(rule):
    verdict = examine_rule(rule, "sgd momentum=0.9" if rule is KeepsItself else "sgd")
    assert verdict.right, str(verdict)
    assert not any("cannot be changed" in note for note in verdict.notes)


def test_a_transformation_that_returns_no_pair_is_told_what_is_expected():
    bare = examine_rule(lambda lr: Transformation(lambda p: (), lambda g, state: g), "sgd")
    assert "update returned a dict; expected (updates, state)" in bare.error


def test_an_optimiser_may_be_a_transformation_as_optax_has_them():
    verdict = examine_rule(transformation, "sgd momentum=0.9")
    assert verdict.right, str(verdict)
    assert not any("cannot be changed" in note for note in verdict.notes)
    assert examine_rule(transformation(0.01), "sgd momentum=0.9").right
    assert examine_rule(Transforming, "sgd").right
    wrong = examine_rule(
        lambda lr, momentum: transformation(lr, momentum, 1 - momentum), "sgd momentum=0.9"
    )
    assert "momentum as a moving average" in wrong.diagnosis.names


class Prepared:
    def __init__(self, lr=0.1):
        self.lr = lr

    def init(self, params):
        raise AssertionError("it is not ours to call")

    def update(self, params, grads):
        for k in params:
            params[k] -= self.lr * grads[k]


def test_an_object_with_an_init_of_its_own_is_no_transformation():
    assert examine_rule(Prepared, "sgd").right


class WithDerivative:
    def forward(self, x):
        return np.tanh(x)

    def derivative(self, x):
        return 1 - 0.3 * x**2


def test_the_derivative_of_an_object_with_a_forward_is_judged():
    assert examine_activation(WithDerivative, "tanh").divergence.origin == "dZ1"
    assert examine_activation(WithDerivative(), "tanh").divergence.origin == "dZ1"


class NeedsMore:
    def __init__(self, dim):
        self.dim = dim

    def __call__(self, z):
        return np.maximum(z, 0)


def test_a_class_that_needs_more_than_its_options_is_told_so():
    with pytest.raises(ValueError, match="no NeedsMore can be made of its options alone"):
        examine_activation(NeedsMore, "relu")
