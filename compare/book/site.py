r"""Writing the book: into a folder that is empty or holds a former book, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from compare.book.catalogue import formulas
from compare.book.contents import HERE, Book
from compare.book.findings import Watch, find
from compare.book.pages import chapter_page, formula_page, index_page

MARK = ".parity-book"  # lists the files of a book, one a line


def check(folder: Path) -> None:
    """Raise ValueError unless a book may be written into `folder`: nothing of anybody else's is in it."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ValueError(
            f"cannot write the book into {folder}: it is not a folder; name another with -o"
        )
    if not folder.parent.is_dir():
        raise ValueError(f"cannot make {folder}: there is no folder {folder.parent}; make it first")
    if folder.resolve() == Path.cwd():
        raise ValueError(
            f"the book replaces its folder, and {folder} is the one you are in; name another with -o"
        )
    if others := foreign(folder):
        raise ValueError(
            f"{folder} holds {others[0]}, which is not part of a book; name an empty or new folder with -o"
        )
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}."):
            pass
    except OSError as error:
        raise ValueError(f"cannot write {folder}: {error.strerror}; name another with -o") from None


def foreign(folder: Path) -> list[str]:
    """Return what in the folder is not of a former book."""
    if not folder.is_dir():
        return []
    mark = folder / MARK
    known = set(mark.read_text(encoding="utf-8").split("\n")) if mark.is_file() else set()
    return sorted(p.name for p in folder.iterdir() if p.name not in known or p.is_dir())


def write(folder: Path, watch: Watch) -> int:
    """Build the book beside the folder, then put it in its place; return the number of pages."""
    check(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
        new, old = Path(made) / "new", Path(made) / "old"
        new.mkdir()
        for name, text in files(watch):
            (new / name).write_text(text, encoding="utf-8")
        names = sorted(p.name for p in new.iterdir())
        (new / MARK).write_text("\n".join([MARK, *names]), encoding="utf-8")
        check(folder)  # it may have been used while the book was built
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except OSError:
            if old.exists():
                os.replace(old, folder)
            raise
    return sum(name.endswith(".html") for name in names)


def files(watch: Watch) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file of the book."""
    every = formulas()
    book = Book(every, find(every, watch), provenance())
    yield "style.css", (HERE / "templates" / "style.css").read_text(encoding="utf-8")
    for f in watch("writing formulas", every):
        yield f.page, formula_page(book, f)
    for chapter in watch("writing chapters", book.chapters):
        yield chapter.page, chapter_page(book, chapter)
    yield "index.html", index_page(book)


def provenance() -> dict[str, str]:
    """Return what the numbers were made with."""
    import platform

    import numpy
    import torch

    return {
        "python": f"Python {platform.python_version()}",
        "numpy": f"NumPy {numpy.__version__}",
        "torch": f"PyTorch {torch.__version__}",
        "machine": f"{platform.machine()} with {torch.backends.cpu.get_cpu_capability()} kernels",
    }
