"""What a device or a precision does to each formula: measured against limits of its own, and refused where it is not."""

import io
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

import compare.devices.places
import reference.stepping
from compare.commands import main
from compare.devices.account import account
from compare.devices.measurement import apart
from compare.devices.places import Place, place
from compare.formulas.arithmetic import Tracked
from compare.preparation import prepare
from compare.request import Request
from compare.tolerances import ROUNDOFFS
from reference import conversion

NETS = {
    "a relu net under adam": Request(steps=4),
    "a tanh net with batch norm under sgd": Request(
        steps=4, activation="tanh", batch_norm=True, optimizer="sgd", options={"momentum": 0.9}
    ),
    "a clipped net under rmsprop": Request(steps=4, optimizer="rmsprop", clip=0.5),
    "labels under nadam": Request(
        steps=4, task="binary", loss="bce_with_logits", optimizer="nadam"
    ),
}


def taken(request, where):
    return account(prepare(request), where, lambda steps: steps)


@pytest.mark.parametrize("precision", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("net", NETS.values(), ids=NETS.keys())
def test_torch_keeps_its_formulas_to_the_rounding_of_a_precision(net, precision):
    found = taken(net, Place("cpu", precision))
    assert not found.beyond
    assert found.steps == 4
    assert {"Z1", "loss", "dW1", "W2"} <= found.entries.keys()
    assert max(e.pair for e in found.entries.values()) <= 1.0


@pytest.mark.parametrize(
    ("coarse", "fine"), [("bfloat16", "float32"), ("float16", "float32"), ("float32", "float64")]
)
def test_what_is_computed_more_coarsely_than_claimed_is_found(monkeypatch, coarse, fine):
    monkeypatch.setattr(Place, "u", property(lambda self: ROUNDOFFS[fine]))
    assert "Z1" in taken(Request(steps=2), Place("cpu", coarse)).beyond


@pytest.mark.parametrize(("precision", "step"), [("float16", 1), ("bfloat16", 3), ("float64", 5)])
def test_a_run_that_leaves_the_numbers_of_a_precision_is_judged_up_to_there(precision, step):
    found = taken(Request(steps=9, optimizer="sgd", lr=50.0), Place("cpu", precision))
    assert found.blown == (step, "loss")
    assert found.steps == step + 1
    assert not found.beyond
    assert all(e.relative < 20 * found.place.u for e in found.entries.values())
    assert f"until it blew up at step {step} in loss" in found.sentence
    assert found.declared()["blown_up"] == (step, "loss")


def test_numbers_lost_to_rounding_are_counted():
    """A second moment that float16 has no number for is 0, and so is epsilon: 0 / 0."""
    found = taken(Request(steps=2), Place("cpu", "float16"))
    assert not found.beyond
    assert found.blown is None
    lost = found.entries["W1"].lost
    assert lost > 0
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(found.shown())
    assert f"float16 may make a number anything: W1 ({lost})" in console.export_text()
    assert all(np.isfinite(e.relative) for e in found.entries.values())


def test_an_overflow_without_need_is_beyond_rounding(monkeypatch):
    monkeypatch.setattr(Place, "holds", lambda self, step: endless(step))
    found = taken(Request(steps=2), Place("cpu", "float16"))
    assert found.beyond == ["dW1"]
    assert found.blown == (0, "dW1")


def endless(step):
    def wrong(*operands, **options):
        return {n: x + np.inf if n == "dW1" else x for n, x in step(*operands, **options).items()}

    return wrong


def test_data_that_a_precision_cannot_hold_is_refused():
    task = prepare(Request(steps=2))
    wide = replace(task, dataset=replace(task.dataset, X_train=task.dataset.X_train * 1e30))
    with pytest.raises(ValueError, match="nothing was compared: X is not finite in float16"):
        account(wide, Place("cpu", "float16"), lambda steps: steps)


def test_what_is_interrupted_before_the_first_step_has_found_nothing():
    def watched(steps):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        account(prepare(Request(steps=2)), Place("cpu", "float16"), watched)


def test_the_relative_error_is_the_largest_there_is():
    """Where an estimate is large, the largest error need not be the worst in its units."""
    expected = Tracked(np.array([1.0, 1e-8]), np.array([1e6, 1e-8]), 2.0**-11)
    own = apart(np.array([1.1, 1.1e-8]), expected)
    assert own.relative == pytest.approx(0.1 / 1.1)


def test_a_wrong_formula_of_torchs_is_found_in_a_coarse_precision(monkeypatch):
    monkeypatch.setattr(Place, "holds", lambda self, step: shifted(step))
    assert taken(Request(steps=2), Place("cpu", "bfloat16")).beyond[0] == "Z1"


def shifted(step):
    def wrong(*operands, **options):
        with conversion.placed("cpu", torch.bfloat16):
            trace = step(*operands, **options)
        return {n: x * 1.2 if n == "Z1" else x for n, x in trace.items()}

    return wrong


def test_nothing_of_the_reference_stays_on_the_cpu_when_it_is_placed_elsewhere(monkeypatch):
    """On the meta device, which computes shapes alone, an operand left behind is an error."""
    tasks = [prepare(net) for net in NETS.values()]
    for name in ("array", "columns"):
        monkeypatch.setattr(conversion, name, lambda t: t)
    monkeypatch.setattr(reference.stepping, "parted", lambda x, like, lead: [x for _ in like])
    for task in tasks:
        batch = next(task.batches())
        start = task.initial() | dict(batch.state)
        with conversion.placed("meta", torch.float32):
            trace = task.configuration.by_torch()(start, batch.X, batch.Y)
        elsewhere = {n for n, t in trace.items() if t.ndim and t.device.type != "meta"}
        assert not elsewhere


def test_at_home_again_the_reference_is_what_it_was():
    task = prepare(Request(steps=1))
    batch, step = next(task.batches()), task.configuration.by_torch()
    before = step(task.initial(), batch.X, batch.Y)
    Place("cpu", "bfloat16").holds(step)(task.initial(), batch.X, batch.Y)
    after = step(task.initial(), batch.X, batch.Y)
    assert all(np.array_equal(before[n], after[n]) for n in before)
    assert reference.stepping.conversion.PLACE.get() is None
    assert torch.get_float32_matmul_precision() == "highest"


REFUSED = {
    "a device that is not known": (("tpu", None, "float64"), "choose cpu or cuda"),
    "a GPU where there is none": (("cuda", None, "float64"), "--device cuda: torch"),
    "a precision that is not known": (("cpu", "int8", "float64"), "choose float64, float32"),
    "TF32 on the CPU": (("cpu", "tf32", "float32"), "takes --device cuda"),
    "a precision finer than the run": (("cpu", "float64", "float32"), "finer than the run's"),
}


@pytest.mark.parametrize(("asked", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_there_is_one_sentence_for(monkeypatch, asked, says):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=says):
        place(*asked)


def test_a_gpu_is_taken_where_there_is_one(monkeypatch):
    monkeypatch.setattr(compare.devices.places.torch.cuda, "is_available", lambda: True)
    assert place("cuda", "tf32", "float32").stored is torch.float32
    assert place("cuda", None, "float64") == Place("cuda", "float64")


def command(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["parity", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_the_command_tells_what_a_precision_does(monkeypatch, capsys, tmp_path):
    file = tmp_path / "a.json"
    words = ("run", "--steps", "2", "--precision", "bfloat16", "--json", str(file))
    assert command(monkeypatch, *words) == 0
    assert capsys.readouterr().out.startswith("WITHIN its own rounding: torch on cpu in bfloat16")
    assert json.loads(file.read_text())["unit_roundoff"] == 2.0**-8


def test_the_command_refuses_a_gpu_where_there_is_none(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert command(monkeypatch, "run", "--device", "cuda") == 2
    out = capsys.readouterr()
    assert not out.out
    assert out.err.startswith("parity: --device cuda: torch")
