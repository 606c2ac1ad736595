"""Code of somebody else's, in the manners people write it: told right, or what is wrong, or asked a question."""

import json
import subprocess
import sys
import textwrap
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from compare import check_activation, check_loss, check_rule, check_step
from compare.checking.verdict import Wrong
from compare.commands import app

LIKE = "two-layer relu mse sgd lr=0.1"


# Training steps


def forward(p, X):
    Z1 = p["W1"] @ X + p["b1"]
    return Z1, np.maximum(Z1, 0), p["W2"] @ np.maximum(Z1, 0) + p["b2"]


def gradients(p, X, Y):
    Z1, A1, Z2 = forward(p, X)
    dZ2 = 2 * (Z2 - Y) / Y.size
    dZ1 = (p["W2"].T @ dZ2) * (Z1 > 0)
    sums = {"b1": dZ1.sum(1, keepdims=True), "b2": dZ2.sum(1, keepdims=True)}
    return {"W1": dZ1 @ X.T, "W2": dZ2 @ A1.T, **sums}


def returning_everything(state, X, Y, lr):
    Z1, A1, Z2 = forward(state, X)
    g = gradients(state, X, Y)
    loss = ((Z2 - Y) ** 2).mean()
    new = {n: state[n] - lr * g[n] for n in g}
    return {"Z1": Z1, "A1": A1, "Z2": Z2, "loss": loss, **{f"d{n}": x for n, x in g.items()}, **new}


def returning_parameters(state, X, Y, lr):
    g = gradients(state, X, Y)
    return {n: state[n] - lr * g[n] for n in g}


def updating_in_place(state, X, Y, lr):
    g = gradients(state, X, Y)
    for n, x in g.items():
        state[n] -= lr * x


def returning_lists(state, X, Y, lr):
    return {n: x.tolist() for n, x in returning_everything(state, X, Y, lr).items()}


def with_flat_biases(state, X, Y, lr):
    out = returning_everything(state, X, Y, lr)
    return {n: x.ravel() if n in ("db1", "db2") else x for n, x in out.items()}


def in_rows(state, X, Y, lr):
    turned = {
        n: state[n].reshape(-1, 1) if n[0] == "b" else state[n] for n in ("W1", "b1", "W2", "b2")
    }
    out = returning_everything(turned, X.T, Y.T, lr)
    return {n: x.T if n in ("Z1", "A1", "Z2") else x for n, x in out.items()}


def by_name(params, x, y, lr):
    return returning_parameters(params, x, y, lr)


RIGHT = [
    returning_everything, returning_parameters, updating_in_place, returning_lists, with_flat_biases,
    in_rows, by_name,
]  # fmt: skip


@pytest.mark.parametrize("step", RIGHT, ids=lambda f: f.__name__)
def test_a_right_step_is_right_however_it_is_written(step):
    verdict = check_step(step, LIKE)
    assert verdict.right
    assert verdict.arrays > 50


def test_what_a_step_does_not_show_is_not_passed():
    verdict = check_step(returning_parameters, LIKE)
    assert set(verdict.hidden) >= {"Z1", "A1", "Z2", "loss", "dW1", "db2"}
    assert "not shown, so not judged" in str(verdict)


def showing_gradients(state, X, Y):
    """Return the loss and the gradients, and make no update."""
    Z2 = forward(state, X)[2]
    g = gradients(state, X, Y)
    return {"loss": ((Z2 - Y) ** 2).mean(), **{f"d{n}": x for n, x in g.items()}}


def showing_the_loss(state, X, Y):
    return ((forward(state, X)[2] - Y) ** 2).mean()


@pytest.mark.parametrize("step", [showing_gradients, showing_the_loss])
def test_a_step_that_gives_back_no_parameters_makes_no_update(step):
    verdict = check_step(step, LIKE)
    assert verdict.right
    assert set(verdict.hidden) >= {"W1", "b1", "W2", "b2"}


def leaving_out_b1(state, X, Y, lr):
    return {n: x for n, x in returning_parameters(state, X, Y, lr).items() if n != "b1"}


def leaving_b1_alone(state, X, Y, lr):
    for n, x in gradients(state, X, Y).items():
        if n != "b1":
            state[n] -= lr * x


