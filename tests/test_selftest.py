"""The verifier measured on itself: what it says of its own accuracy holds, and the README says no other."""

import json
import re
import sys
from functools import wraps
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import compare.selftest.accuracy
import compare.standing
import compare.sums
import manual.activations
from compare.commands import main
from compare.selftest.accuracy import ENTRIES, overall, rows, shortfalls
from compare.selftest.cases import cases
from compare.selftest.choices import HIDDEN, OUTPUTS, RULES, SPECIAL
from compare.selftest.measuring import Measured, attempt, measure
from compare.selftest.table import header, markdown, others
from compare.tolerances import FAULT_TARGETS, PRACTICES

pytestmark = pytest.mark.xdist_group("selftest")  # measured once, by one process
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=["float64", "float32"])
def measured(request):
    *_, last = measure(request.param, arrays=1000, seed=1)
    return last


def test_correct_code_raises_no_alarm_and_every_planted_fault_is_caught(measured):
    assert measured.arrays >= 1000
    assert list(shortfalls(measured)) == []
    assert measured.planted["above: caught"] > 15
    assert overall(measured).within


def test_every_entry_of_every_trace_is_measured(measured):
    assert {r.entry for r in rows(measured)} <= set(ENTRIES)
    assert sum(r.arrays for r in rows(measured)) > measured.arrays * 0.9
    assert all(0 <= r.determined <= r.arrays for r in rows(measured))


def test_the_usual_comparisons_see_far_larger_faults_only(measured):
    ours = overall(measured).p99
    assert set(measured.practices) == set(PRACTICES)
    for name in ("np.allclose", "torch assert_close"):
        assert measured.practices[name].p99 > 1e4 * ours


def test_the_cases_hold_every_activation_loss_rule_and_hard_input():
    tried = list(islice(cases(0, "float64", steps=1), 400))
    hidden = {name for c in tried for name in c.configuration.activations[:-1]}
    assert hidden == set(HIDDEN)
    assert {c.configuration.loss for c in tried} == set(OUTPUTS)
    assert {c.configuration.optimizer for c in tried} == set(RULES)
    assert {c.special for c in tried} == set(SPECIAL)
    assert {bool(c.configuration.batch_norm is not None) for c in tried} == {True, False}


def test_a_case_comes_from_its_seed_alone():
    first, again = (next(islice(cases(3, "float32"), 5, None)) for _ in range(2))
    assert first.configuration == again.configuration
    assert all(np.array_equal(first.state[n], again.state[n]) for n in first.state)


def test_a_mistake_in_manual_is_an_alarm(monkeypatch):
    right = manual.activations.relu

    @wraps(right)
    def wrong(z):
        a, back = right(z)
        return a, lambda d: back(d) * (1.0 + 1e-11)

    monkeypatch.setattr(manual.activations, "relu", wrong)
    measured = Measured("float64")
    for case in islice(cases(0, "float64"), 12):
        attempt(measured, case, np.random.default_rng(0))
    assert measured.alarms
    assert all("the formula of d" in alarm for alarm in measured.alarms)
    assert any(text.startswith("false alarm: case 0") for text in shortfalls(measured))


def test_a_verifier_that_sees_too_little_falls_short(monkeypatch, measured):
    monkeypatch.setattr(compare.selftest.accuracy, "target", lambda dtype, entry: 1e-17)
    monkeypatch.setattr(compare.selftest.accuracy, "ENOUGH", 5)
    told = list(shortfalls(measured))
    assert any("faults are caught from" in text for text in told)


# --- on the command line, and in the README


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["parity", "selftest", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_parity_selftest_prints_a_table_and_writes_it_as_json(monkeypatch, capsys, tmp_path):
    file = tmp_path / "selftest.json"
    asked = ("--arrays", "200", "--dtype", "float32", "--seed", "4", "--json", str(file))
    assert run(monkeypatch, *asked) == 0
    out = capsys.readouterr().out
    assert out.startswith("float32: 0 false alarms in ")
    assert all(len(line) <= 80 for line in out.splitlines())
    (told,) = json.loads(file.read_text())["dtypes"]
    assert (told["dtype"], told["seed"], told["false_alarms"]) == ("float32", 4, [])
    assert {"entry", "p99", "always", "determined", "arrays"} <= set(told["formulas"][0])
    assert told["exact_grid"]["unequal"] == []


REFUSED = {
    "another type": (("--dtype", "float16"), "--dtype has 'float16'; choose float64, float32"),
    "no arrays": (("--arrays", "0"), "Invalid value for '--arrays'"),
    "no processes": (("--faults", "--jobs", "0"), "--jobs is 0; expected 1 or more"),
    "a type of faults": (("--faults", "--dtype", "float32"), "--dtype is for runs without"),
    "processes of arrays": (("--jobs", "2"), "--jobs is for runs with --faults"),
    "nowhere to write": (("--json", "/nowhere/x.json"), "there is no folder /nowhere"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_bad_input_is_refused_in_one_sentence(monkeypatch, capsys, words):
    arguments, told = REFUSED[words]
    assert run(monkeypatch, *arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err


def test_parity_selftest_exits_1_on_a_false_alarm(monkeypatch, capsys):
    for module in (compare.standing, compare.sums):
        monkeypatch.setattr(module, "formula_limit", lambda r, K: 1e-3)
    assert run(monkeypatch, "--arrays", "1", "--dtype", "float64") == 1
    assert "false alarm: case 0" in capsys.readouterr().out


def published():
    found = re.search(r"<!-- selftest -->\n(.*?)<!-- /selftest -->", README, re.S)
    assert found, "the README has no table of the selftest"
    return found[1]


def cells(line):
    return [cell.strip().replace("\\", "") for cell in line.strip("|").split("|")]


def test_the_readmes_table_has_the_columns_and_formulas_of_the_command():
    sides = [m for dtype in FAULT_TARGETS for m in measure(dtype, arrays=1, seed=0)]
    tables = [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", published(), re.M)]
    compared, formulas = ([cells(line) for line in table] for table in tables)
    assert compared[0] == next(iter(others(sides)))
    assert [row[0] for row in compared[2:]] == ["this verifier", *PRACTICES]
    assert formulas[0] == header(sides)
    assert [row[0] for row in formulas[2:]] == [*ENTRIES, "all"]
    assert markdown(sides).count("\n| ---") == 2


def test_the_readmes_figures_are_within_the_targets():
    for dtype in FAULT_TARGETS:
        found = re.search(rf"- {dtype}: (\d+) false alarms in ([\d,]+) arrays", published())
        assert int(found[1]) == 0
        assert int(found[2].replace(",", "")) >= 20_000
    rows_ = [cells(line) for line in published().splitlines() if line.startswith("|")]
    (total,) = (row for row in rows_ if row[0] == "all")
    assert float(total[3]) <= FAULT_TARGETS["float64"]
    assert float(total[7]) <= FAULT_TARGETS["float32"]
    sown = re.findall(
        r"faults planted just above the smallest: ([\d,]+), caught ([\d,]+)", published()
    )
    assert len(sown) == 2
    assert all(a == b for a, b in sown)
