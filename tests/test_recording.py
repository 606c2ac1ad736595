"""Recorded runs: written as they go by, read without trust, verified formula by formula, step by step."""

import inspect
import io
import json
import os
import tracemalloc
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from compare.commands.check import check_recordings
from compare.commands.run import run
from compare.configuration import Configuration
from compare.recording import (
    About,
    Recording,
    findings,
    record,
    scene,
    verify_recording,
)
from compare.recording.container import LIMIT
from compare.recording.verification import verify_step
from compare.selftest.cases import case
from compare.verification import Batch

ADAM = Configuration(optimizer="adam", options={"lr": 0.01, "betas": (0.9, 0.99)})
CONFIGURATIONS = {
    "adam": ADAM,
    "one layer, sgd": Configuration(activations=("sigmoid",), loss="bce", options={"lr": 0.5}),
    "nesterov, clipped": Configuration(
        options={"lr": 0.1, "momentum": 0.9, "nesterov": True}, clip={"norm": 0.5}
    ),
    "batch norm, dropout": Configuration(
        activations=("tanh", "silu", "identity"),
        optimizer="nadam",
        options={"lr": 0.01},
        batch_norm={"momentum": None},
        dropout=0.3,
    ),
    "accumulated": replace(ADAM, accumulate=2, clip={"value": 0.1}),
    "frozen, undecayed": Configuration(
        optimizer="adamw", options={"lr": 0.1}, undecayed=("b",), frozen=("W1",)
    ),
    "named with options": replace(
        ADAM, activations=("leaky_relu(negative_slope=0.2)", "identity"), loss="huber(delta=0.3)"
    ),
}


def start(c, dtype="float64", sizes=(4, 3, 2, 1)):
    random = np.random.default_rng(0)
    sizes = (*sizes[: len(c.activations)], sizes[-1])
    state = {}
    for l, (k, n) in enumerate(pairwise(sizes), 1):
        state[f"W{l}"] = random.normal(size=(n, k)).astype(dtype)
        state[f"b{l}"] = random.normal(size=(n, 1)).astype(dtype)
        if c.batch_norm is not None and l < len(c.activations):
            state |= {f"gamma{l}": np.ones((n, 1), dtype), f"beta{l}": np.zeros((n, 1), dtype)}
            state |= {f"running_mean{l}": np.zeros((n, 1), dtype), f"batches{l}": np.array(0)}
            state[f"running_var{l}"] = np.ones((n, 1), dtype)
    return state


def batches(c, state, count=4, m=5):
    random = np.random.default_rng(1)
    out, dtype, hidden = [], state["W1"].dtype, range(1, len(c.activations))
    for k in range(count):
        X = random.normal(size=(state["W1"].shape[1], m + k % 2)).astype(dtype)
        Y = (random.random((1, X.shape[1])) < 0.5).astype(dtype)
        masks = {
            f"mask{l}": (random.random((len(state[f"W{l}"]), X.shape[1])) > c.dropout).astype(dtype)
            for l in hidden
            if c.dropout
        }
        out.append(Batch(X, Y, {"lr": 0.1 / (k + 1)}, masks))
    return out


def recorded(path, c=ADAM, step=None, dtype="float64", **options):
    state = start(c, dtype)
    record(path, step or c.by_hand(), state, batches(c, state, **options), About(c, dtype, 0))
    return path


def taken_apart(path):
    """Return the header of a safetensors file as a dict, and its data."""
    raw = path.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    return json.loads(raw[8:end]), bytearray(raw[end:])


def put_together(path, header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(data))
    return path


def without(header, data, *names):
    """Leave tensors out of a file taken apart."""
    fields, kept = {"__metadata__": header["__metadata__"]}, bytearray()
    for name, facts in header.items():
        if name not in (*names, "__metadata__"):
            first, last = facts["data_offsets"]
            fields[name] = facts | {"data_offsets": [len(kept), len(kept) + last - first]}
            kept += data[first:last]
    fields["__metadata__"].pop("names", None)
    return fields, kept


def entry(header, data, name):
    """Return a tensor of a file taken apart, as a view."""
    facts = header[name]
    types = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}
    first, last = facts["data_offsets"]
    return np.frombuffer(memoryview(data)[first:last], types[facts["dtype"]]).reshape(
        facts["shape"]
    )