@pytest.mark.parametrize("step", [leaving_out_b1, leaving_b1_alone])
def test_a_parameter_that_is_not_given_back_was_not_updated(step):
    with pytest.raises(Wrong, match="b1 is not updated") as caught:
        check_step(step, LIKE)
    assert caught.value.verdict.divergence.origin == "b1"


MOMENTUM = "two-layer relu mse momentum lr=0.1 momentum=0.9"
VELOCITY = {}


def with_velocity(v, state, X, Y, lr):
    new = {}
    for n, g in gradients(state, X, Y).items():
        v[n] = 0.9 * v.get(n, 0) + g
        new[n] = state[n] - lr * v[n]
    return new


def remembering(state, X, Y, lr):
    return with_velocity(VELOCITY, state, X, Y, lr)


class Trainer:
    def __init__(self, lr=0.1):
        self.lr, self.v = lr, {}

    def train_step(self, state, X, Y):
        return with_velocity(self.v, state, X, Y, self.lr)


@pytest.mark.parametrize(
    "step", [Trainer, Trainer(), Trainer().train_step], ids=["class", "object", "method"]
)
def test_an_object_that_keeps_its_velocity_is_new_in_every_trial(step):
    assert check_step(step, MOMENTUM).right


def test_a_function_that_remembers_is_not_blamed_but_told():
    with pytest.raises(ValueError, match="called twice with the same arguments it shows another"):
        check_step(remembering, MOMENTUM)


CLIPPED = "two-layer relu mse sgd lr=0.1 clip=0.1"


def clipping(coefficient):
    """Return a step whose gradients are multiplied by a coefficient of their norm."""

    def step(state, X, Y, lr):
        g = gradients(state, X, Y)
        c = coefficient(np.sqrt(sum((x**2).sum() for x in g.values())))
        return {n: state[n] - lr * c * x for n, x in g.items()}

    return step


COEFFICIENTS = {
    "always rescaled to the threshold": lambda norm: 0.1 / (norm + 1e-6),
    "always rescaled, without the 1e-6": lambda norm: 0.1 / norm,
    "the coefficient without torch's 1e-6": lambda norm: min(0.1 / norm, 1),
    "clipping left out": lambda norm: 1.0,
    "rescaled where the norm is below the threshold": lambda norm: max(0.1 / (norm + 1e-6), 1),
    "clipped to 1 where 0.1 was asked for": lambda norm: min(1 / (norm + 1e-6), 1),
}


def test_clipping_is_tried_on_both_sides_of_its_threshold():
    verdict = check_step(clipping(lambda norm: min(0.1 / (norm + 1e-6), 1)), CLIPPED)
    assert not any("threshold" in note for note in verdict.notes)


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_mistakes_of_clipping_are_told_apart_by_all_trials(name):
    """On the first trial alone, where all norms are above the threshold, three of these are the same."""
    with pytest.raises(Wrong) as caught:
        check_step(clipping(COEFFICIENTS[name]), CLIPPED)
    assert name in caught.value.verdict.diagnosis.names
    assert len(caught.value.verdict.diagnosis.names) <= 1 + name.startswith("clipped to 1")


def test_a_threshold_that_no_gradient_comes_up_to_is_told():
    def step(state, X, Y, lr):  # clipping is left out
        return updated_by_probabilities(state, X, Y, lr)

    verdict = check_step(step, "two-layer tanh bce sgd lr=0.1 clip=100")
    assert any("no gradients were found above the threshold 100" in n for n in verdict.notes)


def updated_by_probabilities(state, X, Y, lr):
    A1 = np.tanh(state["W1"] @ X + state["b1"])
    z = state["W2"] @ A1 + state["b2"]
    e = np.exp(-np.abs(z))
    dZ2 = (np.where(z >= 0, 1, e) / (1 + e) - Y) / Y.size
    dZ1 = (state["W2"].T @ dZ2) * (1 - A1**2)
    g = {
        "W1": dZ1 @ X.T,
        "b1": dZ1.sum(1, keepdims=True),
        "W2": dZ2 @ A1.T,
        "b2": dZ2.sum(1, keepdims=True),
    }
    return {n: state[n] - lr * x for n, x in g.items()}


