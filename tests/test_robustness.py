"""What goes wrong from outside ends a command in one sentence, with what was found, and spoils nothing."""

import ast
import json
import pickle
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import compare.checking.many
import compare.devices.account
from compare.commands import main
from compare.commands.interruption import interrupts
from compare.datasets.reading import parse
from compare.recording import Recording
from compare.reports.files import write_text
from compare.sweeping import declaration
from compare.tasks import Task

ROOT = Path(__file__).parents[1]
RUN = ("run", "--steps", "9", "--json", "a.json")


@pytest.fixture
def parity(monkeypatch, tmp_path):
    """Return the command line, run in this process in a folder of its own; it returns the exit code."""
    monkeypatch.chdir(tmp_path)

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["parity", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code

    return command


def interrupted(stream, after):
    """Return a stream that Ctrl-C ends after so many items."""

    def cut(*operands, **options):
        for number, item in enumerate(stream(*operands, **options)):
            if number == after:
                raise KeyboardInterrupt
            yield item

    return cut


def test_an_interrupted_run_reports_the_steps_it_took(parity, monkeypatch, capsys):
    monkeypatch.setattr(Task, "verified", interrupted(Task.verified, 3))
    assert parity(*RUN) == 130
    out = capsys.readouterr()
    assert out.out.startswith("PARITY before it was interrupted: manual and torch agree in 3 steps")
    assert out.err == "parity: interrupted\n"
    found = json.loads(Path("a.json").read_text())
    assert (found["steps"], found["interrupted"]) == (3, True)


def test_an_interrupted_measurement_tells_of_the_steps_it_took(parity, monkeypatch, capsys):
    steps = compare.devices.account.measured
    monkeypatch.setattr(compare.devices.account, "measured", interrupted(steps, 2))
    assert parity(*RUN, "--precision", "bfloat16") == 130
    assert "2 steps, interrupted" in " ".join(capsys.readouterr().out.split())
    assert json.loads(Path("a.json").read_text())["steps"] == 2


def test_an_interrupted_check_tells_of_the_candidates_it_checked(parity, monkeypatch, capsys):
    told = {"verdict": "right", "sentence": "a is right", "diagnosis": None, "text": ""}
    monkeypatch.setattr(
        compare.checking.many, "outcomes", interrupted(lambda *a, **o: [told] * 3, 1)
    )
    words = ("a.py:f", "b.py:f", "c.py:f", "--like", "adam", "--json", "a.json")
    assert parity("check", *words) == 130
    assert "1 right, 0 wrong" in capsys.readouterr().out
    assert len(json.loads(Path("a.json").read_text())["outcomes"]) == 1


def test_an_interrupted_recording_leaves_no_file(parity, monkeypatch, tmp_path):
    import compare.tasks

    batches = interrupted(compare.tasks.Task.batches, 3)
    monkeypatch.setattr(compare.tasks.Task, "batches", batches)
    assert parity("record", "-o", "a.safetensors") == 130
    assert not list(tmp_path.iterdir())


class Thing:
    pass


def waiting():
    """Interrupt in a callback, where nobody can catch it, then wait."""
    thing = Thing()
    weak = weakref.ref(thing, interrupt)
    del thing
    assert weak() is None
    time.sleep(60)


def interrupt(weak):
    raise KeyboardInterrupt


def test_an_interrupt_that_python_drops_is_raised_again():
    with pytest.raises(KeyboardInterrupt), interrupts():
        waiting()


OUTPUTS = {
    "a report": ("run", "--steps", "2", "--json"),
    "a page": ("run", "--steps", "2", "--html"),
    "a table": ("run", "--steps", "2", "--csv"),
    "a measurement": ("run", "--steps", "2", "--precision", "float16", "--json"),
    "a recording": ("record", "--steps", "2", "-o"),
    "results": ("sweep", "--seed", "0", "--steps", "2", "-o"),
    "a summary": ("sweep", "--seed", "0", "--steps", "2", "--html"),
}


@pytest.mark.parametrize("words", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_a_place_that_cannot_be_written_is_refused_before_any_work(parity, capsys, tmp_path, words):
    (tmp_path / "file").write_text("mine")
    assert parity(*words, tmp_path / "file" / "a") == 2
    out = capsys.readouterr()
    assert out.err.startswith("parity: cannot write ")
    assert len(out.err.splitlines()) == 1
    assert not out.out
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


LIMITED = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "


@pytest.mark.parametrize(
    "words", [("run", "--json", "a"), ("record", "--force", "-o", "a.safetensors")]
)
def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, words):
    (tmp_path / words[-1]).write_text("mine")
    code = f"{LIMITED}from compare.commands import main; sys.argv = {['parity', *words, '--steps', '3']}; main()"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "make room" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == [words[-1]]
    assert (tmp_path / words[-1]).read_text() == "mine"


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    file = tmp_path / "a.json"
    file.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        write_text(file, "half of it \ud800")
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


class Hostile:
    """What makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


LOADERS = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
METHODS = {
    ("torch", "load"),
    ("np", "load"),
    ("numpy", "load"),
    ("joblib", "load"),
    ("pd", "read_pickle"),
}


@pytest.mark.parametrize("package", ["manual", "reference", "compare", "data"])
def test_nothing_that_loads_a_pickle_is_called(package):
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {n.split(".")[0] for n in names} & LOADERS, path
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in METHODS, path


@pytest.mark.parametrize("name", ["a.safetensors", "a.csv", "a.toml", "a.sqlite"])
def test_a_pickle_in_the_place_of_a_file_is_refused_and_not_run(parity, capsys, tmp_path, name):
    trap = tmp_path / "sprung"
    data = pickle.dumps(Hostile(str(trap)))
    (tmp_path / name).write_bytes(data)
    words = {
        "a.safetensors": ("check", name),
        "a.csv": ("run", "--data", name, "--target", "y"),
        "a.toml": ("sweep", name),
        "a.sqlite": ("sweep", "--resume", "-o", name),
    }
    assert parity(*words[name]) == 2
    assert capsys.readouterr().err.startswith("parity: ")
    assert not trap.exists()
    pickle.loads(data).close()  # the trap is a real one
    assert trap.exists()


def mutated(seed):
    """Return a strategy of bytes near a file that is sound: parts dropped, doubled, overwritten."""
    places = st.tuples(
        st.integers(0, len(seed)),
        st.integers(0, 12),
        st.one_of(st.binary(max_size=8), st.sampled_from(TOKENS)),
    )
    return st.lists(places, min_size=1, max_size=5).map(lambda edits: edited(seed, edits))


def edited(data, edits):
    for start, length, new in edits:
        data = data[:start] + new + data[start + length :]
    return data


TOKENS = (
    b"..",
    b"-1",
    b"1e400",
    b"nan",
    b"[",
    b"]",
    b"{",
    b'"',
    b";",
    b",",
    b"\n",
    b"=",
    b"999999999999999999999",
)
TOML = b'steps = 100\nactivation = ["relu", "elu(alpha=1.7)"]\nseed = "0..99"\nclip = "norm 1.0"\nhidden = "8,4"\n'
CSV = b"a;b;y\n1;2;3\n4;5;6\n7;8;1\n"
CELL = b'{"optimizer": "adam(betas=(0.5, 0.9))", "seed": 3, "dropout": 0.5, "hidden": "4,3"}'


@settings(max_examples=300, deadline=None)
@given(mutated(TOML))
def test_whatever_a_toml_file_holds_it_is_read_or_refused(data):
    refused_or(lambda: declaration.grid(declaration.from_toml(data, "a.toml"), "a.toml").cell(0))


@settings(max_examples=300, deadline=None)
@given(mutated(CSV))
def test_whatever_a_csv_file_holds_it_is_read_or_refused(data):
    refused_or(lambda: parse("a.csv", data))


@settings(max_examples=300, deadline=None)
@given(mutated(CELL))
def test_whatever_a_cell_says_it_is_read_or_refused(data):
    refused_or(lambda: declaration.cell(data.decode(errors="replace")))


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    from compare.commands.record import recorded
    from compare.preparation import prepare
    from compare.request import Request

    file = tmp_path_factory.mktemp("recording") / "a.safetensors"
    recorded(prepare(Request(steps=2, batch_size=3, hidden="2")), file, by="manual", force=False)
    return file


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_a_trace_holds_it_is_read_or_refused(recording, data):
    sound = recording.read_bytes()
    file = recording.with_name("b.safetensors")
    file.write_bytes(data.draw(mutated(sound)))

    def read():
        opened = Recording(file)
        for k in range(len(opened)):
            opened.batch(k), opened.trace(k)

    refused_or(read)


def refused_or(read):
    try:
        read()
    except ValueError as error:
        said = str(error)
    else:
        return
    assert said
    assert "\n" not in said