# Written and read back


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_right_run_by_either_side_is_verified_to_be_right(name, dtype, tmp_path):
    c = CONFIGURATIONS[name]
    for side, step in (("manual", c.by_hand()), ("torch", c.by_torch())):
        found = findings(recorded(tmp_path / side, c, step, dtype))
        assert found.wrong is None, found.wrong
        assert (found.steps, found.hidden, found.code) == (4, {}, 0)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_what_is_read_is_what_was_written(name, tmp_path):
    c = CONFIGURATIONS[name]
    recording = Recording(recorded(tmp_path / "run", c))
    assert recording.configuration == c
    state, given_batches = start(c), batches(c, start(c))
    for name, x in recording.initial().items():
        assert x.tobytes() == state[name].tobytes()
    for k, batch in enumerate(given_batches):
        read = recording.batch(k)
        assert dict(read.options) == dict(batch.options)
        assert read.X.tobytes() == batch.X.tobytes()
        trace = c.by_hand()({**state, **batch.state}, batch.X, batch.Y, **batch.options)
        assert recording.trace(k).keys() == trace.keys()
        for name, x in recording.trace(k).items():
            assert (x.shape, x.dtype, x.tobytes()) == (
                trace[name].shape,
                trace[name].dtype,
                trace[name].tobytes(),
            )
        state = trace


def test_a_batch_that_stays_the_same_is_written_once(tmp_path):
    state = start(ADAM)
    (batch,) = batches(ADAM, state, count=1)
    record(tmp_path / "run", ADAM.by_hand(), state, [batch] * 3, About(ADAM, "float64", 0))
    header, _ = taken_apart(tmp_path / "run")
    assert [n for n in header if n.endswith(("/X", "/Y"))] == ["step/0/X", "step/0/Y"]
    assert findings(tmp_path / "run").steps == 3


def test_nothing_is_overwritten_unless_forced(tmp_path):
    path = tmp_path / "run"
    path.write_text("mine")
    with pytest.raises(ValueError, match="exists; name another file, or overwrite it with --force"):
        recorded(path)
    assert path.read_text() == "mine"
    state = start(ADAM)
    record(path, ADAM.by_hand(), state, batches(ADAM, state), About(ADAM, "float64", 0), force=True)
    assert findings(path).code == 0


def test_a_run_that_fails_midway_leaves_nothing_behind(tmp_path):
    def fails(state, X, Y, **options):
        if "m.W1" in state:
            raise KeyboardInterrupt
        return ADAM.by_hand()(state, X, Y, **options)

    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "run", step=fails)
    assert list(tmp_path.iterdir()) == []


