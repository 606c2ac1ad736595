r"""A command spelled out again, so that a report can say how to make it once more."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from compare.request import Request


def spelled_run(request: Request, *, witnesses: Sequence[str] = (), **others: Any) -> str:
    """Return the command line that asks for this run: what differs from the defaults, and no more.

    `others` are options of the command that the request does not hold.

    >>> spelled_run(Request(optimizer="sgd", options={"momentum": 0.9}, batch_norm=True))
    'parity run --optimizer sgd --set momentum=0.9 --batch-norm'
    """
    standard = Request()
    given = {f.name: getattr(request, f.name) for f in fields(Request)}
    changed = {n: x for n, x in given.items() if x != getattr(standard, n)}
    asked = [x for name in witnesses for x in ("--witness", name)]
    return " ".join([spelled("run", (), {**changed, **others}), *asked])


def spelled(command: str, words: Sequence[str], options: Mapping[str, Any]) -> str:
    """Return a command with its arguments and options; an option that is None, False or empty is left out.

    >>> spelled("check", ["my net.py:Adam"], {"like": "adam", "layout": None, "seed": 3})
    "parity check 'my net.py:Adam' --like adam --seed 3"
    """
    parts = ["parity", command, *words]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, Mapping):
            parts += [x for n, v in value.items() for x in ("--set", f"{n}={v!r}")]
        elif value is True:
            parts.append(flag)
        elif value is not None and value is not False and value != "":
            parts += [flag, str(value)]
    return shlex.join(parts)
