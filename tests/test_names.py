"""Mistakes as they are made in classrooms and forums: each has the one name that tells which line to change."""

import numpy as np
import pytest

from compare.checking.activations import examine_activation
from compare.checking.losses import examine_loss
from compare.checking.rules import examine_rule
from compare.checking.steps import examine_step
from manual import optimizers


def adam(wrong):
    """Return an optimiser class with one mistake in it."""

    class Adam:
        def __init__(self, lr=0.01):
            self.lr, self.m, self.v, self.t = lr, {}, {}, 0

        def step(self, p, g):
            self.t += 1
            for n in p:
                m, v = self.m.get(n, 0), self.v.get(n, 1.0 if wrong == "one" else 0)
                square = g[n] if wrong == "unsquared" else g[n] ** 2
                self.m[n] = 0.9 * (v if wrong == "one array" else m) + 0.1 * g[n]
                v = self.m[n] if wrong == "one array" else v
                self.v[n] = 0.999 * v + (0.1 if wrong == "share" else 0.001) * square
                if wrong == "whole" and self.t == 1:
                    self.m[n], self.v[n] = g[n], g[n] ** 2
                a, b = 1 - 0.9**self.t, 1 - 0.999**self.t
                if wrong == "rest":
                    a, b = 0.1**self.t, 0.001**self.t
                lr = self.lr * (np.sqrt(b) / a if wrong == "twice" else 1)
                m, v = (m, v) if wrong == "old" else (self.m[n], self.v[n])
                d = lr * (m / a) / (np.sqrt(v / b) + 1e-8)
                p[n] -= d / (len(p[n]) if wrong == "rows" else 1)

    return Adam


ADAM = {
    "one": "the second moment starts at 1",
    "unsquared": "the gradient itself is averaged, not its square",
    "share": "the square has the first moment's share",
    "whole": "both moments start with the first gradient whole",
    "rest": "the corrections are powers of 1 - beta",
    "twice": "the bias is corrected twice, in the moments and in the step size",
    "old": "the step is made with the old moments, updated after it",
    "one array": "one array holds both moments, the second made of the first",
    "rows": "update times 1/rows of it",
}


def test_the_class_without_a_mistake_is_right():
    assert examine_rule(adam(""), "adam lr=0.01").right


@pytest.mark.parametrize("wrong", ADAM)
def test_a_mistake_in_adam_has_one_name(wrong):
    assert examine_rule(adam(wrong), "adam lr=0.01").diagnosis.names == (ADAM[wrong],)


class FromZero:
    def __init__(self, lr=0.01):
        self.lr, self.m, self.v, self.t = lr, {}, {}, 0

    def step(self, p, g):
        for n in p:
            self.m[n] = 0.9 * self.m.get(n, 0) + 0.1 * g[n]
            self.v[n] = 0.999 * self.v.get(n, 0) + 0.001 * g[n] ** 2
            m, v = self.m[n] / (1 - 0.9**self.t), self.v[n] / (1 - 0.999**self.t)
            p[n] -= self.lr * m / (np.sqrt(v) + 1e-8)
        self.t += 1


def test_a_correction_of_step_0_is_hinted_at():
    told = examine_rule(FromZero, "adam lr=0.01").diagnosis.pattern
    assert "as from a bias correction with t = 0, which divides by 0" in told


class Rebinding:
    def __init__(self, lr=0.01):
        self.lr = lr

    def step(self, params, grads):
        for p, g in zip(params.values(), grads.values(), strict=True):
            p = p - self.lr * g


def test_parameters_that_are_bound_anew_are_not_updated():
    d = examine_rule(Rebinding, "sgd lr=0.01").diagnosis
    assert d.names == ("W1 is not updated",)
    assert "p -= lr * g writes to the array" in str(d)


def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def sigmoid(z, added=0.0):
    return 1 / (1 + np.exp(-z) + added)


