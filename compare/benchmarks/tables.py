r"""The measurements as a table for a terminal, as Markdown and as plain data."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from compare.benchmarks.measures import Row
from compare.benchmarks.targets import Standing, standings

HEADER = ["case", "what", "a step", "ratio", "quartiles"]
TITLES = {
    "step": "A training step of Adam, against torch eager",
    "verified step": "A verified step, against a recorded step by hand and one of torch",
    "memory": "Peak of NumPy's memory over verified steps",
    "start-up": "Start-up, against import torch",
}
METHOD = (
    "Every ratio is measured within one run: the contestants take turns in blocks of steps, on one "
    "thread each, in processor time; a ratio is the median over the rounds, with its quartiles. "
    '"manual" records every quantity of the step; "manual training" keeps only the parameters. Each '
    'target is held against the largest ratio of medians in its range. "verified" judges every formula, '
    '"verified as a whole" every entry against that of torch alone (`parity run --level step`); both judge '
    "small nets many steps at once. The allocator is asked to keep freed memory, for all alike."
)


def machine() -> dict[str, str]:
    """Return what the numbers were measured on."""
    import numpy
    import sklearn
    import torch

    return {
        "processor": processor(),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
        "threads": "1",
    }


def processor() -> str:
    """Return the processor's name where the system tells it, else the kind of machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def duration(seconds: float) -> str:
    """Return a time with its unit.

    >>> duration(0.00012), duration(0.5), duration(3.0)
    ('120 us', '500 ms', '3.00 s')
    """
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1.0 else f"{seconds:.2f} s"


def cells(row: Row) -> list[str]:
    """Return the cells of a row, as HEADER names them."""
    case = shape(row)
    if row.bytes is not None:
        return [case, row.name, f"{row.bytes / 1e3:,.0f} kB", "", ""]
    seconds = duration(row.seconds or 0.0)
    if row.ratio is None or row.name == row.baseline:
        return [case, row.name, seconds, "1", ""]
    r = row.ratio
    return [case, row.name, seconds, f"{r.median:.2f}", f"{r.low:.2f} .. {r.high:.2f}"]


def shape(row: Row) -> str:
    if not row.case:
        return ""
    layers = f" L{row.case['layers']}" if row.case["layers"] != 1 else ""
    steps = f", {row.case['steps']} steps" if "steps" in row.case else ""
    digits = str(row.case["dtype"]).removeprefix("float")
    return f"{row.case['n_h']} x {row.case['m']} f{digits}{layers}{steps}"


def sections(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for section, title in TITLES.items():
        if chosen := [r for r in rows if r.section == section]:
            yield title, chosen


def table(title: str, rows: Sequence[Row]) -> Table:
    """Return a section for a terminal, at 80 columns."""
    out = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in HEADER:
        out.add_column(name, justify="left" if name in ("case", "what") else "right", no_wrap=True)
    for row in rows:
        out.add_row(*cells(row))
    return out


def verdicts(found: Sequence[Standing]) -> list[str]:
    """Return a sentence for each target."""
    out = []
    for s in found:
        word = {True: "met", False: "not met", None: "not measured"}[s.met]
        worst = "" if s.worst is None else f" ({s.worst:.2f})"
        out.append(f"{word}: {s.says} <= {s.most:g}{worst}")
    return out


def markdown(rows: Sequence[Row]) -> str:
    """Return the page docs/BENCHMARKS.md."""
    command = shlex.join(["parity", *sys.argv[1:]])
    lines = ["# Benchmarks", "", f"Made by `{command}`.", ""]
    lines += [METHOD, "", *(f"- {k}: {v}" for k, v in machine().items()), "", "## Targets", ""]
    lines += [f"- {line}" for line in verdicts(standings(rows))]
    for title, chosen in sections(rows):
        lines += ["", f"## {title}", "", f"| {' | '.join(HEADER)} |", "|---|---|---:|---:|---:|"]
        lines += [f"| {' | '.join(cells(row))} |" for row in chosen]
    return "\n".join(lines) + "\n"


def declared(rows: Sequence[Row]) -> dict[str, Any]:
    """Return everything as plain data, for JSON."""
    found = [asdict(s) for s in standings(rows)]
    return {"machine": machine(), "rows": [asdict(r) for r in rows], "targets": found}
