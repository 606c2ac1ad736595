"""Programs as people have them: nested mappings, lists beside arrays, tensors with a graph, errors of their own."""

import inspect

import numpy as np
import pytest

from compare.checking import Wrong, check_activation, check_step
from compare.checking.steps import examine_step
from compare.checking.training import check_training
from compare.commands import main
from compare.verification import Batch

SGD = "two-layer relu mse sgd lr=0.1"


def made(state, X, Y):
    """Return Z1, the loss, and the gradients of a two-layer net."""
    Z1 = state["W1"] @ X + state["b1"]
    A1 = np.maximum(Z1, 0)
    d = state["W2"] @ A1 + state["b2"] - Y
    loss, d = np.mean(d**2), 2 * d / d.size
    e = (state["W2"].T @ d) * (Z1 > 0)
    g = {"W2": d @ A1.T, "b2": d.sum(axis=1, keepdims=True)}
    return Z1, loss, g | {"W1": e @ X.T, "b1": e.sum(axis=1, keepdims=True)}


def descended(state, g, lr):
    return {n: state[n] - lr * g[n] for n in g}


def grouped(state, X, Y, lr=0.1):
    _, loss, g = made(state, X, Y)
    return {"loss": loss, "grads": g, **descended(state, g, lr)}


def listed(state, X, Y, lr=0.1):
    Z1, loss, g = made(state, X, Y)
    return {"loss": loss, "history": [1, 2, Z1], **descended(state, g, lr)}


def nested(state, X, Y, lr=0.1):
    _, loss, g = made(state, X, Y)
    m = {n: 0.9 * state.get("m", {}).get(n, 0) + g[n] for n in g}
    return {"loss": loss, "m": m, **descended(state, m, lr)}


def traced(state, X, Y, lr=0.1):
    import torch
    from torch.nn.functional import linear, mse_loss, relu

    p = {n: torch.from_numpy(np.array(x)).requires_grad_() for n, x in state.items() if n in NAMES}
    A1 = relu(linear(torch.from_numpy(X), p["W1"], p["b1"]))
    loss = mse_loss(linear(A1, p["W2"], p["b2"]), torch.from_numpy(Y))
    loss.backward()
    return {"loss": loss, **{n: x.detach() - lr * x.grad for n, x in p.items()}}


NAMES = ("W1", "b1", "W2", "b2")


def test_gradients_in_a_mapping_of_their_own_are_read():
    assert {"dW1", "db2", "W1"} <= {*check_step(grouped, SGD).shown}


def test_a_state_in_a_mapping_of_its_own_is_read_and_handed_back():
    verdict = check_step(nested, "two-layer relu mse momentum momentum=0.9 lr=0.1")
    assert "m.W1" in verdict.shown


def test_what_holds_no_numbers_is_not_judged_and_kept():
    notes = check_step(listed, SGD).notes
    assert "history is not an array of numbers (list): not judged" in notes


def test_a_tensor_with_its_graph_is_read():
    assert "layout: rows" in check_step(traced, SGD).notes


def asked(monkeypatch, capfd, *words):
    monkeypatch.setattr("sys.argv", ["parity", "check", *words, "--like", SGD])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code, capfd.readouterr().out


def test_a_file_is_judged_as_its_function_is(tmp_path, monkeypatch, capfd):
    file = tmp_path / "net.py"
    source = "\n\n".join(map(inspect.getsource, (made, descended, grouped)))
    file.write_text(f"import numpy as np\n\n{source}")
    code, out = asked(monkeypatch, capfd, f"{file}:grouped")
    assert (code, out[:5]) == (0, "RIGHT"), out


def wrong_shape(name, cut):
    def step(state, X, Y, lr=0.1):
        Z1, loss, g = made(state, X, Y)
        shown = {"Z1": Z1, "loss": loss} | {f"d{n}": x for n, x in g.items()}
        return shown | {name: cut(shown[name])}

    return step


