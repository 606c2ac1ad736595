"""The verifier measured on itself: random cases are what they claim, and what it says of them holds."""

import subprocess
import sys
from pathlib import Path

import pytest

from compare.selftest.accuracy import ENTRIES, overall, rows, shortfalls
from compare.selftest.measuring import measure

ROOT = Path(__file__).parents[1]


def parity(*arguments):
    command = [sys.executable, "-m", "compare", "selftest", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture(scope="module", params=["float64", "float32"])
def measured(request):
    *_, last = measure(request.param, arrays=1500, seed=1)
    return last


def test_correct_code_raises_no_alarm_and_every_planted_fault_is_caught(measured):
    assert measured.arrays >= 1500
    assert list(shortfalls(measured)) == []
    assert measured.planted["above: caught"] > 20
    assert overall(measured).within


def test_every_entry_of_every_trace_is_measured(measured):
    assert {r.entry for r in rows(measured)} <= set(ENTRIES)
    assert sum(r.arrays for r in rows(measured)) > measured.arrays * 0.9
