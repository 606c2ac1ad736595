"""Functions and programs in rows, of class indices and of tensors: right ones are, and wrong ones are named."""

import numpy as np
import pytest
import torch

from compare.checking.activations import examine_activation
from compare.checking.losses import examine_loss
from compare.checking.steps import examine_step

F = torch.nn.functional
RELU, TANH = (f"two-layer {g} cross_entropy sgd lr=0.1" for g in ("relu", "tanh"))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def with_backward(z):
    a = softmax(z)
    return a, lambda d: a * (d - (a * d).sum(axis=1, keepdims=True))


class Softmax:
    def forward(self, z):
        self.a = softmax(z)
        return self.a

    def backward(self, d):
        return self.a * (d - (self.a * d).sum(axis=1, keepdims=True))


def log_softmax(z):
    s = z - z.max(axis=1, keepdims=True)
    return s - np.log(np.exp(s).sum(axis=1, keepdims=True))


def one_hot(z, y):
    s = log_softmax(z)
    return -(y * s).sum(axis=1).mean(), (np.exp(s) - y) / len(z)


def of_classes(z, y):
    s, n = log_softmax(z), np.arange(len(z))
    d = np.exp(s)
    d[n, y] -= 1
    return -s[n, y].mean(), d / len(z)


def in_columns(z, y):
    loss, d = of_classes(z.T, y)
    return loss, d.T


def not_divided(z, y):
    loss, d = of_classes(z, y)
    return loss, d * len(z)


@pytest.mark.parametrize("function", [softmax, with_backward, Softmax])
def test_an_activation_in_rows_is_right_where_rows_are_asked_for(function):
    assert examine_activation(function, "softmax", layout="rows").right


def test_what_is_right_in_rows_is_wrong_in_columns_and_told():
    verdict = examine_activation(softmax, "softmax")
    assert verdict.diagnosis.names == ("softmax as softmax over the examples",)
    assert any("layout rows" in note for note in verdict.notes)
    assert not examine_activation(softmax, "softmax", layout="columns").right


def test_what_is_right_in_columns_is_wrong_in_rows():
    assert not examine_activation(lambda z: softmax(z.T).T, "softmax", layout="rows").right


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match="unknown layout 'diagonal'; there are 'columns'"):
        examine_activation(softmax, "softmax", layout="diagonal")


def test_a_loss_in_rows_is_right_where_rows_are_asked_for():
    assert examine_loss(one_hot, "cross_entropy", layout="rows").right
    assert any("layout rows" in note for note in examine_loss(one_hot, "cross_entropy").notes)


@pytest.mark.parametrize("function", [of_classes, in_columns])
def test_a_loss_may_take_class_indices(function):
    verdict = examine_loss(function, "cross_entropy")
    assert verdict.right, str(verdict)
    assert verdict.shown == ("loss", "dA1")
    assert "its targets are class indices" in verdict.notes


def test_a_wrong_loss_of_class_indices_is_named():
    assert "dA1 times m" in examine_loss(not_divided, "cross_entropy").diagnosis.names


def test_what_runs_on_no_form_of_targets_is_told_as_on_one_hot_ones():
    verdict = examine_loss(lambda z, y: z["no"], "cross_entropy")
    assert "IndexError" in verdict.error
    assert not verdict.notes


def gradients_returned(params, X, y, lr):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    h = np.maximum(X @ W1 + b1, 0)
    loss, d = of_classes(h @ W2 + b2, y)
    e = np.where(h > 0, d @ W2.T, 0)
    g = {"W1": X.T @ e, "b1": e.sum(0), "W2": h.T @ d, "b2": d.sum(0)}
    for k in params:
        params[k] -= lr * g[k]
    return loss, g


def test_gradients_under_the_names_of_parameters_that_changed_in_place_are_judged():
    verdict = examine_step(gradients_returned, RELU)
    assert verdict.right, str(verdict)
    assert {"dW1", "W1", "loss"} <= set(verdict.shown)
    assert "its targets are class indices" in verdict.notes


def by_hand(params, X, y, lr, divided=True):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    A1 = torch.tanh(X @ W1 + b1)
    s, n = F.log_softmax(A1 @ W2 + b2, 1), range(len(y))
    d = s.exp()
    d[n, y] -= 1
    d = d / len(y) if divided else d
    e = d @ W2.T * (1 - A1**2)
    g = {"W1": X.T @ e, "b1": e.sum(0), "W2": A1.T @ d, "b2": d.sum(0)}
    shown = {f"d{k}": x for k, x in g.items()} | {"Y": y, "loss": -s[n, y].mean()}
    return shown | {k: params[k] - lr * g[k] for k in g}


def by_autograd(params, X, Y, lr):
    W1, b1, W2, b2 = (params[k].requires_grad_() for k in ("W1", "b1", "W2", "b2"))
    loss = F.cross_entropy(F.linear(torch.relu(F.linear(X, W1, b1)), W2, b2), Y)
    loss.backward()
    with torch.no_grad():
        for p in (W1, b1, W2, b2):
            p -= lr * p.grad
    return {"loss": loss, "dW1": W1.grad, "db1": b1.grad, "dW2": W2.grad, "db2": b2.grad}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("step", "like"), [(by_hand, TANH), (by_autograd, RELU)])
def test_a_step_may_be_one_of_tensors(step, like, dtype):
    verdict = examine_step(step, like, dtype=dtype)
    assert verdict.right, str(verdict)
    assert {"dW1", "W1", "loss"} <= set(verdict.shown)
    assert any("it is given tensors" in note for note in verdict.notes)


def test_a_wrong_step_of_tensors_is_named():
    def undivided(params, X, y, lr):
        return by_hand(params, X, y, lr, divided=False)

    verdict = examine_step(undivided, TANH)
    assert verdict.divergence.origin == "dW2"
    assert verdict.diagnosis.names[0] == "dW2 times m"


def test_what_a_step_of_tensors_raises_is_told():
    def step(params, X, y, lr):
        F.linear(X, params["W1"], params["b1"])
        raise RuntimeError("out of paper")

    error = examine_step(step, TANH).error
    assert "with rows: RuntimeError: out of paper" in error
    assert "numpy.ndarray" not in error


def with_cache(z):
    a = softmax(z)
    return a, (a, z)


def softmax_backward(dout, cache):
    a, _ = cache
    return a * (dout - (a * dout).sum(axis=1, keepdims=True))


def test_what_is_kept_for_a_backward_is_in_rows_too():
    verdict = examine_activation((with_cache, softmax_backward), "softmax", layout="rows")
    assert verdict.right, str(verdict)
    assert verdict.shown == ("A1", "dZ1")


def test_a_function_of_arrays_in_rows_is_not_given_tensors():
    verdict = examine_loss(of_classes, "cross_entropy")
    assert "it is given one example a row" in verdict.notes
