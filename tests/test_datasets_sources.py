r"""Where the real files are looked for, in which order, and that no broken download is kept."""

import gc
import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from compare.datasets import load, sources

SAMPLE = sources.SAMPLE.read_bytes()
FILE = "winequality-red.csv"


class Archive(BaseHTTPRequestHandler):
    """Serves a sound file, another one, half of one, an error, or none, by the folder asked for."""

    def do_GET(self) -> None:
        half = SAMPLE[: len(SAMPLE) // 2]
        bodies = {"sound": SAMPLE, "other": SAMPLE[::-1], "half": half, "broken": b""}
        kind = self.path.split("/")[1]
        if kind not in bodies:
            return self.send_error(404)
        self.send_response(500 if kind == "broken" else 200)
        self.send_header("Content-Length", str(len(SAMPLE)))
        self.end_headers()
        self.wfile.write(bodies[kind])
        return None

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Archive) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, no variable, no network; the sample stands in for the published file."""
    folder = tmp_path / "cache"
    wine = sources.Wine(FILE, hashlib.sha256(SAMPLE).hexdigest())
    monkeypatch.setitem(sources.WINES, "wine-red", wine)
    monkeypatch.setattr(sources, "cache", lambda: folder)
    monkeypatch.setattr(sources, "ARCHIVE", "http://127.0.0.1:9/")  # the discard port: refused
    monkeypatch.delenv(sources.VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


def place(folder: Path, data: bytes = SAMPLE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(data)
    return folder / FILE


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert "parity" in sources.cache().parts


def test_a_users_path_comes_first(cache: Path, tmp_path: Path) -> None:
    place(cache)
    own = place(tmp_path / "own", SAMPLE.replace(b"\n", b"\r\n"))
    assert load("wine-red", path=own).source == f"a path of your own: {own}"


def test_the_variables_folder_comes_before_the_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sources.VARIABLE, str(tmp_path / "named"))
    place(cache)
    named = place(tmp_path / "named")
    found = load("wine-red").source
    assert found == f"found in the folder WINE_QUALITY_DIR names: {named}"


@pytest.mark.parametrize("named", ["", "no/such/folder"], ids=["empty", "no folder"])
def test_the_cache_comes_next_if_the_variable_is(
    named: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sources.VARIABLE, named)
    kept = place(cache)
    assert load("wine-red").source == f"found in the user's cache: {kept}"


def test_the_archive_comes_last_and_fills_the_cache(
    cache: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "ARCHIVE", f"{address}/sound/")
    assert load("wine-red").source == f"downloaded from {address}/sound/{FILE} to {cache / FILE}"
    monkeypatch.setattr(sources, "ARCHIVE", "http://127.0.0.1:9/")
    assert load("wine-red").source == f"found in the user's cache: {cache / FILE}"


@pytest.mark.parametrize("where", ["variable", "cache"])
def test_a_file_that_is_not_the_published_one_is_refused(
    where: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cache if where == "cache" else tmp_path / "named"
    monkeypatch.setenv(sources.VARIABLE, str(tmp_path / "named"))
    wrong = place(folder, SAMPLE + b"\n")
    digest = hashlib.sha256(SAMPLE + b"\n").hexdigest()
    with pytest.raises(ValueError, match=f"is not the published {FILE}: its sha256 is {digest}"):
        load("wine-red")
    assert wrong.exists()  # it is the user's; it is named, not removed


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("other", "brought a file without the expected sha256"),
        ("half", "could not be downloaded .*IncompleteRead"),
        ("broken", "could not be downloaded"),
        ("missing", "could not be downloaded .*404"),
        (None, "could not be downloaded .*refused"),
    ],
    ids=[
        "brings another file",
        "breaks off",
        "fails and breaks off",
        "finds no file",
        "finds no server",
    ],
)
def test_nothing_is_kept_of_a_download_that(
    kind: str | None, says: str, cache: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind:
        monkeypatch.setattr(sources, "ARCHIVE", f"{address}/{kind}/")
    with pytest.raises(ValueError, match=says) as caught:
        load("wine-red")
    assert "\n" not in str(caught.value)
    assert "or use wine-sample, which needs no network" in str(caught.value)
    assert not list(cache.rglob("*"))
    caught.value.args += (caught.value,)  # a cycle, so that the collector has to find it
    del caught
    gc.collect()  # a socket left open warns here, and warnings are errors


def test_a_cache_that_cannot_be_written_is_one_sentence(
    cache: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "ARCHIVE", f"{address}/sound/")
    cache.write_text("a file where the folder should be")
    with pytest.raises(
        ValueError, match=r"could not be downloaded .*(File exists|Not a directory)"
    ):
        load("wine-red")
    assert os.listdir(cache.parent) == ["cache"]