@pytest.mark.parametrize(
    ("name", "cut", "says"),
    [
        ("Z1", lambda x: x[:2], ()),
        ("Z1", lambda x: x[:, :3], ()),
        ("dW1", np.ravel, ("the numbers of dW1 in another shape: reshaped, or flattened",)),
        ("db1", np.sum, ("summed over everything, where there is one number for each unit: along axis=1, keepdims=True",)),
        ("db1", lambda x: np.repeat(x, len(x), axis=1), ("(n,) against (n, 1) broadcasts to (n, n); keep the sum over the examples (n, 1), keepdims=True",)),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_given_no_false_reason(name, cut, says):
    verdict = examine_step(wrong_shape(name, cut), SGD)
    assert verdict.divergence.origin == name
    assert verdict.diagnosis.names == says


def failing():
    return 1 / 0


class Sized:
    def __init__(self, inputs, outputs):
        self.sizes = inputs, outputs

    def train_step(self, state, X, Y):
        return {}


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (lambda state, X, Y: {"loss": state["weights1"]}, "; the state holds W1, b1, W2, b2"),
        (lambda state, X, Y: {"loss": failing()}, "ZeroDivisionError: division by zero (test_programs.py:"),
        (lambda state, X, Y: {"loss": "abc"}, "loss is not an array of numbers (str)"),
        (Sized, "Sized cannot be made: missing a required argument: 'inputs'; give its arguments defaults"),
        (lambda state, X, Y: X.T @ np.ones((2, 2)), "with columns: ValueError: matmul"),
    ],
)  # fmt: skip
def test_an_error_of_the_program_is_told_with_its_place(step, says):
    assert says in examine_step(step, SGD).error


def test_a_mistaken_tuple_is_named():
    def step(state, X, Y, lr=0.1):
        _, loss, g = made(state, X, Y)
        return loss, g

    with pytest.raises(Wrong, match="W1 is its gradient, not the parameter after the step"):
        check_step(step, SGD)


@pytest.mark.parametrize("alpha", [1.0, 1.7])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_derivative_of_elu_may_be_formed_from_its_value(alpha, dtype):
    def elu(x):
        y = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))).astype(x.dtype)
        return y, lambda g: g * np.where(y > 0, 1, y + x.dtype.type(alpha))

    for seed in range(3):
        assert check_activation(elu, f"elu(alpha={alpha})", dtype=dtype, seed=seed).right


def course(state, X, Y, lr=0.1, last=1.0):
    """Return the step of a well-known course: dZ2 = A2 - Y, and 1 / N in dW and db."""
    N = Y.size
    A1 = np.tanh(state["W1"] @ X + state["b1"])
    A2 = 1 / (1 + np.exp(-(state["W2"] @ A1 + state["b2"])))
    dZ2 = A2 - Y
    dZ1 = (state["W2"].T @ dZ2) * (1 - A1**2)
    g = {"W2": dZ2 @ A1.T / N, "b2": dZ2.sum(axis=1, keepdims=True) / N}
    g |= {"W1": dZ1 @ X.T / N * last, "b1": dZ1.sum(axis=1, keepdims=True) / N}
    shown = {"dZ2": dZ2, "dZ1": dZ1} | {f"d{n}": x for n, x in g.items()}
    return shown | descended(state, g, lr)


def test_gradients_may_be_divided_by_the_examples_in_the_end():
    like = "two-layer tanh bce sgd lr=0.1"
    notes = check_step(course, like).notes
    told = "dZ2 is m n_y times the gradient, which dW2, db2, ... are divided by"
    assert [n for n in notes if "times the gradient" in n] == [told]
    verdict = examine_step(lambda state, X, Y: course(state, X, Y, last=2.0), like)
    assert verdict.divergence.origin == "dW1"
    assert verdict.diagnosis.names == ("dW1 times 2",)
    undivided = examine_step(lambda state, X, Y: {"dZ2": course(state, X, Y)["dZ2"]}, like)
    assert undivided.divergence.origin == "dZ2"


def in_place(state, X, Y, lr=0.1, slope=0.0):
    Z1 = state["W1"] @ X + state["b1"]
    A1 = np.maximum(Z1, 0, out=Z1)
    d = 2 * (state["W2"] @ A1 + state["b2"] - Y) / Y.size
    dA1 = state["W2"].T @ d
    dZ1 = dA1
    dZ1[A1 <= 0] *= slope
    g = {"W2": d @ A1.T, "b2": d.sum(axis=1, keepdims=True)}
    g |= {"W1": dZ1 @ X.T, "b1": dZ1.sum(axis=1, keepdims=True)}
    return {"Z1": Z1, "A1": A1, "dA1": dA1, "dZ1": dZ1, **descended(state, g, lr)}