def test_what_a_recording_cannot_hold_is_refused(tmp_path, monkeypatch):
    with pytest.raises(
        ValueError, match="Z1 is complex128; a recording holds float64, float32, int64"
    ):
        recorded(tmp_path / "run", step=lambda *_, **__: {"Z1": np.zeros(2, complex)})
    with pytest.raises(ValueError, match="nothing was recorded: there was no batch"):
        recorded(tmp_path / "run", count=0)
    with pytest.raises(ValueError, match="name a file in a folder that exists"):
        recorded(tmp_path / "none" / "run")
    monkeypatch.setattr("compare.recording.writing.LIMIT", 2**20 + 5000)
    with pytest.raises(ValueError, match="73 tensors need a header of over"):
        recorded(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_neither_writing_nor_verifying_holds_the_run_in_memory(tmp_path):
    c = Configuration(options={"lr": 0.01})
    state = start(c, sizes=(40, 40, 1))
    steps = 30

    def made():
        random = np.random.default_rng(0)
        for _ in range(steps):
            yield Batch(random.normal(size=(40, 1000)), random.normal(size=(1, 1000)))

    recorded(tmp_path / "warm")
    findings(tmp_path / "warm")  # what torch imports at its first step is not the run's
    tracemalloc.start()
    try:
        record(tmp_path / "run", c.by_hand(), state, made(), About(c, "float64", 0))
        _, writing = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        assert findings(tmp_path / "run").steps == steps
        _, verifying = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    size = (tmp_path / "run").stat().st_size
    step = size / steps
    assert writing < 12 * step
    assert verifying < 12 * step


# Verified


def perturbed(path, name, by=None):
    """Change the last number of one tensor a little, a count by one."""
    header, data = taken_apart(path)
    x = entry(header, data, name)
    little = {"i": 1, "f": 1e-9 if x.itemsize == 8 else 1e-3}[x.dtype.kind]
    x.flat[-1] += little if by is None else by
    return put_together(path, header, data)


@pytest.mark.parametrize(
    "name", ["adam", "batch norm, dropout", "nesterov, clipped", "accumulated"]
)
def test_every_entry_that_is_changed_is_found(name, tmp_path):
    c = CONFIGURATIONS[name]
    recorded(tmp_path / "run", c)
    whole = (tmp_path / "run").read_bytes()
    for changed in Recording(tmp_path / "run").trace(2):
        (tmp_path / "run").write_bytes(whole)
        wrong = findings(perturbed(tmp_path / "run", f"step/2/{changed}")).wrong
        assert (wrong.origin, wrong.step) == (changed, 2)


def test_each_step_is_verified_by_itself(tmp_path):
    recording = Recording(perturbed(recorded(tmp_path / "run"), "step/1/W1"))
    assert recording.alone
    assert [verify_step(recording, k, {})[0].wrong is None for k in (3, 2, 1, 0)] == [
        True,
        False,
        False,
        True,
    ]


def test_in_parallel_the_same_is_found(tmp_path):
    path = recorded(tmp_path / "run", count=9)
    one, two = (findings(path, jobs=jobs) for jobs in (1, 2))
    assert one.declared() == two.declared()
    perturbed(path, "step/7/dW2")
    one, two = (findings(path, jobs=jobs) for jobs in (1, 2))
    assert one.declared() == two.declared()
    assert two.wrong.step == 7


def test_the_steps_up_to_a_wrong_one_go_to_the_diagnosis(tmp_path):
    path = perturbed(recorded(tmp_path / "run", count=6), "step/5/dW2")
    wrong = findings(path).wrong
    given_to = scene(path, wrong)
    assert (given_to.origin, len(given_to.steps)) == ("dW2", 4)
    np.testing.assert_array_equal(given_to.last.state["W1"], Recording(path).trace(4)["W1"])
    assert given_to.last.formulas.hyperparameters["lr"] == 0.1 / 6


def test_where_state_is_not_shown_the_diagnosis_gets_every_step(tmp_path):
    path = perturbed(recorded(tmp_path / "run", count=6), "step/5/W2")
    put_together(path, *without(*taken_apart(path), "step/2/m.W1"))
    assert len(scene(path, findings(path).wrong).steps) == 6


def test_a_run_that_blows_up_as_torchs_does_is_right_until_then(tmp_path):
    c = Configuration(options={"lr": 1e200})
    state = start(c)
    given_batches = [replace(b, options={}) for b in batches(c, state)]
    record(tmp_path / "run", c.by_hand(), state, given_batches, About(c, "float64", 0))
    found = findings(tmp_path / "run")
    assert (found.wrong, found.code) == (None, 0)
    assert found.blown == (1, "Z2")
    assert "until it blew up as torch does: step 1, first in Z2" in found.sentence


def test_a_run_that_blows_up_alone_is_wrong(tmp_path):
    path = perturbed(recorded(tmp_path / "run"), "step/1/A1", np.nan)
    assert (findings(path).wrong.origin, findings(path).blown) == ("A1", None)


# What is not shown


HIDDEN = {
    "the intermediates": ["Z1", "A1", "dA2", "dZ1"],
    "the slots": ["m.W1", "v.W1", "t.W1", "m.b2"],
    "the weights": ["W1", "b1", "W2", "b2"],
    "all but loss and weights": None,
}


@pytest.mark.parametrize("which", HIDDEN)
def test_what_is_not_shown_is_said_and_never_passed(which, tmp_path):
    path = recorded(tmp_path / "run")
    shown = ("loss", "W1", "b1", "W2", "b2", "X", "Y")
    names = HIDDEN[which] or [n for n in Recording(path).trace(0) if n not in shown]
    gone = [f"step/{k}/{n}" for k in range(4) for n in names]
    put_together(path, *without(*taken_apart(path), *gone))
    found = findings(path)
    assert found.wrong is None, found.wrong
    assert found.hidden == dict.fromkeys(names, 4) | {n: 4 for n in found.hidden if n in names}
    assert not found.entries.keys() & {*names}
    assert "not shown, so not passed" in report(path)[1]


@pytest.mark.parametrize("which", HIDDEN)
def test_a_mistake_is_found_through_what_is_not_shown(which, tmp_path):
    def epsilon_inside(state, X, Y, **options):
        trace = ADAM.by_hand()(state, X, Y, **options)
        t, m, v = (trace[f"{s}.b2"] for s in "tmv")
        m, v = m / (1 - 0.9**t), v / (1 - 0.99**t)
        trace["b2"] = state["b2"] - options["lr"] * m / np.sqrt(v + 1e-8)
        return trace

    path = recorded(tmp_path / "run", step=epsilon_inside)
    shown = ("loss", "W1", "b1", "W2", "b2", "X", "Y")
    names = HIDDEN[which] or [n for n in Recording(path).trace(0) if n not in shown]
    gone = [f"step/{k}/{n}" for k in range(4) for n in names]
    put_together(path, *without(*taken_apart(path), *gone))
    wrong = findings(path).wrong
    expected = (1, "Z2") if "b2" in names else (0, "b2")
    assert (wrong.step, wrong.origin) == expected


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), keep=st.sampled_from([0.1, 0.5, 0.9]))
def test_no_right_run_is_called_wrong_whatever_it_shows(seed, keep, tmp_path_factory):
    random = np.random.default_rng(seed)
    dtype = ("float64", "float32")[seed % 2]
    made = case(random, dtype)
    c, path = made.configuration, tmp_path_factory.mktemp("runs") / "run"
    record(path, c.by_torch(), made.state, made.batches, About(c, dtype, 0))
    header, data = taken_apart(path)
    entries = [
        n for n in header if n.startswith("step/") and n.split("/")[2] in Recording(path).trace(0)
    ]
    gone = [n for n in entries if random.random() > keep and not n.endswith("/loss")]
    put_together(path, *without(header, data, *gone))
    if not np.isfinite(Recording(path).trace(0)["loss"]):
        return  # it overflowed at once, and there may be nothing to compare
    found = findings(path)
    assert found.wrong is None, found.wrong