def test_the_mean_of_accumulated_gradients_may_be_taken_late_where_dW_alone_is_shown():
    def step(state, X, Y, lr):
        k, g = state.get("count", 0) + 1, gradients(state, X, Y)
        new = {"count": k, **{f"d{n}": x for n, x in g.items()}}
        for n, x in g.items():
            a = x + (state[f"sum.{n}"] if k % 3 != 1 else 0)
            new |= {f"sum.{n}": a, n: state[n] - lr * a / 3 if k % 3 == 0 else state[n]}
        return new

    verdict = check_step(step, "two-layer relu mse sgd lr=0.1 accumulate=3")
    assert any("the mean over micro-batches is taken of the gradients" in n for n in verdict.notes)


def micro_batches(anew: bool, emptied: bool, share: float = 3.0):
    """Return a step of three micro-batches whose count starts anew after the update or goes on, its sums emptied or not."""

    def step(state, X, Y, lr):
        before, g = int(state.get("micro", 0)), gradients(state, X, Y)
        ready = before % 3 == 2
        new = {"micro": 0 if ready and anew else before + 1}
        for n, x in g.items():
            a = x / share + (state[f"a.{n}"] if before % 3 else 0)
            new |= {f"d{n}": x / share, f"a.{n}": 0 * a if ready and emptied else a}
            new[n] = state[n] - lr * a if ready else state[n]
        return new

    return step


