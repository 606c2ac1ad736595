"""Programs in other languages record their runs: right ones pass, planted mistakes are found where they are."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compare.recording import Recording, findings, scene

HERE = Path(__file__).parent
FORMAT = HERE.parents[1] / "docs" / "TRACE_FORMAT.md"


def tool(name):
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def by_c(folder, mistake):
    program, recording = folder / "trace", folder / "c.safetensors"
    flags = ["-O2", "-Wall", "-Wextra", "-Werror"] + [f"-D{mistake}"] * bool(mistake)
    run(tool("gcc"), *flags, "-o", program, HERE / "trace.c", "-lm")
    run(program, recording)
    return recording


def by_javascript(folder, mistake):
    recording = folder / "js.safetensors"
    run(tool("node"), HERE / "trace.mjs", recording, mistake)
    return recording


@pytest.mark.parametrize("record", [by_c, by_javascript])
def test_a_right_program_of_another_language_is_right(record, tmp_path):
    found = findings(record(tmp_path, ""))
    assert found.wrong is None, found.wrong
    assert found.steps >= 10
    assert sum(entry.shown for entry in found.entries.values()) >= 190
    assert {entry.unjudged for entry in found.entries.values()} == {0}


MISTAKES = [
    (by_c, "EPSILON_INSIDE", "W1", 0),
    (by_c, "MEAN_BIAS", "db2", 0),
    (by_javascript, "mean-bias", "db2", 0),
    (by_javascript, "tanh-of-z", "dZ1", 0),
    (by_javascript, "dampened", "m.W1", 1),
]


@pytest.mark.parametrize(
    ("record", "mistake", "origin", "step"), MISTAKES, ids=[case[1].lower() for case in MISTAKES]
)
def test_a_planted_mistake_is_found_in_its_formula(record, mistake, origin, step, tmp_path):
    recording = record(tmp_path, mistake)
    wrong = findings(recording).wrong
    assert (wrong.origin, wrong.step, wrong.kind) == (origin, step, "formula")
    assert scene(recording, wrong).last.trace.keys() == Recording(recording).trace(step).keys()


def test_what_the_programs_do_not_show_is_said(tmp_path):
    assert findings(by_c(tmp_path, "")).hidden == {"A2": 12, "dA2": 12}


def test_the_example_of_the_format_is_twenty_lines_and_right(tmp_path):
    example = re.search(r"<!-- example -->\n```python\n(.*?)```", FORMAT.read_text(), re.S)[1]
    assert len([line for line in example.splitlines() if line.strip()]) <= 20
    program, recording = tmp_path / "example.py", tmp_path / "run.safetensors"
    program.write_text(example)
    run(sys.executable, program, recording)
    found = findings(recording)
    assert found.wrong is None, found.wrong
    assert (found.steps, sorted(found.entries)) == (5, ["A1", "W1", "dW1", "loss"])