# Reports and exit codes


def report(*paths):
    """Return the exit code of `parity check` on recordings, and what it prints."""
    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        code = check_recordings([str(path) for path in paths], None, 1)
    return code, told.getvalue()


def test_the_exit_code_and_the_report_say_what_was_found(tmp_path):
    path = recorded(tmp_path / "run")
    code, text = report(path)
    assert code == 0
    assert text.startswith(
        "PARITY: all that run shows agrees with formula and torch in 4 steps, 116"
    )
    assert all(len(line) <= 80 for line in text.splitlines()[1:])
    code, text = report(perturbed(path, "step/1/dZ2"))
    assert code == 1
    assert text.startswith("DIVERGENCE at step 1: the formula of dZ2 is wrong in run")
    assert "unexplained: no known mistake gives these numbers" in text
    code, text = report(tmp_path / "none", path)
    assert code == 2
    assert text.startswith(f"parity: {tmp_path / 'none'}: No such file or directory\nDIVERGENCE")


def test_a_mistake_in_a_recording_is_named(tmp_path):
    header, data = taken_apart(recorded(tmp_path / "run"))
    for step in range(4):
        entry(header, data, f"step/{step}/dW1")[:] *= 2.0
    code, text = report(put_together(tmp_path / "run", header, data))
    assert code == 1
    assert "mistake: dW1 times 2" in text


def test_the_findings_are_plain_data(tmp_path):
    found = findings(recorded(tmp_path / "run")).declared()
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(found, allow_nan=False))
    assert found["verdict"] == "parity"


# The command


def invoke(*arguments):
    import typer

    from compare.commands.record import record as command

    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_command_takes_the_options_of_a_run():
    from compare.commands.record import record as command

    mine, theirs = (inspect.signature(f).parameters for f in (command, run))
    assert mine.keys() - theirs.keys() == {"out", "by", "force"}
    of_the_report = {
        "free",
        "json",
        "csv",
        "html",
        "repro",
        "device",
        "precision",
        "witness",
        "level",
    }
    assert theirs.keys() - mine.keys() == of_the_report
    assert all(mine[n].default == theirs[n].default for n in mine.keys() & theirs.keys())


