"""Sweeps: every cell of a grid once, whatever stops it; a cell that fails is kept, and does not stop the rest."""

import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import compare.sweeping.outcomes
from compare.commands import main
from compare.sweeping import declaration, results
from compare.sweeping.grid import Grid, key, settled
from compare.sweeping.outcomes import verified
from compare.sweeping.pools import connected
from compare.sweeping.totals import Totals

SMALL = ("--steps", "3", "--width", "3", "--inputs", "4", "--examples", "8", "--jobs", "1")
SLOW = ("--seed", "0..39", "--steps", "200", "--optimizer", "sgd")
PROGRAM = (sys.executable, "-m", "compare", "sweep")


@pytest.fixture
def sweep(monkeypatch, tmp_path):
    """Return the command, run in this process in a folder of its own; it returns the exit code."""
    monkeypatch.chdir(tmp_path)

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["parity", "sweep", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code

    return command


def rows(path="sweep.sqlite"):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = {
        row[0]: row[1:] for row in connection.execute("SELECT key, verdict, seconds FROM cells")
    }
    connection.close()
    return found


def test_every_cell_of_the_grid_is_verified_once(sweep, capsys):
    axes = (
        "--activation",
        "relu,tanh",
        "--depth",
        "0..2",
        "--seed",
        "0,1",
        "--dtype",
        "float64,float32",
    )
    assert sweep(*SMALL, *axes, "--json", "a.json", "--html", "a.html") == 0
    grid = Grid({"activation": ("relu", "tanh"), "width": (3,), "depth": range(3), "inputs": (4,),
                 "examples": (8,), "dtype": ("float64", "float32"), "seed": (0, 1), "steps": (3,)})  # fmt: skip
    assert rows().keys() == {key(cell) for cell in grid.cells()}
    assert (
        len(list(grid.remaining(set()))) == 20
    )  # without a hidden layer its activation makes no difference
    out = capsys.readouterr().out
    assert out.startswith("PARITY in 20 cells: 60 steps")
    assert max(map(len, out.splitlines())) <= 80
    found = json.loads(Path("a.json").read_text())
    assert (found["cells"], found["verdicts"]["parity"], found["steps"]) == (20, 20, 60)
    assert "<h2>activation</h2>" in Path("a.html").read_text()


def test_a_terminal_is_shown_how_far_it_is_and_how_fast(sweep, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes stderr for a terminal
    monkeypatch.setenv("COLUMNS", "100")
    assert sweep(*SMALL, "--seed", "0..2") == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    assert "3/3 cells" in shown
    assert re.search(r"0 failed, [0-9.]+ a second +[0-9]:", shown)


CHOICES = {
    "batch norm": {"batch_norm": True},
    "dropout and small batches": {"dropout": 0.5, "batch_size": 3},
    "accumulation": {"accumulate": 2},
    "clipping": {"clip": "norm 0.5"},
    "labels": {"loss": "bce", "data": "wine-sample"},
    "classes": {"loss": "cross_entropy", "outputs": 3},
    "a rule with options": {
        "optimizer": "rmsprop(centered=True, momentum=0.5)",
        "dtype": "float32",
    },
    "an initialiser": {"init": "xavier_normal", "hidden": "4,3"},
}


@pytest.mark.parametrize("chosen", CHOICES.values(), ids=CHOICES.keys())
def test_a_cell_may_have(chosen):
    outcome = verified(settled({"steps": 4, **chosen}))
    assert (outcome.verdict, outcome.steps, outcome.says) == ("parity", 4, "")
    assert outcome.numbers > 0


def test_values_that_cannot_go_together_are_told_apart_from_failures(sweep, capsys):
    assert sweep(*SMALL, "--loss", "mse,cross_entropy") == 0
    assert capsys.readouterr().out.startswith("PARITY in 2 cells (1 impossible)")
    assert sweep(*SMALL, "--loss", "cross_entropy", "-o", "b.sqlite") == 2
    assert capsys.readouterr().out.startswith("NOTHING was compared in 1 cells")


def test_a_cell_is_what_its_seed_makes_it():
    cell = settled({"seed": 7, "steps": 5})
    one, other = verified(cell), verified(cell)
    assert replace(one, seconds=0.0) == replace(other, seconds=0.0)
    assert verified(settled({"seed": 8, "steps": 5})).loss != one.loss


def failing(cell, real=compare.sweeping.outcomes.settle, **planted):
    """Return `settle`, with a mistake in the cell's steps."""

    def wrong(step, *operands, **options):
        trace = step(*operands, **options)
        return {**trace, "dW1": trace["dW1"] * 1.000001}

    def settle(by_hand, *rest):
        return real(partial(wrong, by_hand) if by_hand.keywords["lr"] == 0.5 else by_hand, *rest)

    return settle


def test_a_cell_that_fails_is_kept_with_its_reproduction_and_the_rest_go_on(
    sweep, monkeypatch, capsys
):
    monkeypatch.setattr(compare.sweeping.outcomes, "settle", failing(None))
    assert sweep(*SMALL, "--lr", "0.1,0.5,0.2", "--html", "a.html") == 1
    out = capsys.readouterr().out
    assert out.startswith("DIVERGENCE in 1 of 3 cells")
    again = next(line.strip() for line in out.splitlines() if "--cell" in line)
    assert "step 0: the formula of dW1 is wrong" in Path("a.html").read_text()
    whole = json.loads(rows_of("divergence")[0])
    assert whole["lr"] == 0.5
    words = shlex.split(again + out.partition(again)[2].partition("\n\n")[0].replace("\n", " "))
    assert sweep(*words[2:]) == 1
    assert "the formula of dW1 is wrong" in capsys.readouterr().out


def rows_of(verdict):
    connection = sqlite3.connect("file:sweep.sqlite?mode=ro", uri=True)
    found = [
        cell
        for (cell,) in connection.execute("SELECT cell FROM cells WHERE verdict = ?", [verdict])
    ]
    connection.close()
    return found


def test_a_sweep_that_fails_at_every_first_step_is_a_divergence(sweep, monkeypatch, capsys):
    monkeypatch.setattr(compare.sweeping.outcomes, "settle", failing(None))
    assert sweep(*SMALL, "--lr", "0.5", "--json", "a.json") == 1
    assert capsys.readouterr().out.startswith("DIVERGENCE in 1 of 1 cells")
    assert json.loads(Path("a.json").read_text())["verdict"] == "divergence"


def test_a_sweep_that_compares_nothing_says_so(sweep, capsys):
    assert sweep("--dropout", "0.5", "--depth", "0", "--steps", "2", "--json", "a.json") == 2
    out = capsys.readouterr().out
    assert out.startswith("NOTHING was compared in 1 cells")
    assert "nearest" not in out
    assert json.loads(Path("a.json").read_text())["verdict"] == "nothing"


def test_what_agrees_before_both_overflow_is_counted():
    outcome = verified(settled({"init": "normal(std=1e200)", "steps": 3}))
    assert (outcome.verdict, outcome.steps) == ("blown up", 1)
    assert outcome.arrays == 2 < outcome.numbers  # Z1 and A1


def test_a_cell_too_large_for_memory_is_an_outcome(monkeypatch):
    def large(cell):
        raise MemoryError("Unable to allocate 122. GiB")

    monkeypatch.setattr(compare.sweeping.outcomes, "trial", large)
    assert verified(settled({})).verdict == "impossible"


def test_an_error_in_a_cell_is_an_outcome(monkeypatch):
    def broken(*operands):
        raise MemoryError("no room")

    monkeypatch.setattr(compare.sweeping.outcomes, "settle", broken)
    outcome = verified(settled({}))
    assert (outcome.verdict, outcome.says) == ("error", "MemoryError: no room")


def test_a_finished_sweep_has_nothing_left_to_do(sweep, monkeypatch):
    assert sweep(*SMALL, "--seed", "0..3") == 0
    before = rows()
    monkeypatch.setattr(compare.sweeping.outcomes, "settle", None)
    assert sweep("--resume", "--jobs", "1") == 0
    assert rows() == before


def started(*words, cwd):
    return subprocess.Popen([*PROGRAM, *words], cwd=cwd, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True)  # fmt: skip


def wait_for(path, count):
    """Wait until so many cells are committed."""
    for _ in range(600):
        time.sleep(0.1)
        try:
            if len(rows(path)) >= count:
                return
        except sqlite3.OperationalError:  # not there yet
            continue
    raise AssertionError("the sweep does not get on")


def test_kill_9_at_any_moment_loses_nothing_and_repeats_nothing(tmp_path):
    path = tmp_path / "sweep.sqlite"
    kept = {}
    for count in (1, 20):
        process = started(*(SLOW if not kept else ("--resume",)), "--jobs", "1", cwd=tmp_path)
        wait_for(path, count)
        process.kill()
        process.communicate()
        now = rows(path)
        assert kept.items() <= now.items()
        assert len(now) < 40
        kept = now
    process = started("--resume", "--jobs", "2", cwd=tmp_path)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    assert kept.items() <= rows(path).items()
    assert len(rows(path)) == 40
    assert out.startswith("PARITY in 40 cells: 8,000 steps")


def test_control_c_ends_with_what_was_found(tmp_path):
    process = started(*SLOW, "--jobs", "2", cwd=tmp_path)
    wait_for(tmp_path / "sweep.sqlite", 2)
    os.killpg(process.pid, signal.SIGINT)  # the terminal sends it to every process of the group
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.startswith("parity: parity sweep --resume goes on with the rest\n")
    assert "Traceback" not in err
    done = len(rows(tmp_path / "sweep.sqlite"))
    assert 2 <= done < 40
    assert out.startswith(f"PARITY in {done} cells")


def test_a_worker_that_dies_ends_it_in_one_sentence_and_nothing_is_lost(tmp_path):
    process = started(*SLOW, "--jobs", "2", cwd=tmp_path)
    wait_for(tmp_path / "sweep.sqlite", 2)
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True
    ).stdout
    workers = [line.split() for line in listed.splitlines() if "LokyProcess" in line]
    mine = [int(pid) for pid, parent, *_ in workers if int(parent) == process.pid]
    os.kill(mine[0], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert err.startswith("parity: a process that verified cells died")
    assert len(err.splitlines()) == 1
    assert len(rows(tmp_path / "sweep.sqlite")) >= 2


CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


def test_a_dask_cluster_of_several_processes_takes_the_cells(tmp_path):
    (tmp_path / "cluster.py").write_text(CLUSTER)
    cluster = subprocess.Popen([sys.executable, tmp_path / "cluster.py"], text=True, cwd=tmp_path,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
    address = cluster.stdout.readline().strip()
    words = ("--seed", "0..19", "--steps", "5", "--backend", "dask", "--scheduler", address)
    done = subprocess.run([*PROGRAM, *words], cwd=tmp_path, capture_output=True, text=True)
    cluster.communicate("")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("PARITY in 20 cells: 100 steps")
    assert len(rows(tmp_path / "sweep.sqlite")) == 20


def test_dask_that_is_not_installed_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ValueError, match=r"pip install 'parity\[cluster\]'"),
        connected("tcp://x:1"),
    ):
        pass


@pytest.mark.parametrize("module", ["compare.commands.sweep", "compare.sweeping.pools"])
def test_distributed_is_imported_only_when_it_is_asked_for(module):
    code = f"import {module}, sys; print('distributed' in sys.modules or 'dask' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


REFUSED = {
    "an axis that there is not": (["--cell", '{"optimiser": "adam"}'], "did you mean optimizer?"),
    "an option that a rule has not": (["--optimizer", "adam(beta=0.9)"], "no option 'beta'"),
    "a range upside down": (["--seed", "9..0"], "expected the smaller number first"),
    "no axis at all": ([], "no axis is given"),
    "a file that is not there": (["none.toml"], "none.toml: there is no such file"),
    "a cell of several values": (["--cell", '{"seed": [1, 2]}'], "seed has several values"),
    "results that are not there": (["--resume"], "there are no results to go on from"),
    "dask without a scheduler": (["--backend", "dask"], "go together"),
    "a backend that is not known": (["--backend", "spark", "--seed", "1"], "choose loky or dask"),
    "hidden and depth": (["--hidden", "3", "--depth", "2"], "give hidden, or depth and width"),
    "hidden and depth of a cell": (
        ["--cell", '{"hidden": "4", "depth": 3}'],
        "give hidden, or depth and width",
    ),
    "a cell and more": (["--cell", "{}", "--optimizer", "sgd"], "--optimizer is not for --cell"),
    "a report over the results": (
        ["--seed", "1", "-o", "a.sqlite", "--json", "a.sqlite"],
        "two reports cannot both be written",
    ),
    "a report over the grid": (["a.toml", "--json", "a.toml"], "over a.toml, which is read"),
    "a folder that is not there": (["--seed", "1", "-o", "no/a.sqlite"], "there is no folder no"),
}


@pytest.mark.parametrize(("words", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_there_is_one_sentence_for(sweep, capsys, tmp_path, words, says):
    assert sweep(*words) == 2
    out = capsys.readouterr()
    assert says in out.err
    assert len(out.err.splitlines()) == 1
    assert out.err.startswith("parity: ")
    assert not out.out
    assert not list(tmp_path.iterdir())


def test_a_file_of_results_is_never_overwritten(sweep, capsys):
    assert sweep(*SMALL, "--seed", "0") == 0
    before = Path("sweep.sqlite").read_bytes()
    assert sweep(*SMALL, "--seed", "1") == 2
    assert "--resume goes on with it" in capsys.readouterr().err
    assert sweep("--resume", "--seed", "1") == 2
    assert "holds the results of another grid" in capsys.readouterr().err
    assert Path("sweep.sqlite").read_bytes() == before


@pytest.mark.parametrize("data", [b"", b"no database\n" * 100, b"SQLite format 3\0" + b"x" * 4000])
def test_a_file_that_holds_no_results_is_refused(sweep, capsys, tmp_path, data):
    (tmp_path / "a.sqlite").write_bytes(data)
    assert sweep("--resume", "-o", "a.sqlite") == 2
    assert "parity: a.sqlite " in capsys.readouterr().err
    assert (tmp_path / "a.sqlite").read_bytes() == data


def test_a_disk_that_is_full_keeps_what_was_committed(tmp_path):
    limited = f"ulimit -f 40; exec {shlex.join([*PROGRAM, '--seed', '0..999', '--steps', '1', '--jobs', '1'])}"
    done = subprocess.run(["bash", "-c", limited], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "the results that were committed are whole" in done.stderr
    found = len(rows(tmp_path / "sweep.sqlite"))
    connection = sqlite3.connect(tmp_path / "sweep.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert 0 < found < 1000


def test_a_toml_file_and_flags_make_the_same_grid(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(
        'seed = "0..2"\noptimizer = ["sgd(lr=0.1, momentum=0.9)", "adam"]\nbatch_norm = [true, false]'
    )
    flags = {"seed": "0..2", "optimizer": "sgd(lr=0.1, momentum=0.9),adam", "batch_norm": "on,off"}
    mine, theirs = declaration.from_file(file), declaration.from_flags(flags)
    assert list(declaration.grid(mine, "a").cells()) == list(declaration.grid(theirs, "b").cells())


def test_what_a_file_declares_is_read_back_as_the_same_grid(tmp_path):
    grid = Grid({"depth": (1, 2), "seed": range(5), "optimizer": ("sgd(momentum=0.9)",)})
    with results.opened(tmp_path / "a.sqlite") as connection:
        results.create(connection, grid.declared())
    back = declaration.from_json(results.declared(tmp_path / "a.sqlite"))
    assert list(declaration.grid(back, "a").cells()) == list(grid.cells())


def test_totals_count_a_divergence_as_failed():
    totals = Totals()
    row = {"verdict": "divergence", "margin": 3.0, "steps": 1, "arrays": 1, "numbers": 1,
           "seconds": 1.0, "cell": "{}"}  # fmt: skip
    totals.add(row)
    assert totals.sentence == "DIVERGENCE in 1 of 1 cells"
