"""A divergence is made small, and a script shows it again with NumPy and torch alone."""

import ast
import subprocess
import sys
from functools import wraps

import numpy as np
import pytest
from typer.testing import CliRunner

import manual.layers
import manual.optimizers
from compare.checking.inputs import trials
from compare.commands import app
from compare.configuration import Configuration
from compare.diagnosis import Shown
from compare.reproduction import script_beside, write

TANH = ("tanh", "identity")
NETS = {
    "plain": Configuration(("relu", "identity"), "mse", "sgd", {"lr": 0.1}),
    "nesterov, two kinds of decay": Configuration(
        TANH, "mse_per_example", "sgd",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, undecayed=("b",)),
    "momentum": Configuration(TANH, "huber(delta=0.3)", "momentum", {"lr": 0.1}),
    "adam, clipped": Configuration(
        ("gelu", "sigmoid"), "bce", "adam", {"lr": 0.1, "amsgrad": True}, clip={"norm": 0.1}),
    "adamw, by value": Configuration(
        ("elu(alpha=1.7)", "identity"), "bce_with_logits", "adamw", {"lr": 0.1}, clip={"value": 0.05}),
    "batch norm, dropout": Configuration(
        ("silu", "softplus", "identity"), "cross_entropy", "rmsprop",
        {"lr": 0.1, "centered": True, "momentum": 0.5}, batch_norm={"momentum": None}, dropout=0.3),
    "accumulated": Configuration(TANH, "l1", "adagrad", {"lr": 0.1}, accumulate=2),
    "eps inside": Configuration(TANH, "mse", "rmsprop_eps_inside", {"lr": 0.1}),
    "softmax": Configuration(
        ("leaky_relu", "softmax"), "cross_entropy_on_probabilities", "nadam", {"lr": 0.1}),
    "radam": Configuration(("gelu_tanh", "identity"), "smooth_l1", "radam", {"lr": 0.1}),
    "adamax": Configuration(("sigmoid", "identity"), "mse", "adamax", {"lr": 0.1}),
    "adadelta": Configuration(TANH, "mse", "adadelta", {"lr": 0.1}, frozen=("b1",)),
    "rprop": Configuration(TANH, "mse", "rprop", {"lr": 0.1}),
}  # fmt: skip


def second_step(c):
    """Return the second step by hand, which has state to start from."""
    sizes = (4, 3, 2) if len(c.activations) == 2 else (5, 4, 3, 2)
    t = next(iter(trials(c, sizes, m=6, steps=2, dtype="float64", seed=0)))
    state, step = t.state, c.by_hand()
    for batch in t.batches:
        start = {**state, **batch.state}
        state = step(start, batch.X, batch.Y)
        shown = Shown(state, start, batch.X, batch.Y, c.formulas())
    return shown


def difference(path, capsys, monkeypatch):
    """Run a script from another folder, and return the difference it prints."""
    monkeypatch.chdir("/")
    exec(compile(script_beside(path).read_text(), str(path), "exec"), {"__file__": str(path)})
    return float(capsys.readouterr().out.rsplit(":", 1)[1])


@pytest.mark.parametrize("name", NETS)
def test_a_script_makes_every_entry_as_the_formulas_do(name, tmp_path, capsys, monkeypatch):
    c = NETS[name]
    shown, path = second_step(c), tmp_path / "case.npz"
    unshown = {"micro", *(n for n in shown.trace if n in c.frozen or n[1:] in c.frozen)}
    if c.batch_norm is not None:  # the gradient of a bias before it is rounding alone
        unshown |= {n for n in shown.trace if n.removeprefix("d").split(".")[-1] in ("b1", "b2")}
    for origin in [n for n in shown.trace if n not in unshown]:
        write(path, shown, origin, "a headline")
        size = np.abs(shown.trace[origin]).max() + 1e-3
        assert difference(path, capsys, monkeypatch) < 1e-12 * size, origin


def off(function, factor=1.0 + 1e-6):
    @wraps(function)
    def wrong(*operands, **options):
        Z, backward = function(*operands, **options)
        return Z, lambda dZ: (backward(dZ)[0] * factor, *backward(dZ)[1:])

    return wrong


