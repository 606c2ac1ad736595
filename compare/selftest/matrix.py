r"""The kill matrix: of the planted mistakes, by kind of formula, how many are caught, localised and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from compare.reports.console import columns
from compare.selftest.kills import GROUPS, Kill

HEADER = ("formula", "mistakes", "caught", "localised", "named alone", "in a set", "wrong name")
UNSHOWN = "shows nothing"
ORDER = (*dict.fromkeys(GROUPS.values()), "batch norm", "update rule")


def lines(kills: Sequence[Kill]) -> Iterator[tuple[str, ...]]:
    """Yield a line for each kind of formula, and one for all."""
    shown = [k for k in kills if k.outcome != UNSHOWN]
    for group in ORDER:
        if some := [k for k in shown if k.group == group]:
            yield line(group, some)
    yield line("all", shown)


def line(title: str, kills: Sequence[Kill]) -> tuple[str, ...]:
    n = Counter(k.outcome for k in kills)
    caught = len(kills) - n["missed"]
    numbers = caught, caught - n["elsewhere"], n["named"], n["in the set"], n["misnamed"]
    return (title, *(f"{x:,}" for x in (len(kills), *numbers)))


def sentence(kills: Sequence[Kill]) -> str:
    """Return what was found, in one sentence."""
    wrong = failures(kills)
    hidden = sum(k.outcome == UNSHOWN for k in kills)
    named = "every one is caught, at its formula, and named" if not wrong else (
        f"{len(wrong):,} are not caught, localised or named"
    )  # fmt: skip
    return (
        f"{len(kills) - hidden:,} mistakes planted: {named}; {hidden:,} more change nothing under "
        "the options they were tried with"
    )


def failures(kills: Sequence[Kill]) -> list[Kill]:
    return [k for k in kills if k.outcome not in ("named", "in the set", UNSHOWN)]


def terminal(kills: Sequence[Kill]) -> Table:
    """Return the matrix for a terminal, at 80 columns."""
    table = columns(*HEADER, left=("formula",))
    for row in lines(kills):
        table.add_row(*row, style="bold" if row[0] == "all" else None)
    return table


def markdown(kills: Sequence[Kill]) -> str:
    """Return the matrix with its sentence as Markdown, as the README has it between its marks."""
    rule = ("---", *("---:" for _ in HEADER[1:]))
    table = "\n".join("| " + " | ".join(row) + " |" for row in (HEADER, rule, *lines(kills)))
    said = sentence(kills)
    return f"{said[0].upper()}{said[1:]}.\n\n{table}\n"


def declared(kills: Sequence[Kill]) -> list[dict[str, Any]]:
    """Return every planted mistake as plain data, for JSON."""
    return [{"formula": k.group, **vars(k), "names": list(k.names)} for k in kills]
