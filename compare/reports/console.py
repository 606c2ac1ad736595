r"""Where reports are printed: as wide as the terminal is; piped, 80 columns, or as many as COLUMNS says."""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.text import Text

WIDTH = 80


def standard_output() -> Console:
    """Return the console of standard output."""
    columns = os.environ.get("COLUMNS", "")
    known = sys.stdout.isatty() or (columns.isdecimal() and int(columns) > 0)
    return Console(width=None if known else WIDTH, highlight=False)


def headline(sentence: str, style: str) -> Text:
    """Return the one sentence that says it all: piped, it stays one line; print it with `crop=False`."""
    piped = not sys.stdout.isatty()
    return Text(sentence, style=style, no_wrap=piped, overflow="ignore" if piped else "fold")
