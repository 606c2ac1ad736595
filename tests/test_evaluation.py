"""What a run shows besides its steps: the net in evaluation, on data of its own, and the mean loss of an epoch."""

import json
import re

import numpy as np
import pytest

import compare.evaluation
import manual.activations
import manual.losses
import manual.network
from compare.checking.training import examine_training
from compare.commands import main
from compare.configuration import Configuration
from compare.preparation import prepare
from compare.recording import About, findings, record
from compare.request import Request
from compare.verification import Batch

PLAIN = Configuration(("tanh", "identity"), "mse", "sgd", {"lr": 0.1})
NORMED = Configuration(("tanh", "identity"), "mse", "sgd", {"lr": 0.1}, batch_norm={})
DROPPED = Configuration(("tanh", "identity"), "mse", "sgd", {"lr": 0.1}, dropout=0.4)
SIZES, EPS = (8, 8, 5), 1e-5


def start(c):
    r = np.random.default_rng(0)
    state = {"W1": r.normal(size=(4, 5)), "b1": r.normal(size=(4, 1))}
    state |= {"W2": r.normal(size=(3, 4)), "b2": r.normal(size=(3, 1))}
    if c.batch_norm is not None:
        state |= {"gamma1": r.normal(size=(4, 1)), "beta1": r.normal(size=(4, 1))}
        state |= {
            "running_mean1": np.zeros((4, 1)),
            "running_var1": np.ones((4, 1)),
            "batches1": np.array(0),
        }
    return state


def batches(c):
    r = np.random.default_rng(1)
    held = {"evalX": r.normal(size=(5, 9)) + 0.5, "evalY": r.normal(size=(3, 9))}
    for k in range(6):
        m = SIZES[k % 3]
        masks = {"mask1": (r.random((4, m)) > 0.4).astype(float)} if c.dropout else {}
        ends = held if k % 3 == 2 else {}
        yield Batch(r.normal(size=(5, m)), r.normal(size=(3, m)), {}, masks | ends)


def evaluated(c, trace, start, X, Y):
    """Return what the net makes of X after the step."""
    names = [manual.activations.tanh, manual.activations.identity]
    A = manual.network.evaluate(trace, X, activations=names, batch_norm=c.batch_norm)
    return {"evalA2": A, "evalloss": manual.losses.mse(A, Y)[0]}


def weighted(losses, sizes):
    return np.average(losses, weights=sizes)


def run(c, evaluate=evaluated, mean=weighted, scale=lambda x: x):
    """Return the verdict on a run that evaluates at the end of each epoch."""
    given, at, shown, losses = list(batches(c)), start(c), [], []
    for b in given:
        before = {**at, **b.state}
        at = c.by_hand()(before, b.X, b.Y)
        losses.append(float(at["loss"]))
        entries = dict(at)
        if "evalX" in b.state:
            X = scale(b.state["evalX"])
            entries |= {"evalX": X} | evaluate(c, at, before, X, b.state["evalY"])
            entries["epochloss"] = np.asarray(mean(losses, SIZES))
            losses = []
        shown.append(entries)
    return examine_training(shown, c, start(c), given)


@pytest.mark.parametrize("c", [PLAIN, NORMED, DROPPED], ids=["plain", "batch norm", "dropout"])
def test_a_right_evaluation_is_right(c):
    verdict = run(c)
    assert verdict.right, str(verdict)
    assert {"evalA2", "evalloss", "epochloss"} <= {*verdict.shown}
    assert {"losses", "examples"}.isdisjoint(verdict.hidden)


def by_its_own(c, trace, start, X, Y, less=0):
    Z = trace["W1"] @ X + trace["b1"]
    mean = Z.mean(axis=1, keepdims=True)
    own = {"running_mean1": mean, "running_var1": Z.var(axis=1, keepdims=True, ddof=less)}
    return evaluated(c, trace | own, start, X, Y)


def halved(c, trace, start, X, Y):
    A = 0.6 * np.tanh(trace["W1"] @ X + trace["b1"])
    return {"evalA2": trace["W2"] @ A + trace["b2"]}


def with_loss(c, trace, start, X, Y, of):
    right = evaluated(c, trace, start, X, Y)
    return right | {"evalloss": of(right, trace, Y)}


def normed(Z, t, eps=EPS, root=np.sqrt, gamma=1, beta=1):
    xhat = (Z - t["running_mean1"]) / root(t["running_var1"] + eps)
    return (t["gamma1"] if gamma else 1) * xhat + (t["beta1"] if beta else 0)


