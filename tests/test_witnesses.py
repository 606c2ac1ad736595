"""More witnesses than torch agree with manual, each by a way of its own, and each is seen to disagree."""

import json
import sys
from dataclasses import replace
from fractions import Fraction
from functools import cache, wraps

import numpy as np
import pytest
import torch

import manual.activations
import manual.layers
import manual.losses
import manual.normalization
import manual.optimizers
from compare.commands import main
from compare.configuration import Configuration
from compare.datasets import load
from compare.tasks import Task
from compare.tolerances import GRADCHECK
from compare.witnesses import WITNESSES, functions, witness
from compare.witnesses import testimony as said
from compare.witnesses.digits import certified
from compare.witnesses.gradcheck import by_hand
from compare.witnesses.network import loss
from compare.witnesses.testimony import first_step

EPS, ATOL, RTOL = GRADCHECK


@cache
def wine(task, dtype, examples=40):
    data = load("wine-sample", task=task, dtype=dtype)
    return replace(data, X_train=data.X_train[:, :examples], Y_train=data.Y_train[:, :examples])


def task_of(hidden, output, name, *, dtype="float64", widths=None, **fields):
    kinds = {"b": "binary", "c": "multiclass"}
    c = Configuration((*hidden, output), name, **{"options": {"lr": 0.05}} | fields)
    widths = widths or (5,) * len(hidden)
    return Task(c, wine(kinds.get(name[0], "regression"), dtype), widths)


LOSSES = (
    ("identity", "mse"), ("sigmoid", "mse_per_example"), ("identity", "l1"),
    ("identity", "huber(delta=0.3)"), ("identity", "smooth_l1(beta=0.5)"), ("sigmoid", "bce"),
    ("identity", "bce_with_logits"), ("identity", "cross_entropy"),
    ("softmax", "cross_entropy_on_probabilities"),
)  # fmt: skip
NETS = {
    f"{name} hidden": task_of((name,), "identity", "mse") for name in manual.activations.__all__
}
NETS |= {f"{name} of {output}": task_of(("tanh",), output, name) for output, name in LOSSES}
NETS |= {
    "no hidden layer": task_of((), "identity", "mse"),
    "three layers": task_of(("gelu", "silu"), "identity", "mse"),
    "batch norm": task_of(("tanh",), "identity", "mse", batch_norm={"eps": 1e-3}),
    "dropout": task_of(("tanh",), "identity", "mse", dropout=0.4),
    "accumulation": task_of(("relu",), "identity", "mse", accumulate=4),
    "float32": task_of(("relu",), "identity", "mse", dtype="float32"),
}


@pytest.mark.parametrize("name", ["gradcheck", "complex-step", "differences"])
@pytest.mark.parametrize("net", NETS)
def test_a_witness_of_gradients_agrees_with_manual(net, name):
    testimony = witness(name)(NETS[net])
    assert testimony.agrees, testimony
    assert {a.entry for a in testimony.answers} == {
        f"d{n}" for n in first_step(NETS[net], examples=4).gradients
    }


@pytest.mark.parametrize("net", NETS)
def test_the_loss_in_another_arithmetic_is_manuals(net):
    case = first_step(NETS[net], examples=30, dtype="float64")
    assert float(loss(case.configuration, case.state, case.batch)) == pytest.approx(
        float(case.trace["loss"]) / case.configuration.accumulate, rel=1e-12
    )


# --- gradcheck on every operation by itself, with a cotangent for every output


def clear(shape, low=0.1):
    """Return numbers that are clear of every kink."""
    x = np.random.default_rng(3).normal(size=shape)
    return x + np.copysign(low, x)


def check(operation, *operands):
    leaves = [torch.tensor(x, requires_grad=True) for x in operands]
    return torch.autograd.gradcheck(by_hand(operation), leaves, eps=EPS, atol=ATOL, rtol=RTOL)


@pytest.mark.parametrize("name", manual.activations.__all__)
def test_gradcheck_passes_every_activation(name):
    assert check(getattr(manual.activations, name), clear((3, 4)))


@pytest.mark.parametrize("name", manual.losses.__all__)
def test_gradcheck_passes_every_loss(name):
    A, Y = clear((3, 4)), np.eye(3)[:, [0, 2, 1, 1]]
    if "bce" in name or "probabilities" in name:
        A = 1.0 / (1.0 + np.exp(-A))
    assert check(lambda a: getattr(manual.losses, name)(a, Y), A)


