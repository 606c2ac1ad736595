r"""The results of a sweep in one SQLite file: what is committed survives the death of the process."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from compare.sweeping.outcomes import Outcome

COLUMNS = [f.name for f in fields(Outcome)]
MARK = 0x70617269  # SQLite's application_id of these files
OFTEN = 0.5  # seconds between commits: what a killed sweep does again
SCHEMA = f"""
PRAGMA application_id = {MARK};
CREATE TABLE grid (declared TEXT NOT NULL);
CREATE TABLE cells (key TEXT PRIMARY KEY, cell TEXT NOT NULL, verdict TEXT NOT NULL,
  steps INTEGER, arrays INTEGER, numbers INTEGER, margin REAL, entry TEXT, loss REAL,
  seconds REAL, says TEXT) WITHOUT ROWID;
"""
Row = Mapping[str, Any]


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file of results; whatever SQLite refuses is told in one sentence."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection
    except sqlite3.DatabaseError as error:
        raise ValueError(
            f"{path}: {error}; the results that were committed are whole: make room for it, or "
            "mend the file, and go on with --resume"
        ) from None


def create(connection: sqlite3.Connection, declared: Mapping[str, Any]) -> None:
    """Make a new file one of results for a grid."""
    grid = json.dumps(declared).replace("'", "''")
    insert = f"INSERT INTO grid VALUES ('{grid}');"
    connection.executescript(f"BEGIN; {SCHEMA} {insert} COMMIT;")


def declared(path: Path) -> str:
    """Return the grid that a file holds the results of, as JSON; ValueError where it is no such file."""
    if not path.is_file():
        raise ValueError(f"{path}: there are no results to go on from; leave --resume out")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as connection:
            (mark,) = connection.execute("PRAGMA application_id").fetchone()
            row = (
                connection.execute("SELECT declared FROM grid").fetchone() if mark == MARK else None
            )
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path} cannot be read as results of a sweep: {error}") from None
    if row is None or not isinstance(row[0], str):
        raise ValueError(f"{path} holds no results of a sweep; name another file")
    return str(row[0])


def keys(connection: sqlite3.Connection) -> set[str]:
    """Return the keys of the cells that are done."""
    return {key for (key,) in connection.execute("SELECT key FROM cells")}


def kept(connection: sqlite3.Connection, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Pass the outcomes through, each written once, and commit often; at the end, however it comes, too."""
    places = ", ".join("?" * len(COLUMNS))
    last = time.monotonic()
    try:
        for outcome in outcomes:
            connection.execute(f"INSERT OR IGNORE INTO cells VALUES ({places})", astuple(outcome))
            if time.monotonic() - last > OFTEN:
                connection.commit()
                last = time.monotonic()
            yield outcome
    finally:
        connection.commit()


def selected(connection: sqlite3.Connection, where: str = "", limit: int = -1) -> list[Row]:
    """Return rows as dictionaries."""
    query = f"SELECT {', '.join(COLUMNS)} FROM cells {where} LIMIT {limit}"
    return [dict(row) for row in connection.execute(query)]