def test_an_array_that_is_written_over_is_not_judged():
    verdict = check_step(in_place, SGD)
    assert [n for n in verdict.notes if "written over" in n] == [
        "Z1 is the same array as A1, which is written over it: not judged",
        "dA1 is the same array as dZ1, which is written over it: not judged",
    ]
    wrong = examine_step(lambda state, X, Y: in_place(state, X, Y, slope=0.5), SGD)
    assert wrong.divergence.origin == "dA1"


def blown_up(state, X, Y, lr=0.1):
    """Return a softmax whose gradient is 0 / 0 where it saturates, and ReLU as NumPy has it: NaN of NaN."""
    Z1 = state["W1"] @ X + state["b1"]
    A1 = np.maximum(Z1, 0)
    Z2 = state["W2"] @ A1 + state["b2"]
    E = np.exp(Z2 - Z2.max(axis=0))
    A2 = E / E.sum(axis=0)
    d = -Y / A2 / X.shape[1]
    dZ2 = A2 * (d - (d * A2).sum(axis=0))
    dZ1 = (state["W2"].T @ dZ2) * (Z1 > 0)
    g = {"W2": dZ2 @ A1.T, "b2": dZ2.sum(axis=1, keepdims=True)}
    g |= {"W1": dZ1 @ X.T, "b1": dZ1.sum(axis=1, keepdims=True)}
    return {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2, **descended(state, g, lr)}


def test_what_follows_parameters_that_are_not_finite_is_not_judged():
    like = "two-layer relu softmax cross_entropy_on_probabilities sgd lr=0.1"
    notes = check_step(blown_up, like).notes
    assert "the parameters leave the finite numbers: what follows is not judged" in notes


def kept_in_place(state, X, Y, lr=0.1):
    _, loss, g = made(state, X, Y)
    m = state.setdefault("m", {})
    for n in g:
        m[n] = 0.9 * m.get(n, 0) + g[n]
        state[n] -= lr * m[n]
    return loss


def handed_on(state, X, Y, lr=0.1):
    _, loss, g = made(state, X, Y)
    m = {n: 0.9 * state.get("m", {}).get(n, 0) + g[n] for n in g}
    return {**state, "loss": loss, "m": m, "grads": g, **descended(state, m, lr)}


def apart(state, X, Y, lr=0.1):
    _, loss, g = made(state, X, Y)
    new = descended(state, g, lr)
    return {
        "loss": loss,
        "weights": {n: new[n] for n in ("W1", "W2")},
        "biases": {n: new[n] for n in ("b1", "b2")},
    }


@pytest.mark.parametrize("step", [kept_in_place, handed_on])
def test_a_nested_state_may_be_changed_in_place_or_handed_on(step):
    verdict = check_step(step, "two-layer relu mse momentum momentum=0.9 lr=0.1")
    assert {"m.W1", "W1"} <= {*verdict.shown}


def test_weights_and_biases_may_stand_apart():
    assert {"W1", "b1"} <= {*check_step(apart, SGD).shown}


def twice(state, X, Y, lr=0.1):
    _, loss, g = made(state, X, Y)
    return {"loss": loss, "params": {n: 0 * x for n, x in g.items()}, **descended(state, g, lr)}


def in_two(state, X, Y, lr=0.1):
    _, loss, g = made(state, X, Y)
    return {n: 0 * x for n, x in g.items()}, {"loss": loss, "params": descended(state, g, lr)}


@pytest.mark.parametrize("step", [twice, in_two])
def test_entries_of_one_name_that_differ_are_refused(step):
    assert "which is which?" in examine_step(step, SGD).error


def rows_in_place(state, X, Y, lr=0.1):
    Z1 = X @ state["W1"].T + state["b1"]
    A1 = np.maximum(Z1, 0, out=Z1)
    d = 2 * (A1 @ state["W2"].T + state["b2"] - Y) / Y.size
    e = (d @ state["W2"]) * (A1 > 0)
    g = {"W2": d.T @ A1, "b2": d.sum(axis=0), "W1": e.T @ X, "b1": e.sum(axis=0)}
    return {"Z1": Z1, "A1": A1, **descended(state, g, lr)}


