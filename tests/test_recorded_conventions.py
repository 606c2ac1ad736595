"""Recordings that keep to conventions of their own are right, and say so; what is wrong behind them is found."""

from dataclasses import replace

import numpy as np
import pytest
from test_recording import ADAM, batches, recorded, start

from compare.checking.steps import examine_step
from compare.commands.check import check_recordings
from compare.recording import About, findings, record

CLIPPED = replace(ADAM, clip={"norm": 0.5})
GRADIENTS = ("dA", "dZ")  # of one example each


def shown_as(c, change):
    """Return the step of a configuration whose trace is changed before it is shown."""
    step = c.by_hand()
    return lambda state, X, Y, **options: change(dict(step(state, X, Y, **options)), X, Y)


def late(trace, X, Y):
    return {n: Y.size * x if n.startswith(GRADIENTS) else x for n, x in trace.items()}


def late_but_for_a_bias(trace, X, Y):
    return late(trace, X, Y) | {"db2": Y.size * trace["db2"]}


def clipped_in_place(trace, X, Y):
    names = [n for n in trace if n.startswith("g.")]
    shown = {n: x for n, x in trace.items() if n not in names}
    return shown | {f"d{n.removeprefix('g.')}": trace[n] for n in names}


def overwritten(trace, X, Y):
    return trace | {"Z1": trace["A1"], "dA1": trace["dZ1"]}


CONVENTIONS = {
    "divided late": (ADAM, late, "m n_y times the gradient, which dW2, db2, ... are divided by"),
    "clipped in place": (CLIPPED, clipped_in_place, "dW1, ... are shown after clipping"),
    "written over": (ADAM, overwritten, "Z1 is the same array as A1, which is written over it"),
}


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_convention_is_said_and_not_blamed(name, dtype, tmp_path):
    c, change, note = CONVENTIONS[name]
    found = findings(recorded(tmp_path / "run", c, shown_as(c, change), dtype))
    assert found.code == 0
    assert "in conventions of its own" in found.sentence
    assert "torch" not in found.sentence
    assert any(note in said for said in found.notes)
    assert found.steps == 4
    assert all(entry.used <= 1 for entry in found.entries.values())


def test_a_mistake_behind_a_convention_is_found(tmp_path):
    found = findings(recorded(tmp_path / "run", ADAM, shown_as(ADAM, late_but_for_a_bias)))
    assert (found.wrong.origin, found.wrong.step) == ("db2", 0)
    assert any("times the gradient" in note for note in found.notes)


def test_notes_are_printed_and_written(tmp_path, capsys):
    run = recorded(tmp_path / "run.safetensors", ADAM, shown_as(ADAM, late))
    assert check_recordings([str(run)], tmp_path / "out.json", 1, html=tmp_path / "page.html") == 0
    assert "note: dA2 is m n_y times the gradient" in " ".join(capsys.readouterr().out.split())
    for name in ("out.json", "page.html"):
        assert "m n_y times the gradient" in (tmp_path / name).read_text()


def test_a_forgotten_derivative_is_no_array_written_over(tmp_path):
    def forgotten(trace, X, Y):
        return trace | {"dZ1": trace["dA1"]}

    found = findings(recorded(tmp_path / "run", ADAM, shown_as(ADAM, forgotten)))
    assert found.wrong.origin == "dZ1"
    assert found.diagnosis.names == ("the derivative of g1 is left out",)


def test_the_steps_after_a_wrong_one_help_to_name_it(tmp_path):
    held = {}

    def never_zeroed(trace, X, Y):
        held["dW2"] = held.get("dW2", 0.0) + trace["dW2"]
        return trace | {"dW2": held["dW2"].copy()}

    found = findings(recorded(tmp_path / "run", ADAM, shown_as(ADAM, never_zeroed)))
    assert (found.wrong.origin, found.wrong.step) == ("dW2", 1)
    assert "dW2 is added to that of the step before, never zeroed" in found.diagnosis.names


def test_a_gradient_is_not_read_as_a_clipped_one_where_none_is_clipped(tmp_path):
    """Between updates there is no g.W1 to hold it against, so that anything would pass."""
    like = "two-layer tanh mse adam lr=0.01 clip_value=0.1 accumulate=2"
    c = replace(ADAM, activations=("tanh", "identity"), clip={"value": 0.1}, accumulate=2)

    def step(state, X, Y, **options):
        trace = dict(c.by_hand()(state, X, Y, lr=0.01))
        shown = {n: x for n, x in trace.items() if not n.startswith("g.")}
        return shown | {"dW2": trace["dW2"] * (1.5 if int(trace["micro"]) == 1 else 1.0)}

    assert examine_step(step, like).divergence.origin == "dW2"
    found = findings(recorded(tmp_path / "run", c, step))
    assert (found.wrong.origin, found.wrong.step) == ("dW2", 0)


