"""Standard output that is not to be had: a pipe whose reader stops, a full disk, a closed descriptor."""

import json
import os
import subprocess
import sys

import pytest

RUN = [sys.executable, "-m", "compare", "run", "--steps", "2"]


def exit_code(command, **streams):
    done = subprocess.run(command, text=True, stderr=subprocess.PIPE, timeout=120, **streams)
    return done.returncode, done.stderr


def test_a_reader_that_stops_does_not_change_the_verdict():
    read, write = os.pipe()
    os.close(read)
    try:
        assert exit_code(RUN, stdout=write) == (0, "")
    finally:
        os.close(write)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [RUN, [*RUN[:3], "--help"]], ids=["run", "help"])
def test_a_full_disk_is_one_sentence(words):
    with open("/dev/full", "w") as full:
        code, told = exit_code(words, stdout=full)
    assert code == 2
    assert told == "parity: cannot write to standard output: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="closes a descriptor as a shell does")
def test_a_closed_standard_output_is_written_to_nowhere():
    assert exit_code(["sh", "-c", '"$@" >&-', "sh", *RUN]) == (0, "")


@pytest.mark.parametrize("dash", [["--json", "-"], ["--json=-"]], ids=" ".join)
def test_a_dash_is_standard_output_and_the_report_stands_aside(dash):
    done = subprocess.run([*RUN, *dash], text=True, capture_output=True, timeout=120)
    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] == "parity"
    assert "PARITY" in done.stderr


def test_one_report_alone_is_written_to_standard_output():
    done = subprocess.run(
        [*RUN, "--json", "-", "--csv", "-"], text=True, capture_output=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "parity: two reports cannot both be written to standard output; name two files\n"
    )