def test_an_array_written_over_is_told_in_rows_and_in_a_run_too():
    told = "Z1 is the same array as A1, which is written over it: not judged"
    verdict = check_step(rows_in_place, SGD)
    assert {told, "layout: rows"} <= {*verdict.notes}
    random = np.random.default_rng(0)
    state = {"W1": random.normal(size=(4, 5)), "b1": random.normal(size=(4, 1))}
    state |= {"W2": random.normal(size=(3, 4)), "b2": random.normal(size=(3, 1))}
    batch = Batch(random.normal(size=(5, 7)), random.normal(size=(3, 7)))
    trace = in_place(state, batch.X, batch.Y, lr=0.1)
    verdict = check_training([trace], SGD, state, [batch])
    assert told in verdict.notes


def test_a_run_may_show_mappings_lists_and_tensors():
    import torch

    random = np.random.default_rng(0)
    state = {"W1": random.normal(size=(4, 5)), "b1": random.normal(size=(4, 1))}
    state |= {"W2": random.normal(size=(3, 4)), "b2": random.normal(size=(3, 1))}
    batch = Batch(random.normal(size=(5, 7)), random.normal(size=(3, 7)))
    _, loss, g = made(state, batch.X, batch.Y)
    shown = {"loss": torch.tensor(loss, requires_grad=True), "grads": g, "log": [1, [2]]}
    verdict = check_training([shown | {"params": descended(state, g, 0.1)}], SGD, state, [batch])
    assert {"loss", "dW1", "W1"} <= {*verdict.shown}


@pytest.mark.parametrize("each", [True, False])
def test_gradients_of_a_softmax_may_be_divided_in_the_end(each):
    def step(state, X, Y, lr=0.1):
        N = Y.size if each else X.shape[1]
        A1 = np.tanh(state["W1"] @ X + state["b1"])
        Z2 = state["W2"] @ A1 + state["b2"]
        E = np.exp(Z2 - Z2.max(axis=0))
        dZ2 = (E / E.sum(axis=0) - Y) * N / X.shape[1]
        dZ1 = (state["W2"].T @ dZ2) * (1 - A1**2)
        g = {"W2": dZ2 @ A1.T / N, "b2": dZ2.sum(axis=1, keepdims=True) / N}
        g |= {"W1": dZ1 @ X.T / N, "b1": dZ1.sum(axis=1, keepdims=True) / N}
        return {"dZ2": dZ2} | {f"d{n}": x for n, x in g.items()} | descended(state, g, lr)

    like = "two-layer tanh softmax cross_entropy_on_probabilities sgd lr=0.1"
    notes = [n for n in check_step(step, like).notes if "times the gradient" in n]
    assert notes == [
        f"dZ2 is {'m n_y' if each else 'm'} times the gradient, which dW2, db2, ... are divided by"
    ]


def test_gradients_of_micro_batches_may_be_divided_in_the_end():
    def step(state, X, Y, lr=0.1):
        k, (_, _, g) = state.get("count", 0) + 1, made(state, X, Y)
        d = 2 * (state["W2"] @ np.maximum(state["W1"] @ X + state["b1"], 0) + state["b2"] - Y)
        new = {"count": k, "dZ2": d} | {f"d{n}": x for n, x in g.items()}
        for n, x in g.items():
            a = x + (state[f"sum.{n}"] if k % 3 != 1 else 0)
            new |= {f"sum.{n}": a, n: state[n] - lr * a / 3 if k % 3 == 0 else state[n]}
        return new

    notes = check_step(step, f"{SGD} accumulate=3").notes
    assert "dZ2 is m n_y times the gradient, which dW2, db2, ... are divided by" in notes


def test_a_scale_that_the_rule_does_not_see_is_no_convention():
    def step(state, X, Y, lr=0.1):
        Z1 = state["W1"] @ X + state["b1"]
        d = 2 * (state["W2"] @ np.maximum(Z1, 0) + state["b2"] - Y)
        e = (state["W2"].T @ d) * (Z1 > 0)
        g = {"W2": d @ np.maximum(Z1, 0).T, "b2": d.sum(axis=1, keepdims=True)}
        g |= {"W1": e @ X.T, "b1": e.sum(axis=1, keepdims=True)}
        signs = {n: np.sign(x) for n, x in g.items()}
        return {"dZ2": d} | descended(state, signs, lr)

    verdict = examine_step(step, "two-layer relu mse adam lr=0.1")
    assert verdict.divergence.origin == "dZ2"