def test_equal_numbers_of_another_shape_are_not_one_array(tmp_path):
    def reshaped(trace, X, Y):
        return trace | {"b1": np.zeros_like(trace["b1"])}

    found = findings(recorded(tmp_path / "run", ADAM, shown_as(ADAM, reshaped)))
    assert found.wrong.origin == "b1"


def column_by_column(x):
    return x.T.reshape(x.shape) if x.ndim == 2 else x


def all_column_by_column(trace, X, Y):
    return {n: column_by_column(x) for n, x in trace.items()}


def test_column_major_numbers_are_named(tmp_path):
    """As Fortran, Julia and MATLAB write them; the batch and the initial state too."""
    c = replace(ADAM, activations=("tanh", "identity"))
    state = start(c)
    given = [replace(b, X=column_by_column(b.X)) for b in batches(c, state)]

    def step(seen, X, Y, **options):
        trace = c.by_hand()(held["state"], X.reshape(X.shape[::-1]).T, Y, **options)
        held["state"] = dict(trace)
        return all_column_by_column(trace, X, Y)

    held = {"state": state}
    about = About(c, "float64", 0)
    record(tmp_path / "run", step, all_column_by_column(state, None, None), given, about)
    found = findings(tmp_path / "run")
    assert found.diagnosis.names == (
        "the numbers of every matrix stand column by column in memory, and are read row by row",
    )


def shows_losses(path, c, declared, by=1.0):
    """Record the losses of one configuration, times a factor, declared to be another's."""
    state, held = start(c), {}

    def step(seen, X, Y, **options):
        held["state"] = dict(c.by_hand()(held.get("state", state), X, Y, **options))
        return {"loss": by * held["state"]["loss"]}

    given = [replace(b, options={}) for b in batches(c, state, count=6)]
    record(path, step, state, given, About(declared, "float64", 0))
    return findings(path)


@pytest.mark.parametrize(
    ("told", "options"),
    [
        ("eps=3e-07 where eps=1e-08 was asked for", {"eps": 3e-7}),
        ("lr=0.02 where lr=0.01 was asked for", {"lr": 0.02}),
        ("betas=(0.9, 0.999) where betas=(0.9, 0.99) was asked for", {"betas": (0.9, 0.999)}),
    ],
)
def test_losses_alone_tell_of_the_update(told, options, tmp_path):
    found = shows_losses(tmp_path / "run", replace(ADAM, options=ADAM.options | options), ADAM)
    assert f"in W1, which is not shown: {told}" in found.diagnosis.names


def test_a_mistake_behind_what_is_not_shown_is_not_laid_on_what_is(tmp_path):
    found = shows_losses(tmp_path / "run", replace(ADAM, activations=("elu", "identity")), ADAM)
    assert (
        "loss is wrong in run: its formula, or what leads to A2, which is not shown"
        in found.sentence
    )
    halved = shows_losses(tmp_path / "other", ADAM, ADAM, by=0.5)
    assert "the formula of loss is wrong in other" in halved.sentence


def test_what_a_later_step_reads_is_not_written_over(tmp_path):
    def misnamed(trace, X, Y):
        return trace | {"dW1": trace["W1"]}

    found = findings(recorded(tmp_path / "run", ADAM, shown_as(ADAM, misnamed)))
    assert found.wrong.origin == "dW1"


def test_what_is_written_over_is_so_from_the_first_step_on(tmp_path):
    steps = []

    def once(trace, X, Y):
        steps.append(trace)
        return trace | ({"Z1": trace["A1"]} if len(steps) == 3 else {})

    found = findings(recorded(tmp_path / "run", ADAM, shown_as(ADAM, once)))
    assert (found.wrong.origin, found.wrong.step) == ("Z1", 2)


def test_a_run_with_a_convention_that_blows_up_is_right_as_far_as_it_went(tmp_path):
    c = replace(ADAM, activations=("identity", "identity"), optimizer="sgd", options={"lr": 1e200})
    state = start(c)
    given = [replace(b, options={}) for b in batches(c, state, count=6)]
    record(tmp_path / "run", shown_as(c, late), state, given, About(c, "float64", 0))
    found = findings(tmp_path / "run")
    assert found.code == 0
    assert "PARITY until it blew up as its formulas do" in found.sentence