def test_a_run_that_diverges_is_made_small_and_shown_again(tmp_path, monkeypatch):
    monkeypatch.setattr(manual.layers, "linear", off(manual.layers.linear))
    path = tmp_path / "case.npz"
    told = CliRunner().invoke(app, ["run", "--hidden", "6,5", "--steps", "3", "--repro", str(path)])
    assert told.exit_code == 1, told.output
    assert f"a reproduction of it: python {script_beside(path)}" in " ".join(told.output.split())
    with np.load(path) as numbers:
        assert numbers["X"].shape in ((1, 1), (1, 2))
        assert [numbers[n].shape for n in ("W1", "W2", "W3")] == [(1, 1)] * 3
    code = script_beside(path).read_text()
    imports = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {a.name.split(".")[0] for n in imports for a in n.names}
    assert names == {"pathlib", "numpy", "torch"}
    done = subprocess.run(
        [sys.executable, path.with_suffix(".py").name], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert 0.0 < float(done.stdout.rsplit(":", 1)[1]) < 1e-4


def test_a_right_run_writes_no_reproduction(tmp_path):
    path = tmp_path / "case.npz"
    told = CliRunner().invoke(app, ["run", "--steps", "2", "--repro", str(path)])
    assert told.exit_code == 0, told.output
    assert list(tmp_path.iterdir()) == []


def test_a_reproduction_must_be_an_npz(tmp_path):
    told = CliRunner().invoke(app, ["run", "--repro", str(tmp_path / "case.txt")])
    assert told.exit_code == 2
    assert "name a file that ends in .npz" in told.output


STEP = """
import numpy as np

def train_step(state, X, Y, lr):
    W1, b1, W2, b2 = (state[n] for n in ("W1", "b1", "W2", "b2"))
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2 @ A1 + b2
    dZ2 = 2 * (Z2 - Y) / X.shape[1]
    return {"Z1": Z1, "A1": A1, "Z2": Z2, "dZ2": dZ2, "dW2": dZ2 @ A1.T}
"""
ADAM = """
import numpy as np

def adam(param, grad, slots, lr=0.001):
    t = slots.get("t", 0) + 1
    m = 0.9 * slots.get("m", 0) + 0.1 * grad
    v = 0.999 * slots.get("v", 0) + 0.001 * grad**2
    step = lr * m / (1 - 0.9**t) / np.sqrt(v / (1 - 0.999**t) + 1e-8)
    return param - step, {"t": np.array(t), "m": m, "v": v}
"""
CANDIDATES = {
    "a step": (STEP, "two-layer relu mse sgd lr=0.1", "dZ2"),
    "a rule": (ADAM, "adam", "W1"),
    "an activation": ("import numpy as np\ntanh = lambda z: (np.tanh(z), lambda d: d * (1 - z**2))",
                      "tanh", "dZ1"),
    "a loss": ("import numpy as np\ndef mse(A, Y):\n    return ((A - Y)**2).sum(), 2 * (A - Y)",
               "mse", "loss"),
}  # fmt: skip


@pytest.mark.parametrize("name", CANDIDATES)
def test_what_a_check_finds_is_shown_again(name, tmp_path, capsys, monkeypatch):
    code, like, origin = CANDIDATES[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(code)
    function = like.split()[0] if name != "a step" else "train_step"
    told = CliRunner().invoke(
        app, ["check", f"mine.py:{function}", "--like", like, "--repro", "case.npz"]
    )
    assert told.exit_code == 1, told.output
    assert f"the formula of {origin} is wrong" in told.output
    assert "a reproduction of it: python" in told.output
    assert difference(tmp_path / "case.npz", capsys, monkeypatch) > 1e-12


def test_a_reproduction_is_of_one_candidate(tmp_path):
    told = CliRunner().invoke(app, ["check", "a.py", "b.py", "--like", "adam", "--repro", "c.npz"])
    assert told.exit_code == 2
    assert "--repro is for one candidate" in told.output
