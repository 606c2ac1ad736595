r"""The folder of an experiment: its figures and results, written whole or not at all, over nobody else's files.

Every file carries the mark of the program that made it: an image in its metadata, the results in
their format. A file without the mark is not ours, and is never replaced.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from compare.experiments.outcome import Outcome

MARK = "parity-experiment/1"
RESULTS = "results.json"
FORMATS = ("png", "svg")
HEAD = 4096  # bytes in which the mark must stand


def names(figures: Iterable[str]) -> list[str]:
    """Return the names of the files that an experiment with these figures writes.

    >>> names(["race"])
    ['race.png', 'race.svg', 'results.json']
    """
    return [f"{figure}.{kind}" for figure in figures for kind in FORMATS] + [RESULTS]


def check(folder: Path, files: Iterable[str]) -> None:
    """Raise ValueError unless these files can be written in `folder` without replacing any that is not ours."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"cannot write into {folder}: it is a file; name a folder with --output")
    if not folder.parent.is_dir():
        raise ValueError(f"cannot make {folder}: there is no folder {folder.parent}; make it first")
    for path in (folder / name for name in files):
        if path.exists() and not is_ours(path):
            raise ValueError(
                f"{path} was not made by this program and is not replaced; name another folder with "
                "--output"
            )
    try:
        with tempfile.NamedTemporaryFile(dir=folder if folder.is_dir() else folder.parent):
            pass
    except OSError as error:
        raise ValueError(f"cannot write into {folder}: {error.strerror}") from None


def is_ours(path: Path) -> bool:
    """Tell whether a file carries the mark."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(HEAD)


def write(outcome: Outcome, folder: Path) -> list[Path]:
    """Write the figures and the results; return their paths. Each is put in place only once it is whole."""
    from compare.experiments.plots import save
    from compare.reports.files import write_json

    files = names(outcome.figures)
    check(folder, files)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
        staging = Path(made)
        for name, draw in outcome.figures.items():
            save(draw(), staging, name, mark=MARK)
        write_json(staging / RESULTS, outcome.declared())
        folder.mkdir(exist_ok=True)
        for name in files:
            os.replace(staging / name, folder / name)
    return [folder / name for name in files]