ACTIVATIONS = {
    "sigmoid as 1 / (1 + exp(-z) + 1e-08)": ("sigmoid", lambda z: sigmoid(z, 1e-8)),
    "softmax as e^z / (sum e^z + 1e-08)": (
        "softmax", lambda z: np.exp(z - z.max(0)) / (np.exp(z - z.max(0)).sum(0) + 1e-8)),
    "sigmoid as 1 / 1 + exp(-z), a bracket left out": ("sigmoid", lambda z: 1 / 1 + np.exp(-z)),
    "elu as alpha e^z, the 1 left out": (
        "elu", lambda z: np.where(z > 0, z, np.exp(np.minimum(z, 0)))),
    "gelu_tanh as the constant 0.7978 in place of sqrt(2 / pi)": (
        "gelu_tanh", lambda z: 0.5 * z * (1 + np.tanh(0.7978 * (z + 0.044715 * z**3)))),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_mistake_in_an_activation_has_one_name(name):
    like, g = ACTIVATIONS[name]
    assert examine_activation(lambda z: (g(z), lambda dA: dA), like).diagnosis.names == (name,)


def test_a_derivative_that_is_not_squared_has_one_name():
    verdict = examine_activation(lambda z: (np.tanh(z), lambda dA: dA / np.cosh(z)), "tanh")
    assert verdict.diagnosis.names == ("tanh: 1 / cosh(z), not squared",)


LOSSES = {
    "huber: linear part plus delta^2 / 2": lambda a, y: np.mean(
        np.where(np.abs(a - y) < 1, (a - y) ** 2 / 2, np.abs(a - y) + 0.5)),
    "huber: pseudo-Huber, smooth everywhere": lambda a, y: np.mean(np.sqrt(1 + (a - y) ** 2) - 1),
    "cross_entropy: the logarithm left out: probabilities summed": lambda a, y: (
        -np.sum(y * softmax(a)) / a.shape[1]),
    "cross_entropy: softmax over everything": lambda a, y: (
        -np.sum(y * np.log(np.exp(a) / np.exp(a).sum())) / a.shape[1]),
    "cross_entropy: the maximum is not added back to the logarithm of the sum": lambda a, y: (
        np.sum(y * (np.log(np.exp(a - a.max(0)).sum(0)) - a)) / a.shape[1]),
    "bce: minus before the first term alone": lambda a, y: (
        np.mean((1 - y) * np.log(1 - a)) - np.mean(y * np.log(a))),
    "mse: the norm of the errors": lambda a, y: np.linalg.norm(a - y),
    "mse: the variance of the errors, their mean subtracted": lambda a, y: np.var(a - y),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_a_mistake_in_a_loss_has_one_name(name):
    verdict = examine_loss(lambda a, y: (LOSSES[name](a, y), a), name.split(":")[0])
    assert verdict.diagnosis.names == (name,)


def gradients(state, X, Y, mask=1.0):
    """Return the gradients of a net of relu units and a mean squared error, with A1, D1 and the loss."""
    Z1 = state["W1"] @ X + state["b1"]
    A1 = np.maximum(Z1, 0)
    D1 = A1 * mask
    d = state["W2"] @ D1 + state["b2"] - Y
    loss, d = np.mean(d**2), 2 * d / d.size
    e = (state["W2"].T @ d) * mask * (Z1 > 0)
    g = {"W2": d @ D1.T, "b2": d.sum(axis=1, keepdims=True)}
    g |= {"W1": e @ X.T, "b1": e.sum(axis=1, keepdims=True)}
    return {"A1": A1, "D1": D1, "loss": loss}, g


def dropped(state, X, Y, lr=0.1):
    shown, g = gradients(state, X, Y, state["mask1"] / (1 - 0.5))
    return shown | {n: state[n] - lr * g[n] for n in g}


def every_fourth(state, X, Y, lr=0.1):
    k, (_, g) = state.get("count", 0) + 1, gradients(state, X, Y)
    new = {"count": k}
    for n in g:
        new[f"sum.{n}"] = g[n] / 4 + (state[f"sum.{n}"] if k % 4 != 1 else 0)
        new[n] = state[n] - lr * new[f"sum.{n}"] if k % 4 == 0 else state[n]
    return new


def too_early(state, X, Y, lr=0.1):
    k, (_, g) = state.get("count", 0), gradients(state, X, Y)
    new = {"count": k + 1}
    for n in g:
        total = g[n] / 3 + state.get(f"sum.{n}", 0)
        new[f"sum.{n}"] = 0 * total if k % 3 == 0 else total
        new[n] = state[n] - lr * total if k % 3 == 0 else state[n]
    return new


def labelled(turn):
    def step(state, X, Y, lr=0.1):
        A1 = np.tanh(state["W1"] @ X + state["b1"])
        P, Y = softmax(state["W2"] @ A1 + state["b2"]), turn(Y)
        d = (P - Y) / Y.shape[1]
        e = (state["W2"].T @ d) * (1 - A1**2)
        g = {"W2": d @ A1.T, "b2": d.sum(axis=1, keepdims=True)}
        g |= {"W1": e @ X.T, "b1": e.sum(axis=1, keepdims=True)}
        loss = -np.mean(np.sum(Y * np.log(P), axis=0))
        return {"loss": loss, "dZ2": d} | {n: state[n] - lr * g[n] for n in g}

    return step


def averaged(state, X, Y, lr=0.1):
    shown, g = gradients(state, X, Y)
    loss = 0.9 * state.get("average", 0) + 0.1 * shown["loss"]
    return {"average": loss, "loss": loss} | {n: state[n] - lr * g[n] for n in g}


STEPS = {
    "dropout is scaled as with p=0.5 where p=0.3 was asked for": (dropped, "relu mse sgd dropout=0.3"),
    "an update every 4 micro-batches where 3 were asked for": (every_fourth, "relu mse sgd accumulate=3"),
    "the update comes after the first micro-batch, and after every k more": (
        too_early, "relu mse sgd accumulate=3"),
    "Y with its classes numbered otherwise, by 1": (
        labelled(lambda Y: np.roll(Y, 1, axis=0)), "tanh cross_entropy sgd"),
    "Y of the example before": (labelled(lambda Y: np.roll(Y, 1, axis=1)), "tanh cross_entropy sgd"),
    "Y with its labels swapped": (labelled(lambda Y: 1 - Y), "tanh cross_entropy sgd"),
    "a moving average of the losses from 0 on, 0.9 of the one before": (averaged, "relu mse sgd"),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_a_mistake_in_a_step_has_one_name(name):
    step, like = STEPS[name]
    assert examine_step(step, f"two-layer {like} lr=0.1").diagnosis.names == (name,)


def clipped(state, X, Y, lr=0.1, seen=lambda n: True, used=True):
    shown, g = gradients(state, X, Y)
    norm = np.sqrt(sum((x**2).sum() for x in g.values()))
    out = {"loss": shown["loss"], "norm": norm} | {f"d{n}": x for n, x in g.items()}
    for n in ("W1", "b1", "W2", "b2"):
        out[f"g.{n}"] = g[n] * (min(1, 0.1 / (norm + 1e-6)) if seen(n) else 1)
        out[n] = state[n] - lr * (out[f"g.{n}"] if used else g[n])
    return out


def test_clipped_gradients_that_are_not_used_are_named():
    verdict = examine_step(
        lambda state, X, Y, lr=0.1: clipped(state, X, Y, lr, used=False),
        "two-layer relu mse sgd lr=0.1 clip=0.1",
    )
    assert verdict.diagnosis.names == ("dW1 in place of g.W1",)


def test_a_mistake_of_some_entries_alone_is_said_to_be():
    verdict = examine_step(
        lambda state, X, Y, lr=0.1: clipped(state, X, Y, lr, seen=lambda n: n == "W1"),
        "two-layer relu mse sgd lr=0.1 clip=0.1",
    )
    found = verdict.diagnosis.named[0]
    assert (found.variant.name, found.spared) == ("clipping left out", ("g.W1",))
    assert "it would change g.W1 too, which is right" in str(verdict)


@pytest.mark.parametrize(("kind", "what"), [("W", "biases"), ("b", "weights")])
@pytest.mark.parametrize("hidden", [(), ("norm",), ("norm", "g.W1", "g.b1", "g.W2", "g.b2")])
def test_clipping_of_some_kinds_of_parameters_alone_is_named(kind, what, hidden):
    def step(state, X, Y, lr=0.1):
        shown = clipped(state, X, Y, lr, seen=lambda n: n[0] == kind)
        return {n: x for n, x in shown.items() if n not in hidden}

    verdict = examine_step(step, "two-layer relu mse sgd lr=0.1 clip=0.1")
    assert f"the {what} are not clipped" in verdict.diagnosis.names


def test_a_forgotten_transpose_of_a_square_matrix_has_its_name():
    def step(state, X, Y, lr=0.1):
        return {"Z1": state["W1"].T @ X + state["b1"]}

    verdict = examine_step(step, "two-layer relu mse sgd lr=0.1", sizes=(4, 4, 3))
    assert verdict.diagnosis.names == ("W1 transposed",)


def test_what_another_parameter_is_made_of_is_not_suspected():
    def step(state, X, Y, lr=0.01):
        return {"W1": state["W1"] * 1.01, "b1": state["b1"], "W2": state["W2"], "b2": state["b2"]}

    sentence = examine_step(step, "two-layer relu mse adam lr=0.01").sentence
    assert "what leads to t.W1, m.W1, v.W1, which are not shown" in sentence


def decayed(kind, where):
    """Return a rule that decays the weights in one of two places, but not in the other."""

    class Rule:
        def __init__(self, lr=0.01):
            self.lr, self.m, self.v, self.t = lr, {}, {}, 0

        def step(self, p, g):
            self.t += 1
            for n in p:
                whole = g[n] + 0.1 * p[n]
                top, square = (g[n], whole**2) if where == "below" else (whole, g[n] ** 2)
                if kind == "adam":
                    self.m[n] = 0.9 * self.m.get(n, 0) + 0.1 * top
                    self.v[n] = 0.999 * self.v.get(n, 0) + 0.001 * square
                    top = self.m[n] / (1 - 0.9**self.t)
                    below = np.sqrt(self.v[n] / (1 - 0.999**self.t)) + 1e-8
                elif kind == "rmsprop":
                    self.v[n] = 0.99 * self.v.get(n, 0) + 0.01 * square
                    below = np.sqrt(self.v[n]) + 1e-8
                else:
                    self.v[n] = self.v.get(n, 0) + square
                    below = np.sqrt(self.v[n]) + 1e-10
                p[n] -= self.lr * top / below

    return Rule


DECAYED = {
    ("adam", "below"): "weight decay missing from the first moment",
    ("adam", "above"): "weight decay missing from the second moment",
    ("rmsprop", "below"): "weight decay missing from the gradient that is divided",
    ("rmsprop", "above"): "weight decay missing from the mean square",
    ("adagrad", "below"): "weight decay missing from the gradient that is divided",
    ("adagrad", "above"): "weight decay missing from the sum of squares",
}


@pytest.mark.parametrize(("kind", "where"), DECAYED)
def test_weight_decay_in_one_place_of_two_is_named(kind, where):
    verdict = examine_rule(decayed(kind, where), f"{kind} lr=0.01 weight_decay=0.1")
    assert verdict.diagnosis.names == (DECAYED[kind, where],)


RULES = [
    ("sgd", "adam"), ("rmsprop", "adam"), ("adam", "adamax"), ("adagrad", "rmsprop"),
    ("nadam", "adam"), ("radam", "adam"), ("momentum", "adagrad"), ("rprop", "sgd"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "asked"), RULES)
def test_another_rule_than_asked_for_has_its_name(made, asked):
    rule = getattr(optimizers, made)
    verdict = examine_rule(lambda p, g, slots, lr: rule(p, g, slots, lr=lr), f"{asked} lr=0.01")
    assert verdict.diagnosis.names == (f"{made} in place of {asked}",)


def own(rate=None, b1=0.9, b2=0.999, eps=1e-8):
    """Return Adam with numbers of its own, whatever it is asked for."""

    class Adam:
        def __init__(self, lr=0.01):
            self.lr, self.m, self.v, self.t = rate or lr, {}, {}, 0

        def step(self, params, grads):
            self.t += 1
            for k, g in grads.items():
                self.m[k] = b1 * self.m.get(k, 0) + (1 - b1) * g
                self.v[k] = b2 * self.v.get(k, 0) + (1 - b2) * g * g
                m, v = self.m[k] / (1 - b1**self.t), self.v[k] / (1 - b2**self.t)
                params[k] = params[k] - self.lr * m / (np.sqrt(v) + eps)

    return Adam


OWN = {
    "betas=(0.9, 0.98) where betas=(0.9, 0.999) was asked for": {"b2": 0.98},
    "betas=(0.85, 0.999) where betas=(0.9, 0.999) was asked for": {"b1": 0.85},
    "eps=3e-07 where eps=1e-08 was asked for": {"eps": 3e-7},
    "lr=0.0146 where lr=0.01 was asked for": {"rate": 0.0146},
}


@pytest.mark.parametrize("name", OWN)
def test_any_plain_number_in_place_of_an_option_is_named(name):
    verdict = examine_rule(own(**OWN[name]), "adam lr=0.01")
    assert verdict.diagnosis.names == (name,)


def test_an_undeclared_momentum_is_named():
    def rule(p, g, slots, lr):
        m = 0.85 * slots.get("m", 0.0) + g
        return p - lr * m, {"m": m}

    names = examine_rule(rule, "sgd lr=0.01").diagnosis.names
    assert names == ("momentum=0.85 where momentum=0 was asked for",)


def descended(X, state, Y, lr):
    """Return a step of a linear layer on X, which may not be the one that was given."""
    Z1 = state["W1"] @ X + state["b1"]
    dZ1 = 2 * (Z1 - Y) / Y.size
    dW1, db1 = dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True)
    shown = {"Z1": Z1, "A1": Z1, "loss": np.mean((Z1 - Y) ** 2), "dA1": dZ1, "dZ1": dZ1, "dW1": dW1}
    return shown | {"db1": db1, "W1": state["W1"] - lr * dW1, "b1": state["b1"] - lr * db1}


class Stale:
    """It steps on the batch before."""

    def train_step(self, state, X, Y, lr=0.1):
        X, self.X = getattr(self, "X", X), X
        return descended(X, state, Y, lr)


def test_a_batch_of_the_step_before_is_named():
    verdict = examine_step(Stale, "one-layer mse sgd lr=0.1")
    assert verdict.diagnosis.names == ("X of the step before",)


def test_numbers_that_went_through_text_are_named():
    def written(state, X, Y, lr=0.1):
        step = descended(X, state, Y, lr)
        return {n: np.vectorize(lambda x: float(f"{x:.6g}"))(x) for n, x in step.items()}

    verdict = examine_step(written, "one-layer mse sgd lr=0.1")
    assert verdict.diagnosis.names == ("Z1 has 6 digits: rounded where it was written as text",)