@pytest.mark.parametrize(
    ("anew", "emptied"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_micro_batches_may_be_counted_anew_and_their_sums_emptied(anew, emptied):
    like = "two-layer relu mse sgd lr=0.1 accumulate=3"
    verdict = check_step(micro_batches(anew, emptied), like)
    assert ("micro is 0 after the update, read as 3" in verdict.notes) == anew
    assert any("emptied after the update" in n for n in verdict.notes) == emptied
    assert {"micro", "a.W1", "W1"} <= set(verdict.shown)
    with pytest.raises(Wrong, match="summed, not averaged"):
        check_step(micro_batches(anew, emptied, share=1.0), like)


def test_a_velocity_that_holds_the_learning_rate_is_told_as_it_falls():
    def step(state, X, Y, lr):
        new = {}
        for n, g in gradients(state, X, Y).items():
            v = 0.9 * state.get(f"v.{n}", 0) + lr * g
            new |= {f"v.{n}": v, n: state[n] - v}
        return new

    with pytest.raises(Wrong, match="learning rate inside the velocity") as caught:
        check_step(step, MOMENTUM)
    assert caught.value.verdict.case == "a falling learning rate"


def test_a_step_is_long_enough_for_radam_to_be_rectified():
    def step(state, X, Y, lr):
        t, new = state.get("count", 0) + 1, {"count": state.get("count", 0) + 1}
        for n, g in gradients(state, X, Y).items():
            m = 0.9 * state.get(f"mean.{n}", 0) + 0.1 * g
            new |= {f"mean.{n}": m, n: state[n] - lr * m / (1 - 0.9**t)}  # never rectified
        return new

    with pytest.raises(Wrong, match="step 5"):
        check_step(step, "two-layer relu mse radam lr=0.1")


def test_a_step_is_long_enough_for_accumulated_gradients_to_be_used():
    def step(state, X, Y, lr):
        k, new = state.get("count", 0) + 1, {"count": state.get("count", 0) + 1}
        for n, g in gradients(state, X, Y).items():
            a = g / 5 + (state[f"sum.{n}"] if k % 5 != 1 else 0)
            new |= {f"sum.{n}": a, n: state[n] + lr * a if k % 5 == 0 else state[n]}  # uphill
        return new

    with pytest.raises(Wrong, match="step 4"):
        check_step(step, "two-layer relu mse sgd lr=0.1 accumulate=5")


def test_a_file_that_remembers_is_loaded_anew(tmp_path):
    text = """
        import numpy as np
        V = {}
        def train_step(state, X, Y, lr):
            Z1 = state["W1"] @ X + state["b1"]; A1 = np.maximum(Z1, 0); Z2 = state["W2"] @ A1 + state["b2"]
            dZ2 = 2 * (Z2 - Y) / Y.size
            dZ1 = (state["W2"].T @ dZ2) * (Z1 > 0)
            sums = {"b1": dZ1.sum(1, keepdims=True), "b2": dZ2.sum(1, keepdims=True)}
            for n, g in {"W1": dZ1 @ X.T, "W2": dZ2 @ A1.T, **sums}.items():
                V[n] = 0.9 * V.get(n, 0) + g
                state[n] -= lr * V[n]
    """
    file = tmp_path / "remembering.py"
    file.write_text(textwrap.dedent(text))
    outcome = CliRunner().invoke(app, ["check", str(file), "--like", MOMENTUM])
    assert outcome.exit_code == 0, outcome.output
    assert "loaded anew for each trial" in outcome.output


def test_the_short_form_of_bce_is_right_where_only_what_follows_it_is_shown():
    def step(state, X, Y, lr):
        Z1, A1, Z2 = forward(state, X)
        e = np.exp(-np.abs(Z2))
        dZ2 = (np.where(Z2 >= 0, 1, e) / (1 + e) - Y) / Y.size
        dZ1 = (state["W2"].T @ dZ2) * (Z1 > 0)
        g = {
            "W1": dZ1 @ X.T,
            "b1": dZ1.sum(1, keepdims=True),
            "W2": dZ2 @ A1.T,
            "b2": dZ2.sum(1, keepdims=True),
        }
        return {f"d{n}": x for n, x in g.items()} | {n: state[n] - lr * x for n, x in g.items()}

    verdict = check_step(step, "two-layer relu bce sgd lr=0.1")
    assert any("the short form" in note for note in verdict.notes)


def test_a_sum_that_lost_its_axis_is_told_in_the_layout_it_ran_in():
    def step(state, X, Y, lr):
        g = gradients(state, X, Y)
        g["b1"] = g["b1"].ravel()  # keepdims forgotten: (n, 1) - (n,) is (n, n)
        return {n: state[n] - lr * g[n] for n in g}

    with pytest.raises(Wrong, match="keepdims=True") as caught:
        check_step(step, LIKE)
    assert not any("layout" in note for note in caught.value.verdict.notes)


def test_rows_are_recognised_and_said():
    assert "layout: rows" in check_step(in_rows, LIKE).notes


@pytest.mark.parametrize("step", RIGHT[:3], ids=lambda f: f.__name__)
def test_a_wrong_learning_rate_is_found_in_each(step):
    def wrong(state, X, Y, lr):
        return step(state, X, Y, lr * 2)

    with pytest.raises(Wrong, match=r"update times 2|lr=0\.2") as caught:
        check_step(wrong, LIKE)
    assert caught.value.verdict.divergence.origin == "W1"


def broken(state, X, Y, lr):
    raise RuntimeError("mine alone")


def empty(state, X, Y, lr):
    return {}


def a_number(state, X, Y, lr):
    return {"unheard of": 1.0}


@pytest.mark.parametrize(
    ("step", "sentence"),
    [(broken, "mine alone"), (empty, "nothing"), (a_number, "nothing|unheard of")],
    ids=["raises", "shows nothing", "shows what has no formula"],
)
def test_a_step_that_cannot_be_judged_is_an_error_and_never_right(step, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_step(step, LIKE)


def test_biases_may_be_spared_from_decay_and_parameters_frozen():
    def step(state, X, Y, lr):
        g = gradients(state, X, Y)
        decay = {n: 0.1 * state[n] if n[0] == "W" else 0.0 for n in g}
        return {n: state[n] - (lr * (g[n] + decay[n]) if n != "b2" else 0.0) for n in g}

    assert check_step(step, f"{LIKE} weight_decay=0.1 undecayed=b frozen=b2").right


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("undecayed=biases", "undecayed got 'biases'; write the kinds"),
        ("frozen=W", "frozen got 'W'; write the parameters"),
        ("frozen=W7", "frozen names 'W7', but the net has 2 layers"),
    ],
)
def test_parameters_that_there_are_not_are_refused(words, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_step(returning_parameters, f"{LIKE} {words}")


def test_an_assertion_of_the_candidate_is_its_error_and_not_ours():
    def step(state, X, Y, lr):
        assert X.shape[1] == 7, "only batches of 7"
        return returning_parameters(state, X, Y, lr)

    with pytest.raises(ValueError, match="AssertionError: only batches of 7"):
        check_step(step, LIKE)


# Operations and rules


class Adam:
    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.lr, self.betas, self.eps, self.t, self.m, self.v = lr, betas, eps, 0, {}, {}

    def direction(self, k, g):
        b1, b2 = self.betas
        self.m[k] = b1 * self.m.get(k, 0) + (1 - b1) * g
        self.v[k] = b2 * self.v.get(k, 0) + (1 - b2) * g * g
        vhat = self.v[k] / (1 - b2**self.t)
        return self.lr * self.m[k] / (1 - b1**self.t) / (np.sqrt(vhat) + self.eps)

    def step(self, params, grads):
        self.t += 1
        for k, g in grads.items():
            params[k] -= self.direction(k, g)


class ReturningAdam(Adam):
    def step(self, params, grads):
        self.t += 1
        return {k: params[k] - self.direction(k, g) for k, g in grads.items()}


class ListAdam(Adam):
    def step(self, params, grads):
        self.t += 1
        for k, (p, g) in enumerate(zip(params, grads, strict=True)):
            p -= self.direction(k, g)


def functional(param, grad, slots, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
    t = int(slots.get("t", 0)) + 1
    m = betas[0] * slots.get("m", 0) + (1 - betas[0]) * grad
    v = betas[1] * slots.get("v", 0) + (1 - betas[1]) * grad * grad
    step = lr * m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return param - step, {"t": np.array(t), "m": m, "v": v}


@pytest.mark.parametrize(
    "rule", [Adam, ReturningAdam, ListAdam, functional], ids=lambda r: r.__name__
)
def test_adam_is_right_however_it_is_written(rule):
    assert check_rule(rule, like="adam").right


def test_an_optimiser_that_is_handed_over_made_is_not_used_up():
    made = Adam(lr=0.01)
    assert check_rule(made, like="adam lr=0.01").right
    assert made.t == 0


def test_adam_is_not_adamw():
    with pytest.raises(Wrong, match="weight decay left out"):
        check_rule(Adam, like="adamw")


@pytest.mark.parametrize(
    "tanh",
    [
        lambda z: (np.tanh(z), lambda d: d * (1 - np.tanh(z) ** 2)),
        (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    ],
    ids=["value and backward", "f and df"],
)
def test_an_activation_is_right_as_a_pair_of_either_kind(tanh):
    assert check_activation(tanh, "tanh").right


def test_a_derivative_formed_from_the_wrong_operand_is_named():
    with pytest.raises(Wrong, match="formed from z: 1 - z"):
        check_activation((np.tanh, lambda z: 1 - z**2), "tanh")


def test_the_gradient_of_l1_is_0_where_output_and_target_are_equal():
    def loss(A, Y):
        return np.abs(A - Y).mean(), np.where(A >= Y, 1.0, -1.0) / A.size

    with pytest.raises(Wrong, match="sign 1 where a = y"):
        check_loss(loss, "l1")


def test_a_loss_is_right_with_its_gradient_and_wrong_without_its_mean():
    assert check_loss(lambda A, Y: (((A - Y) ** 2).mean(), 2 * (A - Y) / A.size), "mse").right
    with pytest.raises(Wrong, match="loss times"):
        check_loss(lambda A, Y: (((A - Y) ** 2).sum(), 2 * (A - Y)), "mse")


# The command and the fixture

GOOD = "import numpy as np\ndef tanh(z):\n    a = np.tanh(z)\n    return a, lambda d: d * (1 - a * a)\n"
FILES = {
    "good.py": GOOD,
    "wrong.py": GOOD.replace("a * a", "a"),
    "hangs.py": "import time\ndef tanh(z):\n    time.sleep(60)\n",
    "ends.py": "import os\ndef tanh(z):\n    os._exit(0)\n",
    "dies.py": "import ctypes\ndef tanh(z):\n    ctypes.string_at(0)\n",
    "syntax.py": "def tanh(z:\n",
    "lacks.py": "import no_such_module\n",
    "quits.py": "raise SystemExit(0)\n",
    "forks.py": "import os, time\ndef tanh(z):\n    os.fork()\n    time.sleep(60)\n",
    "prints.py": 'print(\'{"verdict": "right"}\')\n' + GOOD,
}
VERDICTS = {"good.py": "right", "wrong.py": "wrong", "prints.py": "right"}


def check(*arguments):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def test_one_candidate_that_crashes_hangs_or_exits_does_not_stop_the_rest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, code in FILES.items():
        (tmp_path / name).write_text(code)
    told = check(
        *FILES, "--like", "tanh", "--timeout", 20, "--junit", "out.xml", "--json", "out.json"
    )
    assert told.exit_code == 2
    assert told.output.splitlines()[-1] == "2 right, 1 wrong, 7 could not be judged"
    found = {
        o["subject"]: o["verdict"]
        for o in json.loads((tmp_path / "out.json").read_text())["outcomes"]
    }
    assert found == {name: VERDICTS.get(name, "error") for name in FILES}
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("10", "1", "7")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.py", "--like", "adam"], "there is no file none.py"),
        (["good.py:relu", "--like", "relu"], "good.py has no relu; it has tanh"),
        (["good.py", "--like", "tanhh"], "did you mean tanh?"),
        (["good.py", "--like", "adma"], "did you mean adam?"),
        (["good.py"], "say what it should be"),
        (["good.py", "--like", "two-layer relu sgd"], "names no loss"),
        (["good.py", "--like", "tanh", "--json", "/"], "cannot write"),
        (["good.py", "--like", LIKE, "--sizes", "3"], "cannot read --sizes"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_bad_input_gets_one_sentence(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.py").write_text(GOOD)
    told = check(*arguments)
    assert told.exit_code == 2
    assert sentence in told.output
    assert "Traceback" not in told.output


def test_the_plugin_is_loaded_without_torch(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        "import sys\ndef test_mine():\n    assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_mine.py"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_fixture_offers_every_check(request):
    offered = request.getfixturevalue("parity")
    names = ("activation", "loss", "rule", "step", "training")
    assert all(callable(getattr(offered, f"check_{name}")) for name in names)


class OfLists:
    """An optimiser that is made of a list of arrays, as torch's are."""

    def __init__(self, params, lr=0.01):
        self.params, self.lr, self.last = params, lr, [np.zeros_like(p) for p in params]

    def step(self, grads):
        for p, g in zip(self.params, grads, strict=True):
            p -= self.lr * g


def test_an_optimiser_may_be_made_of_a_list():
    assert check_rule(OfLists, "sgd").right


class AheadAdam(Adam):
    """Adam whose correction is one step ahead: at first its update is a constant times the right one."""

    def step(self, params, grads):
        self.t = max(self.t, 1)
        super().step(params, grads)


def test_a_rule_off_by_a_constant_factor_is_wrong_and_no_error_where_there_is_one_example():
    with pytest.raises(Wrong, match="mistake: bias correction one step late"):
        check_rule(AheadAdam, like="adam")


SGD = """
def rule(p, grad, slots, lr=1e-3, momentum=0.0, dampening=0.0, nesterov=False, weight_decay=0.0, maximize=False):
    g = -grad if maximize else grad
    g = g + weight_decay * p
    d, m = g, slots.get("m")
    if momentum:
        m = g if m is None else momentum * m + (1 - dampening) * g
        d = g + momentum * m if nesterov else m
    return p - lr * d, ({} if m is None else {"m": m})
"""
RPROP = """
def rule(p, g, slots, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0)):
    same = g * slots.get("prev", 0 * p)
    factor = np.where(same > 0, etas[1], np.where(same < 0, etas[0], 1))
    eta = np.clip(slots.get("eta", 0 * p + lr) * factor, step_sizes[0], step_sizes[1])
    g = np.where(same < 0, 0, g)
    return p - eta * np.sign(g), {"eta": eta, "prev": g}
"""
ADAGRAD = """
def rule(p, g, slots, lr=1e-2, lr_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    t, s = slots.get("t", 0) + 1, slots.get("s", initial_accumulator_value) + g**2
    return p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s) + eps), {"t": t, "s": s}
"""
TOGETHER = [  # mistakes that show only where two options meet, where lr changes, or after many steps
    ("sgd", SGD, "g = g + weight_decay * p", "g = g + weight_decay * (-p if maximize else p)",
     "the penalty is ascended as well"),
    ("sgd", SGD, "g if m is None else momentum * m + (1 - dampening) * g",
     "momentum * (0 if m is None else m) + (1 - dampening) * g", "dampening applied at the first step"),
    ("sgd", SGD, "g + momentum * m if", "g - weight_decay * p + momentum * m if", "weight decay"),
    ("rprop", RPROP, "step_sizes[0]", "0", "not clamped"),
    ("rprop", RPROP, "step_sizes[1]", "20.0", r"clamped to \[-20, 20\]"),
    ("rprop", RPROP, "etas[1]", "1.2", r"etas=\(0\.4, 1\.2\)|etas=\(0\.5, 1\.2\)"),
    ("adagrad", ADAGRAD, "initial_accumulator_value) +", "0.0) +", "initial_accumulator_value=0"),
]  # fmt: skip


def rule_of(text):
    scope = {"np": np}
    exec(text, scope)
    return scope["rule"]


@pytest.mark.parametrize(("like", "text"), [("sgd", SGD), ("rprop", RPROP), ("adagrad", ADAGRAD)])
def test_a_rule_is_right_in_all_its_options_two_at_a_time(like, text):
    assert check_rule(rule_of(text), like).right


@pytest.mark.parametrize(("like", "text", "right", "wrong", "told"), TOGETHER)
def test_a_mistake_where_options_meet_is_found_and_named(like, text, right, wrong, told):
    assert right in text
    with pytest.raises(Wrong, match=told):
        check_rule(rule_of(text.replace(right, wrong)), like)


def test_a_velocity_that_holds_the_rate_is_told_in_a_rule_that_shows_no_slots():
    def rule(p, g, slots, lr=1e-3):
        v = 0.9 * slots.get("v", 0) + lr * g
        return p - v, {"v": v}

    with pytest.raises(Wrong, match="learning rate inside the velocity") as caught:
        check_rule(rule, "momentum")
    assert "a falling learning rate" in caught.value.verdict.case


class WarmingUp(Adam):
    def step(self, params, grads):
        rate, self.lr = self.lr, self.lr * min(1, (self.t + 1) / 5)
        super().step(params, grads)
        self.lr = rate


def test_a_schedule_of_its_own_is_told_as_what_it_is():
    with pytest.raises(Wrong, match=r"a number of its own: 0\.2, 0\.4, 0\.6, 0\.8 at these steps"):
        check_rule(WarmingUp, like="adam")


def test_the_gradient_of_a_bias_before_batch_norm_may_be_exactly_0():
    """In a batch of two its sum is of a number and its opposite, but for one rounding."""

    def step(state, X, Y, lr):
        Z1 = state["W1"] @ X + state["b1"]
        mu, var = Z1.mean(1, keepdims=True), Z1.var(1, keepdims=True)
        s = np.sqrt(var + 1e-5)
        xhat = (Z1 - mu) / s
        N1 = state["gamma1"] * xhat + state["beta1"]
        A1 = np.tanh(N1)
        dZ2 = 2 * (state["W2"] @ A1 + state["b2"] - Y) / Y.size
        dA1 = state["W2"].T @ dZ2
        dN1 = dA1 * (1 - A1**2)
        d = state["gamma1"] * dN1
        dZ1 = (d - d.mean(1, keepdims=True) - xhat * (d * xhat).mean(1, keepdims=True)) / s
        g = {"W1": dZ1 @ X.T, "b1": 0.0 * state["b1"], "gamma1": (dN1 * xhat).sum(1, keepdims=True)}
        g |= {"beta1": dN1.sum(1, keepdims=True), "W2": dZ2 @ A1.T, "b2": dZ2.sum(1, keepdims=True)}
        shown = {"Z1": Z1, "mu1": mu, "var1": var, "xhat1": xhat, "N1": N1, "A1": A1, "dZ2": dZ2}
        shown |= {"dA1": dA1, "dN1": dN1, "dZ1": dZ1, **{f"d{n}": x for n, x in g.items()}}
        return shown | {n: state[n] - lr * x for n, x in g.items()}

    verdict = check_step(step, "two-layer tanh mse sgd lr=0.1 batch-norm")
    assert "db1 is 0, as it is before batch norm but for rounding" in verdict.notes


def test_NaN_is_not_explained_by_what_only_makes_other_NaN():
    def step(state, X, Y, lr):
        Z1 = state["W1"] @ X + state["b1"]
        A1 = np.exp(Z1) / (1 + np.exp(Z1))  # overflows
        dZ2 = 2 * (state["W2"] @ A1 + state["b2"] - Y) / Y.size
        dZ1 = (state["W2"].T @ dZ2) * A1 * (1 - A1)
        g = {
            "W1": dZ1 @ X.T,
            "b1": dZ1.sum(1, keepdims=True),
            "W2": dZ2 @ A1.T,
            "b2": dZ2.sum(1, keepdims=True),
        }
        return {n: state[n] - lr * x for n, x in g.items()}

    with pytest.raises(Wrong) as caught:
        check_step(step, "two-layer sigmoid mse sgd lr=0.1")
    verdict = caught.value.verdict
    assert verdict.case == "overflowing units"
    assert not any("updated" in name for name in verdict.diagnosis.names)
