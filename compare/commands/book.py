r"""`parity book`: the learning reference, built by running everything in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from compare.commands.progress import progress
from compare.commands.refusals import refusing

O = typer.Option


def book(
    output: Annotated[
        Path, O("-o", "--output", help="folder: new, empty, or a former book")
    ] = Path("book"),
) -> None:
    """Build the learning reference: a static site, to be opened in a browser, that needs no network.

    Every formula has a page with its derivation, the NumPy code, the PyTorch call it equals, proofs
    by algebra, the agreement measured on this machine, and common mistakes with what they look
    like. All of it is run while the book is built, which takes a minute or two. The folder is
    replaced as a whole at the end; one that holds anything else is left alone.

    Example: parity book -o book
    """
    with refusing():
        from compare.book.site import check, write

        check(output)
        pages = write(output, watched)
    print(f"{pages} pages; open {output / 'index.html'} in a browser")


def watched(what: str, things: Iterable[Any]) -> Iterable[Any]:
    known = list(things)
    return progress(known, len(known), f"{what:<16}")
