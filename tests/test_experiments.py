"""The experiments find what is taught: gradients vanish, explode and are helped, rates have a limit, rules race."""

import json

import pytest

import manual.jacobians
from compare.commands import app
from compare.datasets import load
from compare.divergence import Divergence
from compare.experiments import folder, gradients, learning_rates, races
from compare.experiments.depth import STARTS, Setting, batch
from compare.experiments.jacobians import spectra
from compare.experiments.plots import COLOURS, look
from compare.experiments.products import product
from compare.experiments.rates import curvature, least, one_step, task
from compare.experiments.remedies import EXPLODING, VANISHING, remedies
from compare.experiments.runs import train

ACTIVATIONS = ("sigmoid", "tanh", "relu", "gelu", "elu", "softplus", "softmax", "leaky_relu")


def setting(dtype="float64", **changed):
    return Setting(batch(load("wine-sample", dtype=dtype), 24), **{
        "depth": 4, "width": 6, "steps": 10, "seed": 0, **changed,
    })  # fmt: skip


def of(s):
    return s.dataset.X_train, s.dataset.Y_train


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("start", STARTS.values())
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_first_layers_gradient_is_the_product_of_the_layers_jacobians(activation, start, dtype):
    s = setting(dtype)
    t = s.task(activation, start)
    found = product(t.initial(), *of(s), t.configuration)
    assert found.arrays == 4
    assert found.size > 0.0
    assert found.used < 1.0


@pytest.mark.parametrize("name", ["weight_gradient", "layer_jacobians", "output_jacobians"])
def test_a_fault_of_one_billionth_in_the_product_is_told(name, monkeypatch):
    right = getattr(manual.jacobians, name)

    def wrong(*operands, **options):
        out = right(*operands, **options)
        return [J * (1.0 + 1e-9) for J in out] if isinstance(out, list) else out * (1.0 + 1e-9)

    monkeypatch.setattr(manual.jacobians, name, wrong)
    s = setting(depth=2)
    t = s.task("tanh", "xavier_normal")

    def judged():
        product(t.initial(), *of(s), t.configuration)
        spectra(t.initial(), of(s)[0], t.configuration.activations)

    with pytest.raises(Divergence):
        judged()


def test_not_entries_but_singular_values_decide():
    one, ten = (gradients.tenths(setting()).largest()[0][k] for k in (9, 0))
    assert one == pytest.approx(5.0)
    assert ten == pytest.approx(5.0**10)


def test_sigmoid_vanishes_relu_explodes_and_every_remedy_helps():
    s = setting(depth=8, width=16, steps=25)
    runs = {(r.trouble, r.label): r.run for r in remedies(s, lambda text: None)}
    sick, *helped = (runs["vanishing", label] for label in VANISHING)
    assert sick.first("dW1")[0] < 1e-4 * sick.first("dW9")[0]
    for run in helped[1:]:  # Xavier alone does not save the sigmoid
        assert run.first("dW1")[0] > 1e-2 * run.first("dW9")[0]
        assert run.last("loss")[0] < 0.9 * sick.last("loss")[0]
    sick, *helped = (runs["exploding", label] for label in EXPLODING)
    assert sick.summary.blown or sick.last("loss")[0] > 1e6 * sick.first("loss")[0]
    assert all(run.summary.blown is None for run in helped)
    assert all(run.last("loss")[0] < run.first("loss")[0] for run in helped)
    assert runs["exploding", "clipped by norm 1"].first("seen")[0] == pytest.approx(1.0)


def test_the_linear_model_converges_below_its_limit_and_diverges_above():
    data = batch(load("wine-sample"), 24)
    limit, best = 2.0 / curvature(data.X_train), least(data)
    below, above = (train(task(data, (), share * limit, 400, 0)) for share in (0.98, 1.02))
    assert best <= below.last("loss")[0] < 1.05 * best
    assert above.last("loss")[0] > above.first("loss")[0]


def test_a_step_is_lost_where_it_is_less_than_half_a_spacing():
    data = batch(load("wine-sample", dtype="float32"), 24)
    steps = [one_step(task(data, (5,), 10.0**k, 1, 0)) for k in range(-12, 0)]
    assert steps[0].moved == (0.0, 0.0)
    assert steps[-1].moved == (1.0, 1.0)
    assert all(s.moved[0] == s.moved[1] == s.predicted for s in steps)


SMALL = {
    "gradients": {"depth": 2, "width": 3, "steps": 10},
    "learning-rate": {"width": 2, "steps": 10},
    "optimizers": {"width": 2, "steps": 10},
}
MODULES = {"gradients": gradients, "learning-rate": learning_rates, "optimizers": races}


def call(capsys, *words):
    """Run `parity experiment`; return its exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as end:
        app(["experiment", *map(str, words)])
    return (end.value.code, *capsys.readouterr())


@pytest.mark.parametrize("name", SMALL)
def test_an_experiment_prints_draws_and_declares_what_it_found(name, tmp_path, capsys):
    words = [w for option, value in SMALL[name].items() for w in (f"--{option}", value)]
    where = tmp_path / "found"
    code, out, err = call(capsys, name, *words, "-o", where, "--json", tmp_path / "x.json")
    assert (code, err) == (0, "")
    assert out.startswith("PARITY: manual and torch agree in ")
    found, _ = out.split("\ndata: ")  # where it lies may take more
    assert all(len(line) <= 80 for line in found.splitlines())
    assert sorted(p.name for p in where.iterdir()) == sorted(folder.names(MODULES[name].FIGURES))
    found = json.loads((where / "results.json").read_text())
    assert found == json.loads((tmp_path / "x.json").read_text())
    assert found["verdict"] == "parity"
    assert found["compared"]["runs"] >= 12


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gradient",), "unknown experiment 'gradient'; did you mean gradients?"),
        (("gradients", "--data", "wine-rde"), "did you mean 'wine-red'?"),
        (("gradients", "--dtype", "float16"), "dtype is 'float16'"),
        (("gradients", "-o", "nowhere/at/all"), "make it first"),
        (("optimizers", "--json", "nowhere/x.json"), "make it first"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(words, sentence, capsys):
    code, out, err = call(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("parity: ")
    assert err.count("\n") == 1
    assert sentence in err


def test_a_file_of_somebody_elses_is_not_replaced(tmp_path, capsys):
    (tmp_path / "race.png").write_text("mine")
    code, _, err = call(capsys, "optimizers", "-o", tmp_path)
    assert code == 2
    assert "not made by this program" in err
    assert (tmp_path / "race.png").read_text() == "mine"


def test_a_divergence_ends_the_experiment_with_code_1(monkeypatch, capsys, tmp_path):
    right = manual.jacobians.weight_gradient
    monkeypatch.setattr(
        manual.jacobians, "weight_gradient", lambda *x, **options: 1.001 * right(*x, **options)
    )
    where = tmp_path / "found"
    code, out, _ = call(capsys, "gradients", "--depth", 2, "--width", 3, "-o", where)
    assert code == 1
    assert out.startswith("DIVERGENCE")
    assert "dW1" in out
    assert not where.exists()


def test_no_two_looks_of_a_dozen_are_alike():
    assert len({look("", k) for k in range(2 * len(COLOURS))}) == 2 * len(COLOURS)