@pytest.mark.parametrize("by", ["manual", "torch"])
def test_the_command_records_a_run_that_verifies(by, tmp_path):
    path = tmp_path / "run.safetensors"
    told = invoke("-o", path, "--by", by, "--steps", 6, "--batch-size", 100, "--dropout", 0.2,
                  "--schedule", "exponential(gamma=0.9)", "--set", "amsgrad=true")  # fmt: skip
    assert told.exit_code == 0, told.output
    assert told.output.startswith(f"recorded 6 steps of {by}: ")
    recording = Recording(path)
    assert recording.about.seed == 0
    assert recording.about.data == "wine-sample (synthetic)"
    assert recording.batch(2).options["lr"] == pytest.approx(0.0081)
    assert findings(path).code == 0


def test_the_command_follows_a_schedule_that_looks_at_the_losses(tmp_path):
    path = tmp_path / "run.safetensors"
    told = invoke(
        "-o", path, "--steps", 40, "--lr", 1.0, "--schedule", "reduce_on_plateau(patience=0)"
    )
    assert told.exit_code == 0, told.output
    assert Recording(path).batch(39).options["lr"] < 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--by", "hand"], "choose manual or torch"),
        (["--optimizer", "adan"], "unknown optimizer"),
        (["--steps", "2"], "exists; name another file"),
        (["-o", "run.bin"], "name a file that ends in .safetensors"),
    ],
)
def test_the_command_refuses_bad_input_in_one_sentence(options, message, tmp_path):
    path = tmp_path / "run.safetensors"
    path.write_text("mine")
    told = invoke("-o", path, *options)
    assert (told.exit_code, path.read_text()) == (2, "mine")
    assert message in told.output
    assert told.output.count("\n") == 1


# Refused


def changed_metadata(**values):
    def change(header):
        about = header["__metadata__"]
        for name, value in values.items():
            if value is None:
                del about[name]
            else:
                about[name] = value

    return change


def changed_configuration(**values):
    def change(header):
        about = header["__metadata__"]
        configuration = json.loads(about["configuration"])
        for name, value in values.items():
            if value is ...:
                del configuration[name]
            else:
                configuration[name] = value
        about["configuration"] = json.dumps(configuration)

    return change


def renamed(old, new):
    def change(header):
        header[new] = header.pop(old)
        header["__metadata__"].pop("names")

    return change


def field(name, **values):
    def change(header):
        header[name] |= values

    return change


