r"""Checking many candidates, each in a process of its own, so that none can stop the rest."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

Outcome = dict[str, Any]


def outcomes(
    targets: Sequence[str], like: str, options: dict[str, Any], *, timeout: float
) -> Iterator[Outcome]:
    """Yield the outcome of each target in turn; one that crashes, hangs or exits is an error of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for number, target in enumerate(targets):
            yield outcome(target, like, options, timeout, Path(folder) / f"{number}.json")


def outcome(target: str, like: str, options: dict[str, Any], timeout: float, out: Path) -> Outcome:
    command = [
        sys.executable,
        "-m",
        "compare.checking.worker",
        target,
        like,
        json.dumps(options),
        str(out),
    ]
    try:
        code, told = ran(command, timeout)
    except subprocess.TimeoutExpired:
        return failed(
            target, like, f"it did not finish in {timeout:g} s; raise --timeout if it is only slow"
        )
    if not out.exists():
        return failed(target, like, ended(code, told))
    return json.loads(out.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def ran(command: Sequence[str], timeout: float) -> tuple[int, str]:
    """Run a command in a session of its own; return its exit code and what it wrote to stderr.

    Whatever it started ends with it: processes of its own would outlive a time limit.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=told,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        told.seek(0)
        return code, told.read()


def ended(code: int, told: str) -> str:
    """Return why a process left no verdict."""
    last = (told.strip().splitlines() or [""])[-1][:300]
    if code < 0:
        return f"its process was killed by signal {-code}"
    return f"its process ended with exit code {code} before a verdict{': ' + last if last else ''}"


def failed(target: str, like: str, error: str) -> Outcome:
    from compare.checking.verdict import Verdict

    verdict = Verdict(target, like, error=error)
    return {"text": str(verdict), **verdict.declared()}


def junit(results: Sequence[Outcome]) -> str:
    """Return the outcomes as a JUnit XML file, which CI systems show."""
    wrong = sum(r["verdict"] == "wrong" for r in results)
    errors = sum(r["verdict"] == "error" for r in results)
    counts = {"tests": str(len(results)), "failures": str(wrong), "errors": str(errors)}
    suite = ElementTree.Element("testsuite", {"name": "parity check", **counts})
    for r in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname=clean(r["like"]), name=clean(r["subject"])
        )
        if r["verdict"] != "right":
            tag = "failure" if r["verdict"] == "wrong" else "error"
            ElementTree.SubElement(case, tag, message=clean(r["sentence"])).text = clean(r["text"])
    ElementTree.indent(suite)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        + ElementTree.tostring(suite, encoding="unicode")
        + "\n"
    )


def clean(text: str) -> str:
    """Return the text without the control characters that XML does not allow."""
    return "".join(c for c in text if c in "\n\t" or ord(c) >= 32)
