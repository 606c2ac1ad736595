r"""Where reports are printed: as wide as the terminal is; piped, 80 columns, or as many as COLUMNS says."""

from __future__ import annotations

import os
import sys
from collections.abc import Container
from typing import Any

from rich.console import Console
from rich.table import Table
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


def columns(*names: str, left: Container[str] = (), no_wrap: bool = False, **options: Any) -> Table:
    """Return an empty table with these columns, whose numbers are ranged right; those of `left` are words."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", **options)
    for name in names:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=no_wrap)
    return table