REFUSED = {
    "no recording": (changed_metadata(format=None), "no recording: its __metadata__ lacks format: parity-trace/1"),
    "another version": (changed_metadata(format="parity-trace/2"), "its format is 'parity-trace/2'; expected parity-trace/1"),
    "rows": (changed_metadata(layout="rows"), "its layout is 'rows'; expected columns"),
    "no dtype": (changed_metadata(dtype=None), "lacks dtype"),
    "half precision": (changed_metadata(dtype="float16"), "expected float64 or float32"),
    "a billion steps": (changed_metadata(steps="999999999"), "declares 999999999 steps, numbered from 0, but has 4 of them"),
    "more than a billion": (changed_metadata(steps="1" + 30 * "0"), "its steps is .*; expected a whole number"),
    "fewer steps": (changed_metadata(steps="3"), "declares 3 steps"),
    "minus one step": (changed_metadata(steps="-1"), "expected a whole number"),
    "a seed that is none": (changed_metadata(seed="x"), "its seed is 'x'"),
    "names that are none": (changed_metadata(names="{}"), "its names are {}; expected a list"),
    "names too few": (changed_metadata(names='["Z1"]'), "its names do not declare '.*', which a step has"),
    "names too many": (changed_metadata(names='["Z9"]'), "its names declare 'Z9', which no step has"),
    "versions that are none": (changed_metadata(versions="[1]"), "its versions are"),
    "configuration not JSON": (changed_metadata(configuration="{"), "the configuration is not JSON: .* at character 1"),
    "configuration a list": (changed_metadata(configuration="[]"), r"the configuration is \[\]; expected an object"),
    "configuration deep": (changed_metadata(configuration="[" * 100000), "nested too deeply"),
    "a field twice": (changed_metadata(configuration='{"loss": "mse", "loss": "l1"}'), "has 'loss' twice"),
    "NaN": (changed_metadata(configuration='{"loss": NaN}'), "holds NaN, which is not a finite number"),
    "an infinite number": (changed_metadata(configuration='{"dropout": 1e999}'), "holds 1e999"),
    "an unknown field": (changed_configuration(activation="relu"), "has 'activation'; did you mean activations"),
    "no loss": (changed_configuration(loss=...), "lacks loss: a name such as"),
    "no options": (changed_configuration(options=...), "lacks options"),
    "an unknown activation": (changed_configuration(activations=["relo", "identity"]), "unknown activation 'relo'; did you mean relu"),
    "no activation": (changed_configuration(activations=[]), "expected a list of names, one a layer"),
    "an activation that is none": (changed_configuration(activations=["relu", 1]), "expected a list of names"),
    "an activation too long": (changed_configuration(activations=["relu", "-" * 10**5]), "expected a list of names"),
    "code for an activation": (changed_configuration(activations=["relu", "__import__('os')"]), "cannot read"),
    "an unknown option of it": (changed_configuration(activations=["relu(slope=1)", "identity"]), "activation relu has no option 'slope'"),
    "a wrong value of it": (changed_configuration(activations=["elu(alpha='a')", "identity"]), "expected a finite number"),
    "an unknown loss": (changed_configuration(loss="rmse"), "unknown loss 'rmse'"),
    "an unknown rule": (changed_configuration(optimizer="adan"), "unknown optimizer 'adan'"),
    "an unknown option": (changed_configuration(options={"lr": 1, "beta": 2}), "optimizer adam has no option 'beta'"),
    "an option of the wrong kind": (changed_configuration(options={"lr": "a"}), "options of the configuration is {'lr': 'a'}"),
    "an option out of range": (changed_configuration(options={"betas": [0.9, 1.0]}), "adam cannot be used: betas.1. is 1.0"),
    "a huge number": (changed_configuration(options={"lr": 10**400}), "options of the configuration is"),
    "clipping two ways": (changed_configuration(clip={"norm": 1, "value": 1}), "clip of the configuration is"),
    "clipping to nothing": (changed_configuration(clip={"norm": 0}), "clip of the configuration is"),
    "batch norm without epsilon": (changed_configuration(batch_norm={"eps": 0}), "batch_norm of the configuration is"),
    "dropping all": (changed_configuration(dropout=1), "0 <= p < 1"),
    "half a batch": (changed_configuration(accumulate=0.5), "accumulate of the configuration is 0.5"),
    "decay of what is not": (changed_configuration(undecayed=["Q"]), "undecayed of the configuration is"),
    "a frozen parameter that is not": (changed_configuration(frozen=["W9"]), "freezes W9, which is not in the initial state"),
    "too many layers": (changed_configuration(activations=["relu", "relu", "identity"]), "initial/W3 is missing; there are 3 activations"),
    "dropout without masks": (changed_configuration(dropout=0.5), "step/0/mask1 is missing"),
    "batch norm without statistics": (changed_configuration(batch_norm={}), "initial/running_mean1 is missing"),
    "slots of another rule": (
        changed_configuration(optimizer="rmsprop", options={"lr": 0.1}),
        "step 0 shows 'm.W1', for which this configuration has no formula",
    ),
    "a tensor of another name": (renamed("step/0/Z1", "weights"), "'weights' is not named as in a recording"),
    "a step minus one": (renamed("step/0/Z1", "step/-1/Z1"), "is not named as in a recording"),
    "a step with zeros": (renamed("step/0/Z1", "step/00/Z1"), "is not named as in a recording"),
    "a gap": (renamed("step/3/Z1", "step/9/Z1"), "declares 4 steps, numbered from 0, but has 5 of them, step 4 is missing"),
    "an entry of no net": (renamed("step/0/Z1", "step/0/Q1"), "'step/0/Q1' is no entry of a net with 2 layers"),
    "an entry of another net": (renamed("step/0/Z1", "step/0/Z7"), "is no entry of a net with 2 layers"),
    "an entry of no formula": (renamed("step/0/Z1", "step/0/D1"), "step 0 shows 'D1', for which this configuration has no formula"),
    "an option that may not vary": (renamed("step/0/loss", "step/0/option/betas"), "may not vary; what may is lr"),
    "an intermediate at the start": (renamed("step/0/b1", "initial/Z1"), "is no state"),
    "half of the slots": (renamed("step/0/m.W1", "initial/m.W1"), "initial/.* is missing: a step of this configuration reads it"),
    "state that nothing reads": (renamed("step/0/b1", "initial/gamma1"), "initial/gamma1 is nothing that a step"),
    "no batch": (renamed("step/0/X", "step/1/mask1"), "step/0/X is missing"),
    "another shape": (field("step/1/dW2", shape=[3, 1]), r"step/1/dW2 is \(3, 1\) where \(1, 3\) should stand"),
    "one dimension too few": (field("initial/b1", shape=[3]), r"initial/b1 is \(3,\) where \(3, 1\) should stand"),
    "a batch without a shape": (field("step/0/Y", shape=[5, 1]), r"step/0/Y is \(5, 1\) where \(1, 5\) should stand"),
    "whole numbers": (field("step/1/dW2", dtype="I64"), "step/1/dW2 is I64 where F64 should stand"),
    "a slot of torch's name": (renamed("step/0/m.W1", "step/0/exp_avg.W1"), "did you mean m.W1?"),
    "another word for the loss": (renamed("step/0/loss", "step/0/cost"), "did you mean loss?"),
    "a bias that the start lacks": (renamed("initial/b1", "step/0/beta1"), r"initial/b1 is missing, though step \d shows"),
    "a bias in one dimension": (field("initial/b1", shape=[3]), r"write its shape as \[3, 1\]"),
    "weights turned": (field("step/1/dW2", shape=[3, 1]), r"where \(1, 3\) should stand; it is transposed"),
    "examples in rows": (field("step/0/X", shape=[5, 4]), r"step/0/X is \(5, 4\) where \(4, m\) should stand"),
    "a type by another name": (field("step/1/dW2", dtype="float64"), "is 'float64'; safetensors calls it F64"),
    "a count in floats": (field("step/1/t.W1", dtype="F64"), "step/1/t.W1 is F64 where I64 should stand"),
    "an option in integers": (field("step/1/option/lr", dtype="I64"), "where F64"),
}  # fmt: skip


