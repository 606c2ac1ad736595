r"""What every command refuses: bad input in one sentence, and a report where none can be written."""

from __future__ import annotations

import errno
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from compare.reports.files import DASH


@contextmanager
def refusing() -> Iterator[None]:
    """Turn an error of bad input, or too large a one, into the one sentence that ends the command with exit code 2."""
    try:
        yield
    except (ValueError, OSError, MemoryError) as error:
        print(f"parity: {' '.join(sentence(error).split())}", file=sys.stderr)
        raise typer.Exit(2) from None


def sentence(error: ValueError | OSError | MemoryError) -> str:
    """Return what an error says; one of the system with the file it is about, and a way out.

    >>> sentence(OSError(errno.ENOSPC, "No space left on device", "a.json"))
    'a.json: No space left on device; make room, or name a file elsewhere'
    """
    if isinstance(error, MemoryError):
        return f"not enough memory: {error or 'none is left'}; give smaller sizes"
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return f"{where}{error.strerror}; {'make room, or ' * full}name a file elsewhere"


def writable(path: Path | None) -> None:
    """Refuse, before any work is done, a file that could not be written at the end."""
    if path is None or path == DASH:
        return
    if path.is_dir():
        raise ValueError(f"cannot write {path}: it is a folder; name a file")
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror}; name another file") from None


def destinations(*files: Path | None, read: Sequence[Path | str | None] = ()) -> None:
    """Refuse files that could not be written, two reports in one file, and one in a file that is `read`."""
    for file in files:
        writable(file)
    named = [file if file == DASH else file.resolve() for file in files if file is not None]
    if twice := next((file for file in named if named.count(file) > 1), None):
        where = "standard output" if twice == DASH else twice
        raise ValueError(f"two reports cannot both be written to {where}; name two files")
    for source in read:
        if source and Path(source).resolve() in named:
            raise ValueError(
                f"a report would be written over {source}, which is read; name another file"
            )


REPRO = "where it is wrong, write the smallest reproduction: FILE.npz and a script beside it"


def reproducing(repro: Path | None) -> tuple[Path, ...]:
    """Return the two files of a reproduction; ValueError unless the one named is an NPZ."""
    if repro is None:
        return ()
    if repro.suffix != ".npz":
        raise ValueError(f"--repro is {repro}; name a file that ends in .npz")
    return repro, repro.with_suffix(".py")
