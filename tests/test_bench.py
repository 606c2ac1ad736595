"""Benchmarks: ratios come from samples taken in turn, everything is told, nothing is asserted of time."""

import json
from itertools import count

import numpy as np
import pytest
from typer.testing import CliRunner

from compare.benchmarks import measures, tables
from compare.benchmarks.loops import Size
from compare.benchmarks.measures import Effort, Row
from compare.benchmarks.targets import TARGETS, standings
from compare.benchmarks.timing import Ratio, interleaved, pinned, ratio
from compare.commands import app

TINY = Effort([Size(2, 3), Size(2, 3, "float32")], rounds=2, seconds=0.0, steps=(1, 2))


@pytest.fixture(scope="module")
def rows():
    with pytest.MonkeyPatch.context() as patch, pinned():
        patch.setattr(measures, "started", lambda arguments, times: None)
        return list(measures.rows(TINY))


def test_contestants_take_turns_in_every_round():
    order, ticks = [], count()
    blocks = {name: lambda steps, name=name: order.append(name) for name in "abc"}
    samples = interleaved(blocks, rounds=3, seconds=0.0, clock=lambda: float(next(ticks)))
    assert "".join(order[-9:]) == "abcbcacab"
    assert {name: len(s) for name, s in samples.items()} == {"a": 3, "b": 3, "c": 3}


def test_a_block_is_as_many_steps_as_fill_the_time():
    now = [0.0]

    def block(steps):
        now[0] += 0.25 * steps

    samples = interleaved({"a": block}, rounds=2, seconds=1.0, clock=lambda: now[0])
    assert samples == {"a": [0.25, 0.25]}
    assert now[0] == 0.25 * (1 + 1 + 2 + 4 + 4 + 4)


def test_a_ratio_pairs_samples_of_the_same_round():
    slow_round = {"a": [1.0, 10.0, 1.0], "b": [2.0, 20.0, 2.0]}
    assert ratio(slow_round, "a", "b") == Ratio(0.5, 0.5, 0.5)


def test_every_contestant_is_measured_at_every_size(rows):
    for section, contestants in (("step", measures.STEPS), ("verified step", measures.VERIFIED)):
        found = [(r.case["dtype"], r.name) for r in rows if r.section == section]
        assert found == [(t, name) for t in ("float64", "float32") for name in contestants]
    assert {r.name for r in rows if r.section == "start-up"} == {"import torch", "parity --help"}
    assert all(r.bytes > 0 for r in rows if r.section == "memory")


def test_every_loop_trains_the_net_it_is_named_after():
    size = Size(4, 8)
    held = {}
    for name in ("manual", "manual training"):
        block = measures.STEPS[name](size)
        block(3)
        (cell,) = [c.cell_contents for c in block.__closure__ if isinstance(c.cell_contents, list)
                   and c.cell_contents and isinstance(c.cell_contents[0], dict)]  # fmt: skip
        held[name] = cell[0]
    for n, x in held["manual training"].items():
        np.testing.assert_allclose(x, held["manual"][n], rtol=1e-12)
    assert (held["manual"]["W1"] != size.state()["W1"]).any()


def test_a_target_is_met_only_where_its_worst_ratio_is():
    def row(name, seconds, m=32):
        case = {"n_h": 8, "m": m, "layers": 1, "dtype": "float64"}
        return Row("step", case, name, "torch eager", seconds, Ratio(seconds, seconds, seconds))

    found = {s.says: s for s in standings([row("torch eager", 1.0), row("manual training", 0.05),
             row("torch eager", 1.0, 999), row("manual training", 0.7, 999)])}  # fmt: skip
    assert found["manual training against torch eager, to 32 x 32"].met is True
    assert found["manual training against torch eager, every size"].met is False
    assert found["manual training against torch eager, every size"].worst == 0.7
    assert found["manual against torch eager, every size"].met is None


def test_the_numbers_as_data_hold_machine_rows_and_every_target(rows):
    data = json.loads(json.dumps(tables.declared(rows)))
    assert data.keys() == {"machine", "rows", "targets"}
    assert {"processor", "torch", "threads"} <= data["machine"].keys()
    assert len(data["targets"]) == len(TARGETS) + 1
    keys = {"section", "case", "name", "baseline", "seconds", "ratio", "bytes"}
    assert all(r.keys() == keys for r in data["rows"])


def test_the_page_tells_every_row_and_every_target(rows):
    page = tables.markdown(rows)
    assert page.count("\n| ") == len(rows) + len(tables.TITLES)
    assert all(target.says in page for target in TARGETS)


@pytest.mark.parametrize("arguments", [["--width", "0"], ["--examples", "8,x"], ["--dtype", "f2"]])
def test_a_size_that_is_none_is_refused_in_one_sentence(arguments):
    result = CliRunner().invoke(app, ["bench", *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("parity: --")
    assert result.stderr.count("\n") == 1
