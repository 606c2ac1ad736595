"""Left to run free, both sides drift as torch drifts from itself, and what amplifies rounding is named."""

import io
from functools import cache

import numpy as np
import pytest
from rich.console import Console, Group

from compare.configuration import Configuration
from compare.drift import apart, drift, parted
from compare.kinks import flips, kinks
from compare.preparation import prepare
from compare.reports import free_running
from compare.request import Request
from compare.verification import verify

CHAOTIC = {"optimizer": "adam", "hidden": "32", "lr": 0.1, "dtype": "float32", "steps": 130}


@cache
def drifted(**asked):
    return drift(prepare(Request(**asked)))


def text(found):
    console = Console(width=80, file=io.StringIO(), highlight=False)
    console.print(Group(*free_running.sections(found)))
    return console.file.getvalue()


def test_gradient_descent_drifts_no_further_than_its_control():
    found = drifted(optimizer="sgd", lr=0.05, steps=60)
    ours, control = (np.array(found[n][5:]) for n in ("parameters", "control_parameters"))
    assert 0.1 < np.median(ours) / np.median(control) < 10.0
    assert max(ours) < 1e-14
    assert (found["parted_at"], found["flips"]) == (None, [])
    assert "Rounding stays rounding in all 60 steps" in text(found)


def test_chaos_begins_at_a_kink_passed_by_rounding_on_both_sides():
    found = drifted(**CHAOTIC)
    first, since = found["flips"][0], found["parted_at"]
    assert since is not None
    assert abs(since - first["step"]) < 15
    before = max(found["parameters"][: first["step"]])
    assert max(found["parameters"]) > 1e2 * before
    assert found["control_parted_at"] is not None
    assert first["manual"] * first["torch"] < 0.0
    assert max(abs(first["manual"]), abs(first["torch"])) < 1e-3


def test_the_text_names_the_step_of_chaos_and_each_kink_by_layer_unit_example_and_z():
    found = drifted(**CHAOTIC)
    told = text(found)
    assert f"From step {found['parted_at']} on rounding is amplified to chaos" in told
    f = found["flips"][0]
    words = " ".join(told.split())
    assert (
        f"step {f['step']}: relu of layer 1, unit {f['unit']}, example {f['example']}: Z1 is"
        in words
    )
    assert all(len(line) <= 80 for line in told.splitlines())


def test_the_chaotic_run_agrees_at_every_step_when_it_is_locked():
    task = prepare(Request(**CHAOTIC))
    c = task.configuration
    steps = verify(c.by_hand(), c.by_torch(), c, task.initial(), task.batches())
    assert sum(1 for _ in steps) == 130


KINKS = {
    "relu": (Configuration(("relu", "identity")), ["Z1"]),
    "tanh, which has none": (Configuration(("tanh", "identity")), []),
    "elu, smooth at alpha 1": (Configuration(("elu", "identity")), []),
    "elu, bent elsewhere": (Configuration(("elu(alpha=1.7)", "identity")), ["Z1"]),
    "batch norm": (Configuration(("relu", "relu"), batch_norm={}), ["N1", "Z2"]),
    "l1": (Configuration(("tanh", "identity"), "l1"), ["A2 - Y"]),
    "huber, whose slope is continuous": (Configuration(("tanh", "identity"), "huber"), []),
}


@pytest.mark.parametrize("words", KINKS)
def test_kinks_are_where_a_slope_jumps(words):
    configuration, entries = KINKS[words]
    assert [entry for entry, _, _ in kinks(configuration)] == entries


def test_a_flip_is_told_with_its_place_and_both_operands():
    c = Configuration(("relu", "identity"), "l1")
    mine = {"Z1": np.array([[1.0, -2e-8]]), "A2": np.array([[1.0, 3.0]])}
    theirs = {"Z1": np.array([[1.0, 5e-8]]), "A2": np.array([[1.0, 3.0]])}
    Y = np.array([[1.0, 2.0]])
    (flip,) = flips(7, c, mine, theirs, Y)
    assert str(flip) == (
        "step 7: relu of layer 1, unit 0, example 1: Z1 is -2e-08 by hand, 5e-08 by torch"
    )
    theirs["A2"] = theirs["A2"] - 1e-9
    assert [f.entry for f in flips(7, c, mine, theirs, Y)] == ["Z1", "A2 - Y"]


def test_a_bias_on_its_way_through_zero_is_not_chaos():
    a = {"W1": np.array([[1.0]]), "b1": np.array([[1e-13]])}
    b = {"W1": np.array([[1.0]]), "b1": np.array([[-1e-13]])}
    assert apart(a, b) == 2e-13
    assert parted([1e-16, 2e-13]) is None