def refusal(path, code=2):
    found, text = report(path)
    assert found == code, text
    prefix = f"parity: {path}: "
    assert text.startswith(prefix)
    assert text.count("\n") == 1
    return text[len(prefix) :]


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_no_sound_recording_is_refused_in_one_sentence(what, tmp_path):
    change, message = REFUSED[what]
    header, data = taken_apart(recorded(tmp_path / "run"))
    change(header)
    path = put_together(tmp_path / "changed", header, data)
    with pytest.raises(ValueError, match=message):
        list(verify_recording(path))
    refusal(path)


BYTES = {
    "empty": (lambda h, d: b"", "truncated, or no safetensors file: it has 0 bytes"),
    "seven bytes": (lambda h, d: b"1234567", "it has 7 bytes"),
    "text": (lambda h, d: b"not a recording", "truncated, or no safetensors file"),
    "a huge header": (lambda h, d: (2**63).to_bytes(8, "little") + h + d, "a header of 9223372036854775808 bytes"),
    "truncated": (lambda h, d: len(h).to_bytes(8, "little") + h + d[:-8], "no safetensors file, or a damaged one"),
    "truncated header": (lambda h, d: len(h).to_bytes(8, "little") + h[:-8], "truncated"),
    "trailing bytes": (lambda h, d: len(h).to_bytes(8, "little") + h + d + b"1", "damaged"),
    "no text": (lambda h, d: len(h).to_bytes(8, "little") + b"\xff" * len(h) + d, "its header is not UTF-8 text: byte 0"),
    "a tensor twice": (lambda h, d: framed(b'{"initial/W1":%s,' % one(h, "initial/W1") + h[1:], d), "the header has 'initial/W1' twice"),
    "metadata twice": (lambda h, d: framed(h.replace(b'"layout"', b'"format": "x", "layout"', 1), d), "the header has 'format' twice"),
    "overlapping": (lambda h, d: framed(edited(h, "step/0/A1", data_offsets=[0, 120]), d), "damaged"),
    "negative shape": (lambda h, d: framed(edited(h, "step/0/A1", shape=[-3, -5]), d), "damaged"),
    "overflowing shape": (lambda h, d: framed(edited(h, "step/0/A1", shape=[2**40, 2**40]), d), "damaged"),
    "a shape of floats": (lambda h, d: framed(edited(h, "step/0/A1", shape=[3.0, 5.0]), d), "damaged"),
    "an empty tensor": (lambda h, d: framed(edited(h, "extra", dtype="F64", shape=[2**40, 0], data_offsets=[0, 0]), d), "'extra' is empty"),
    "another member": (lambda h, d: framed(edited(h, "step/0/A1", strides=[1]), d), "'step/0/A1' has 'strides', which safetensors does not define"),
    "deep": (lambda h, d: framed(b'{"a":' + b"[" * 10**5, d), "damaged"),
    "numbers for strings": (lambda h, d: framed(h.replace(b'"steps": "4"', b'"steps": 4'), d), "'steps' of its __metadata__ is 4"),
}  # fmt: skip


