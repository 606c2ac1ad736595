r"""Writing reports whole or not at all."""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

from compare.reports.outlet import REPORTS

DASH = Path("-")  # standard output


def write_text(path: Path, text: str) -> None:
    """Write a text as `write_bytes` does; to standard output where the path is "-"."""
    if path == DASH and (stream := REPORTS.get()) is not None:
        stream.write(text)
        return
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write to a file beside `path`, then put it in place: a reader never sees half of it.

    A link is followed; what is no plain file, such as a pipe, is written to. Raises OSError about
    `path` where it cannot be written; nothing is left behind then.
    """
    path = path.resolve()
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(data)
        return
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON; what is not finite becomes a string, which JSON has no number for."""
    write_text(path, json.dumps(plain(data), indent=2) + "\n")


def plain(data: Any) -> Any:
    """Return `data` with tuples as lists and NaN and infinities as strings.

    >>> plain({"a": (1.0, float("inf"))})
    {'a': [1.0, 'inf']}
    """
    if isinstance(data, dict):
        return {str(k): plain(v) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [plain(v) for v in data]
    if isinstance(data, float) and not math.isfinite(data):
        return str(data)
    return data