def by_hand(c, trace, start, X, Y, **how):
    N = normed(trace["W1"] @ X + trace["b1"], trace, **how)
    return {"evalA2": trace["W2"] @ np.tanh(N) + trace["b2"]}


def rooted(t):
    return np.sqrt(t - EPS) + EPS


LOSSES = {
    "evalloss times 1/2": lambda r, t, Y: r["evalloss"] / 2,
    "evalloss times m of evalX times n_y": lambda r, t, Y: ((r["evalA2"] - Y) ** 2).sum(),
    "l1 in place of mse, in evaluation": lambda r, t, Y: abs(r["evalA2"] - Y).mean(),
    "the loss of the training batch": lambda r, t, Y: t["loss"],
    "evalloss times m of evalX over m": lambda r, t, Y: r["evalloss"] * 9 / 5,
    "the loss contains 0.01 * the sum of squares of the weights": lambda r, t, Y: (
        r["evalloss"] + 0.01 * sum((t[n] ** 2).sum() for n in ("W1", "W2"))),
}  # fmt: skip
NORMS = {
    "1e-05 is added outside the root": {"root": rooted},
    "divided by the variance": {"root": lambda t: t},
    "epsilon is 0.001 in evaluation": {"eps": 1e-3},
    "gamma left out": {"gamma": 0},
    "beta left out": {"beta": 0},
    "gamma and beta left out": {"gamma": 0, "beta": 0},
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_wrong_loss_in_evaluation_is_found_and_named(name):
    verdict = run(PLAIN, lambda *given: with_loss(*given, of=LOSSES[name]))
    assert verdict.divergence.origin == "evalloss"
    assert [n for n in verdict.diagnosis.names if name in n], verdict.diagnosis
    assert len(verdict.diagnosis.names) == 1


@pytest.mark.parametrize("name", NORMS)
def test_batch_norm_that_is_another_in_evaluation_is_found_and_named(name):
    verdict = run(NORMED, lambda *given: by_hand(*given, **NORMS[name]))
    assert verdict.divergence.origin == "evalA2"
    assert [n for n in verdict.diagnosis.names if name in n], verdict.diagnosis
    assert len(verdict.diagnosis.names) == 1


WRONG = {
    "in evalA2: the parameters of before the step": (
        PLAIN, lambda c, t, s, X, Y: evaluated(c, s, s, X, Y)),
    "in evalA2: batch norm by the statistics of the evaluated batch itself": (NORMED, by_its_own),
    "in evalA2: batch norm by the statistics of the evaluated batch itself, unbiased": (
        NORMED, lambda *given: by_its_own(*given, less=1)),
    "in evalA2: batch norm by the running statistics of before the step": (
        NORMED, lambda c, t, s, X, Y: evaluated(
            c, t | {n: s[n] for n in ("running_mean1", "running_var1")}, s, X, Y)),
    "in evalA2: batch norm by the statistics of the last training batch": (
        NORMED, lambda c, t, s, X, Y: evaluated(
            c, t | {"running_mean1": t["mu1"], "running_var1": t["var1"]}, s, X, Y)),
    "in evalA2: hidden units times 1 - p in evaluation": (DROPPED, halved),
}  # fmt: skip


@pytest.mark.parametrize("told", WRONG)
def test_a_wrong_evaluation_is_found_and_named(told):
    c, evaluate = WRONG[told]
    verdict = run(c, evaluate)
    entry, name = told.removeprefix("in ").split(": ", 1)
    assert verdict.divergence.origin == entry
    assert verdict.divergence.step == 2
    assert any(n.endswith(name) for n in verdict.diagnosis.names), verdict.diagnosis


MEANS = {
    "every batch counts the same, whatever its size": lambda losses, sizes: np.mean(losses),
    "the losses are summed, not averaged": lambda losses, sizes: np.sum(losses),
    "the losses are divided by the number of examples": lambda losses, sizes: (
        np.sum(losses) / sum(sizes)),
    "losses times sizes are divided by the number of batches": lambda losses, sizes: (
        np.dot(losses, sizes) / 3),
    "losses times sizes are summed, not averaged": np.dot,
    "the last batch is left out": lambda losses, sizes: weighted(losses[:2], sizes[:2]),
    "the loss of the last batch alone": lambda losses, sizes: losses[-1],
}  # fmt: skip


@pytest.mark.parametrize("name", MEANS)
def test_a_wrong_mean_of_an_epochs_losses_is_found_and_named(name):
    verdict = run(PLAIN, mean=MEANS[name])
    assert verdict.divergence.origin == "epochloss"
    assert verdict.diagnosis.names == (name,)


def recorded(path, c, evaluate=evaluated, mean=weighted, repeated=True):
    """Record a run that evaluates at the end of each epoch, always on the same examples: written once, or each time."""
    losses, held = [], None

    def step(state, X, Y):
        nonlocal losses
        at = c.by_hand()(state, X, Y)
        losses.append(float(at["loss"]))
        if len(losses) == 3:
            at |= evaluate(c, at, state, held["evalX"], held["evalY"])
            at["epochloss"] = np.asarray(mean(losses, SIZES))
            losses = []
        return at

    given = list(batches(c))
    held = {n: x for n, x in given[2].state.items() if n.startswith("eval")}
    if not repeated:
        less = {n: x for n, x in given[5].state.items() if n not in held}
        given[5] = Batch(given[5].X, given[5].Y, state=less)
    record(path, step, start(c), given, About(c, "float64", 0))
    return path


def full(c, trace, start, X, Y):
    """Return every entry of an evaluation without batch norm."""
    Z1 = trace["W1"] @ X + trace["b1"]
    A1 = np.tanh(Z1)
    A2 = trace["W2"] @ A1 + trace["b2"]
    made = {"evalZ1": Z1, "evalA1": A1, "evalZ2": A2.copy(), "evalA2": A2}
    return made | {"evalloss": manual.losses.mse(A2, Y)[0]}


@pytest.mark.parametrize("repeated", [True, False])
@pytest.mark.parametrize(
    ("c", "evaluate"), [(PLAIN, full), (NORMED, evaluated), (DROPPED, evaluated)]
)
def test_a_recording_may_show_its_evaluations(tmp_path, c, evaluate, repeated):
    found = findings(recorded(tmp_path / "run.safetensors", c, evaluate, repeated=repeated))
    assert found.code == 0, found.sentence
    assert found.entries["evalA2"].shown == found.entries["evalloss"].shown == 2
    assert found.entries["epochloss"].shown == 2
    assert not {"_losses", "epochloss"} & {*found.hidden}


@pytest.mark.parametrize("told", WRONG)
def test_a_wrong_evaluation_in_a_recording_is_found_and_named(tmp_path, told):
    c, evaluate = WRONG[told]
    found = findings(recorded(tmp_path / "run.safetensors", c, evaluate))
    assert (found.wrong.step, found.wrong.origin) == (2, "evalA2")
    assert any(n.endswith(told.split(": ", 1)[1]) for n in found.diagnosis.names)


@pytest.mark.parametrize("name", MEANS)
def test_a_wrong_mean_of_an_epoch_in_a_recording_is_found_and_named(tmp_path, name):
    found = findings(recorded(tmp_path / "run.safetensors", PLAIN, mean=MEANS[name]))
    assert (found.wrong.step, found.wrong.origin) == (2, "epochloss")
    assert found.diagnosis.names == (name,)


def test_a_later_evaluation_may_have_no_targets(tmp_path):
    random = np.random.default_rng(2)
    given = [Batch(b.X, b.Y) for b in batches(PLAIN)][:2]
    first = {"evalX": random.normal(size=(5, 9)), "evalY": random.normal(size=(3, 9))}
    given[0] = Batch(given[0].X, given[0].Y, state=first)
    given[1] = Batch(given[1].X, given[1].Y, state={"evalX": random.normal(size=(5, 4))})

    def step(state, X, Y):
        at = PLAIN.by_hand()(state, X, Y)
        x, y = state["evalX"], state.get("evalY", np.zeros((3, state["evalX"].shape[1])))
        shown = evaluated(PLAIN, at, state, x, y if y.shape[1] == x.shape[1] else y[:, :4])
        return (
            at
            | ({} if x.shape[1] == 9 else {"evalA2": shown["evalA2"]})
            | (shown if x.shape[1] == 9 else {})
        )

    record(tmp_path / "run.safetensors", step, start(PLAIN), given, About(PLAIN, "float64", 0))
    found = findings(tmp_path / "run.safetensors")
    assert (found.code, found.entries["evalA2"].shown, found.entries["evalloss"].shown) == (0, 2, 1)


def test_an_evaluation_in_a_recording_needs_what_it_is_made_of(tmp_path):
    def without(name):
        given = [
            Batch(b.X, b.Y, state={n: x for n, x in b.state.items() if n != name})
            for b in batches(PLAIN)
        ]

        def step(state, X, Y):
            at = PLAIN.by_hand()(state, X, Y)
            return at | {"evalA2": np.ones((3, 9)), "evalloss": np.ones(())}

        record(tmp_path / name, step, start(PLAIN), given[2:3], About(PLAIN, "float64", 0))
        return tmp_path / name

    with pytest.raises(ValueError, match="step/0/evalX is missing: step 0 shows 'evalY'"):
        findings(without("evalX"))
    with pytest.raises(ValueError, match="step/0/evalY is missing: step 0 shows 'evalX'"):
        findings(without("evalY"))


def test_an_evaluation_on_data_scaled_by_itself_is_told():
    verdict = run(PLAIN, scale=lambda x: (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True))  # fmt: skip
    assert verdict.divergence.origin == "evalX"
    assert "each feature is scaled otherwise" in verdict.diagnosis.names[0]


def asked(monkeypatch, capsys, *words):
    monkeypatch.setattr("sys.argv", ["parity", "run", "--steps", "3", "--batch-norm", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code, capsys.readouterr().out


def test_parity_run_holds_both_nets_in_evaluation_against_each_other(monkeypatch, capsys, tmp_path):
    assert asked(monkeypatch, capsys)[0] == 0
    right = manual.network.evaluate

    def by_the_batch(state, X, **options):
        Z = state["W1"] @ X + state["b1"]
        own = {
            "running_mean1": Z.mean(axis=1, keepdims=True),
            "running_var1": Z.var(axis=1, keepdims=True),
        }
        return right({**state, **own}, X, **options)

    monkeypatch.setattr(manual.network, "evaluate", by_the_batch)
    page, data = tmp_path / "a.html", tmp_path / "a.json"
    code, out = asked(monkeypatch, capsys, "--html", str(page), "--json", str(data))
    assert code == 1
    assert out.startswith(
        "DIVERGENCE in evaluation, every step agrees: A2 of the training examples is"
    )
    assert len(json.loads(data.read_text())["evaluation"]) == 2
    assert "DIVERGENCE" in page.read_text()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("off", [1.0, 1.0 + 1e-4])
def test_the_evaluation_of_either_side_is_judged(monkeypatch, dtype, off):
    task = prepare(
        Request(steps=1, batch_norm=True, dtype=dtype, hidden="16,16", activation="gelu")
    )
    for side in ("predict_manual", "predict_reference"):
        with monkeypatch.context() as patch:
            right = getattr(compare.evaluation, side)
            patch.setattr(compare.evaluation, side, lambda *given, f=right: f(*given) * off)
            found = list(
                compare.evaluation.unlike(task.configuration, task.dataset, task.initial())
            )
        assert bool(found) == (off > 1.0)


def test_two_nets_that_overflow_in_evaluation_do_not_differ(capsys, monkeypatch):
    words = "--optimizer sgd --lr 1e25 --dtype float32 --steps 1"
    monkeypatch.setattr("sys.argv", ["parity", "run", *words.split()])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("PARITY")


def shown(entries, given=None):
    """Return the verdict on three plain steps that show more at one of them."""
    batch = [Batch(b.X, b.Y) for b in batches(PLAIN)][:3]
    at, traces = start(PLAIN), []
    for k, b in enumerate(batch):
        at = PLAIN.by_hand()(at, b.X, b.Y)
        traces.append({**at, **entries.get(k, {})})
        if given and k in given:
            batch[k] = Batch(b.X, b.Y, state=given[k])
    return examine_training(traces, PLAIN, start(PLAIN), batch)


def test_an_evaluation_without_its_inputs_is_said_not_to_be_judged():
    given = {1: {"evalX": np.ones((5, 2)), "evalY": np.ones((3, 2))}}
    verdict = shown({2: {"evalA2": np.full((3, 2), 123.0)}}, given)
    assert verdict.right
    assert any("evalA2: not judged" in note for note in verdict.notes)


def test_names_of_a_programs_own_are_no_entries():
    verdict = shown({0: {"examples": np.asarray(8.0), "losses": np.ones(3), "epochloss": None}})
    assert verdict.right, str(verdict)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"evalX": np.ones((9, 5))}, r"evalX is \(9, 5\); expected \(5, examples\)"),
        ({"evalX": np.ones((5, 2)), "evalY": np.ones((3, 4))}, "evalX has 2 examples and evalY 4"),
    ],
)
def test_data_of_an_evaluation_that_do_not_fit_are_a_sentence(given, says):
    assert re.search(says, shown({}, {1: given}).error)