def framed(header, data):
    return len(header).to_bytes(8, "little") + header + data


def one(header, name):
    return json.dumps(json.loads(header)[name]).encode()


def edited(header, name, **values):
    fields = json.loads(header)
    fields[name] = fields.get(name, {}) | values
    return json.dumps(fields).encode()


@pytest.mark.parametrize("what", BYTES)
def test_a_damaged_or_hostile_container_is_refused_in_one_sentence(what, tmp_path):
    make, message = BYTES[what]
    header, data = taken_apart(recorded(tmp_path / "run"))
    path = tmp_path / "changed"
    path.write_bytes(make(json.dumps(header).encode(), bytes(data)))
    with pytest.raises(ValueError, match=message):
        list(verify_recording(path))
    refusal(path)


def test_a_header_beyond_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.write((LIMIT + 1).to_bytes(8, "little"))
        file.truncate(LIMIT + 100)
    tracemalloc.start()
    try:
        assert f"its header has {LIMIT + 1} bytes" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_small_file_cannot_ask_for_much_memory(tmp_path):
    c = Configuration(activations=("relu", "identity"), options={"lr": 0.1})
    state = start(c, sizes=(1, 9000, 1))
    (batch,) = batches(c, state, count=1, m=9000)
    trace = {"loss": np.array(1.0)}
    record(tmp_path / "run", lambda *_, **__: trace, state, [batch], About(c, "float64", 0))
    assert "step 0 needs 81,000,000 numbers for its layers; the file has fewer" in refusal(
        tmp_path / "run"
    )


VALUES = {
    "X not finite": ("step/0/X", np.nan, "step/0/X is not finite everywhere"),
    "weights not finite": ("initial/W1", np.inf, "initial/W1 is not finite everywhere"),
    "a rate not finite": ("step/1/option/lr", np.nan, "step/1/option/lr is not finite"),
    "a negative rate": ("step/1/option/lr", -1.0, "step 1 cannot be made by torch: .*-1.0"),
    "a negative count": ("step/1/t.W1", -3, "step/1/t.W1 is -3; expected a count from 0 to 2"),
    "a huge count": ("step/1/t.W1", 2**62, "expected a count from 0 to 2"),
    "a mask of halves": ("step/1/mask1", 0.5, "step/1/mask1 holds more than 0 and 1"),
}


@pytest.mark.parametrize("what", VALUES)
def test_a_value_that_no_run_has_is_refused_in_one_sentence(what, tmp_path):
    name, value, message = VALUES[what]
    path = recorded(tmp_path / "run", replace(ADAM, dropout=0.5))
    header, data = taken_apart(path)
    entry(header, data, name)[...] = value
    put_together(path, header, data)
    with pytest.raises(ValueError, match=message):
        list(verify_recording(path))
    refusal(path)


def test_only_plain_files_are_read(tmp_path):
    plain = "it is not a plain file; name a safetensors file\n"
    assert refusal(tmp_path) == plain
    os.mkfifo(tmp_path / "pipe.safetensors")  # nobody writes to it: to open it would be to wait
    assert refusal(tmp_path / "pipe.safetensors") == plain
    with pytest.raises(ValueError, match="not a plain file"):
        Recording("/dev/null")