def test_gradcheck_passes_the_linear_layer_and_batch_norm():
    W, A, b = clear((2, 3)), clear((3, 4)), clear((2, 1))

    def linear(W, b, A):
        return manual.layers.linear(W, A, b)

    def normalized(gamma, beta, Z):
        out, back = manual.normalization.batch_norm(Z, gamma, beta)
        return out["N"], back

    assert check(linear, W, b, A)
    assert check(normalized, clear((3, 1)), clear((3, 1)), A)


# --- scikit-learn, where it can express the step

STEPS = {
    "sgd": ("sgd", {"lr": 0.1}),
    "momentum": ("sgd", {"lr": 0.1, "momentum": 0.9}),
    "nesterov": ("sgd", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "decayed": ("sgd", {"lr": 0.1, "weight_decay": 0.2}),
    "adam": ("adam", {"lr": 0.01}),
    "adam of a large epsilon": ("adam", {"lr": 0.01, "eps": 0.1}),
    "adam of short memories": ("adam", {"lr": 0.01, "betas": (0.5, 0.8), "eps": 1e-3}),
    "adam decayed": ("adam", {"lr": 0.01, "weight_decay": 0.1}),
}
TRIED = (
    ("identity", "mse"), ("identity", "mse_per_example"), ("sigmoid", "bce"),
    ("identity", "bce_with_logits"), ("identity", "cross_entropy"),
    ("softmax", "cross_entropy_on_probabilities"),
)  # fmt: skip


@pytest.mark.parametrize("pair", TRIED, ids=" of ".join)
@pytest.mark.parametrize("words", STEPS)
def test_scikit_learns_step_is_manuals_once_its_conventions_are_translated(words, pair):
    rule, options = STEPS[words]
    for hidden in (("relu",), ("tanh", "tanh"), ("sigmoid",)):
        task = task_of(hidden, *pair, optimizer=rule, options=options, undecayed=("b",))
        testimony = witness("sklearn")(task)
        assert testimony.agrees, testimony
        assert "W1" in {a.entry for a in testimony.answers}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_scikit_learn_agrees_in_either_type(dtype):
    assert witness("sklearn")(task_of(("relu",), "identity", "mse", dtype=dtype)).agrees


REFUSED = {
    "another activation": (task_of(("gelu",), "identity", "mse"), "the activation gelu"),
    "mixed activations": (task_of(("relu", "tanh"), "identity", "mse"), "different activations"),
    "another output": (task_of(("relu",), "tanh", "mse"), "mse of tanh"),
    "another rule": (task_of(("relu",), "identity", "mse", optimizer="rmsprop"), "the rule rmsprop"),
    "amsgrad": (
        task_of(("relu",), "identity", "mse", optimizer="adam", options={"amsgrad": True}), "adam's amsgrad"
    ),
    "batch norm": (task_of(("relu",), "identity", "mse", batch_norm={}), "batch norm"),
    "decayed biases": (
        task_of(("relu",), "identity", "mse", options={"weight_decay": 0.1}), "weight decay of biases"
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", REFUSED)
def test_what_scikit_learn_cannot_express_is_refused_in_one_sentence(words):
    task, reason = REFUSED[words]
    with pytest.raises(ValueError, match=f"scikit-learn cannot express .*{reason}") as caught:
        witness("sklearn")(task)
    assert "\n" not in str(caught.value)


# --- digits


def test_manual_has_the_correct_digits_that_torch_has():
    task = task_of(("tanh",), "identity", "mse", widths=(3,))
    testimony = witness("digits")(task)
    assert testimony.agrees
    assert set(testimony.table["W1"]) == {"manual", "torch", "scikit-learn"}
    assert all(row["manual"] > 12.0 for row in testimony.table.values())
    narrow = witness("digits")(task_of(("tanh",), "identity", "mse", widths=(3,), dtype="float32"))
    assert 4.0 < min(row["manual"] for row in narrow.table.values()) < 7.3


def test_the_certified_values_are_the_rational_ones():
    task = task_of((), "identity", "mse")
    case = first_step(task, examples=3)
    W, b, X, Y = (
        [[Fraction(float(v)) for v in row] for row in x]
        for x in (case.state["W1"], case.state["b1"], case.batch.X, case.batch.Y)
    )
    r = [sum(w * X[k][i] for k, w in enumerate(W[0])) + b[0][0] - Y[0][i] for i in range(3)]
    right = certified(case)
    L = sum(x * x for x in r) / 3
    db = 2 * sum(r) / 3
    for found, exact in ((right["loss"][()], L), (right["db1"][0, 0], db)):
        assert abs(found - found.context.mpf(exact.numerator) / exact.denominator) < 1e-50


def test_a_wide_net_is_refused_by_the_digits():
    with pytest.raises(ValueError, match="wants a small net: 781 parameters, at most 300"):
        witness("digits")(task_of(("tanh",), "identity", "mse", widths=(60,)))


# --- seen to fail


def bent(monkeypatch, module, name, by):
    right = getattr(module, name)

    @wraps(right)
    def wrong(*operands, **options):
        value, back = right(*operands, **options)
        return value, lambda d: back(d) * (1.0 + by)

    monkeypatch.setattr(module, name, wrong)


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("gradcheck", 1e-3),
        ("complex-step", 1e-10),
        ("differences", 1e-6),
        ("sklearn", 1e-9),
        ("digits", 1e-9),
    ],
)
def test_a_wrong_backward_makes_the_witness_disagree(monkeypatch, name, by):
    task = task_of(("tanh",), "identity", "mse")
    assert witness(name)(task).agrees
    bent(monkeypatch, manual.activations, "tanh", by)
    testimony = witness(name)(task)
    assert not testimony.agrees
    assert "DISAGREES with manual in" in testimony.sentence


def test_epsilon_inside_the_root_makes_scikit_learn_disagree(monkeypatch):
    def adam(p, g, slots, *, lr, eps=1e-8, **options):
        m, v = (1 - 0.9) * g, (1 - 0.999) * g * g
        p = p - lr * (m / (1 - 0.9)) / np.sqrt(v / (1 - 0.999) + eps)
        return p, {"t": np.asarray(1), "m": m, "v": v}

    monkeypatch.setattr(manual.optimizers, "adam", adam)
    assert not witness("sklearn")(task_of(("tanh",), "identity", "mse", optimizer="adam")).agrees


def test_a_witness_that_was_asked_nothing_does_not_agree():
    assert not said.Testimony("nobody", ()).agrees


def test_no_function_is_without_its_twin_in_other_arithmetic():
    for name in (*manual.activations.__all__, *manual.losses.__all__):
        assert callable(getattr(functions, name))


# --- on the command line


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["parity", "run", "--steps", "2", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_each_witness_can_be_asked_for_on_the_command_line(monkeypatch, capsys, tmp_path):
    asked = [x for name in WITNESSES for x in ("--witness", name)]
    assert run(monkeypatch, *asked, "--json", str(tmp_path / "run.json")) == 0
    out = capsys.readouterr().out
    assert all(f"{who} agrees" in out for who in ("gradcheck", "complex step", "scikit-learn"))
    assert "correct digits  manual  torch  scikit-learn" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    told = json.loads((tmp_path / "run.json").read_text())
    assert [w["agrees"] for w in told["witnesses"]] == [True] * len(WITNESSES)
    assert "--witness gradcheck" in told["command"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--witness", "nobody"), "unknown witness 'nobody'"),
        (("--witness", "sklearn", "--batch-norm"), "scikit-learn cannot express batch norm"),
        (("--witness", "digits", "--hidden", "99"), "wants a small net"),
    ],
)
def test_a_witness_that_cannot_be_asked_is_refused_before_the_run(
    monkeypatch, capsys, arguments, told
):
    assert run(monkeypatch, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


def test_a_witness_that_disagrees_makes_the_run_a_divergence(monkeypatch, capsys):
    from compare.witnesses import complex_step

    monkeypatch.setattr(complex_step, "COMPLEX_STEP", -1.0)
    assert run(monkeypatch, "--witness", "complex-step") == 1
    assert capsys.readouterr().out.startswith(
        "DIVERGENCE: complex step DISAGREES with manual in dW"
    )


@pytest.mark.parametrize("name", ["complex-step", "sklearn"])
def test_gradients_that_cancel_are_no_disagreement(monkeypatch, capsys, name):
    words = ("--steps", "1", "--init", "zeros", "--witness", name)
    monkeypatch.setattr(sys, "argv", ["parity", "run", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, capsys.readouterr().err) == (0, "")


def test_a_witness_that_says_nan_does_not_agree():
    mine = np.ones((2, 2))
    assert np.isnan(said.apart(mine, {(0, 0): 1.0, (1, 1): np.nan, (0, 1): 1.0}))
    assert not said.Answer("dW1", np.nan, 1e-9, 3).agrees
