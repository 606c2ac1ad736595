r"""Where the Wine Quality files are looked for, in order, and how they are downloaded.

A path the user gives; the folder named by WINE_QUALITY_DIR; the user's cache; the UCI archive.
A file that the user did not name has to be byte for byte the published one, so it does not matter
to the numbers at which of these places it was found.

**Source:** P. Cortez, A. Cerdeira, F. Almeida, T. Matos, J. Reis, "Modeling wine preferences by
data mining from physicochemical properties", Decision Support Systems 47(4), 547-553, 2009.
"""

import hashlib
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from compare.datasets.reading import read_bytes

ARCHIVE = "https://archive.ics.uci.edu/ml/machine-learning-databases/wine-quality/"
VARIABLE = "WINE_QUALITY_DIR"
SAMPLE = Path(__file__).resolve().parents[2] / "data" / "wine-sample.csv"


class Wine(NamedTuple):
    r"""A published file: its name in the archive and the sha256 of its bytes."""

    file: str
    sha256: str


WINES = {
    "wine-red": Wine(
        "winequality-red.csv",
        "4a402cf041b025d4566d954c3b9ba8635a3a8a01e039005d97d6a710278cf05e",
    ),
    "wine-white": Wine(
        "winequality-white.csv",
        "76c3f809815c17c07212622f776311faeb31e87610d52c26d87d6e361b169836",
    ),
}


def locate(wine: Wine) -> tuple[Path, str]:
    r"""Find a published file, downloading it at last; return its path and where it was found.

    **Raises** `ValueError` if a file is found that is not the published one, or if the download
    fails or brings anything else; nothing is kept then.
    """
    for folder, place in places():
        path = folder / wine.file
        if os.path.isfile(path):
            return verified(path, wine), f"{place}: {path}"
    path = download(wine, cache())
    return path, f"downloaded from {ARCHIVE}{wine.file} to {path}"


def places() -> Iterator[tuple[Path, str]]:
    r"""The folders to look into before the network, each with its description."""
    if named := os.environ.get(VARIABLE):
        yield Path(named), f"found in the folder {VARIABLE} names"
    yield cache(), "found in the user's cache"


def cache() -> Path:
    r"""The folder downloads are kept in: pooch's cache folder of this operating system."""
    import pooch

    return Path(pooch.os_cache("parity"))


def verified(path: Path, wine: Wine) -> Path:
    r"""The same path, if the file there is the published one."""
    found = hashlib.sha256(read_bytes(path)).hexdigest()
    if found != wine.sha256:
        raise ValueError(
            f"{path} is not the published {wine.file}: its sha256 is {found} where {wine.sha256} "
            f"is expected; replace or remove it, or give it as a path of your own"
        )
    return path


def download(wine: Wine, folder: Path) -> Path:
    r"""Fetch a file from the archive into `folder`; keep it only if its sha256 is right."""
    import pooch

    url = ARCHIVE + wine.file
    mend = (
        f"try again, or fetch it by hand into {folder} or a folder that {VARIABLE} names, or use "
        "wine-sample, which needs no network"
    )
    whole = pooch.HTTPDownloader(stream=False)  # streamed, a failure leaves its socket open
    try:
        kept = pooch.retrieve(
            url, f"sha256:{wine.sha256}", fname=wine.file, path=folder, downloader=whole
        )
    except OSError as error:
        raise ValueError(f"{url} could not be downloaded ({root(error)}): {mend}") from error
    except ValueError as error:
        raise ValueError(
            f"{url} brought a file without the expected sha256 {wine.sha256}, so it was not kept: "
            f"{mend}"
        ) from error
    return Path(kept)


def root(error: BaseException) -> str:
    r"""What the first error of a chain says: the others only wrap it in their own names."""
    while deeper := error.__cause__ or error.__context__:
        error = deeper
    return textwrap.shorten(str(error), 160) or type(error).__name__
