r"""Fill in what the README shows, by running it: `python docs/fill_readme.py [report check selftest kills picture]`.

Each block stands between `<!-- name -->` and `<!-- /name -->`. Without names everything that takes
seconds is made anew: the report and the check. `selftest` and `kills` take minutes, `picture` a
browser. tests/test_readme.py holds the README against the programs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
COMMANDS = {
    "report": "parity run",
    "check": "parity check my_adam.py:MyAdam --like adam",
    "selftest": "parity selftest --arrays 20000 --markdown",
    "kills": "parity selftest --faults --markdown",
}
QUICK = ("report", "check")


def output(command: str) -> str:
    """Return what a command prints, run where my_adam.py is the README's."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "my_adam.py").write_text(code(README.read_text(encoding="utf-8")))
        done = subprocess.run(
            [sys.executable, "-m", "compare", *command.split()[1:]], cwd=folder, text=True,
            stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"},
        )  # fmt: skip
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    return "\n".join(line.replace(f"{ROOT}/", "") for line in lines) + "\n"


def code(readme: str) -> str:
    """Return the first Python block: the Adam that is to be checked."""
    found = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    if found is None:
        raise ValueError("the README has no Python block")
    return found[1]


def block(name: str) -> str:
    """Return a block, made anew."""
    command = COMMANDS[name]
    shown = output(command)
    if name in QUICK:
        return f"```console\n$ {command}\n{shown}```\n"
    return shown


def filled(readme: str, name: str, made: Callable[[str], str] = block) -> str:
    r"""Return the README with one block replaced.

    >>> filled("<!-- a -->\nold\n<!-- /a -->", "a", lambda name: "new\n")
    '<!-- a -->\nnew\n<!-- /a -->'
    """
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, mark, rest = readme.partition(start)
    _, close, after = rest.partition(end)
    if not mark or not close:
        raise ValueError(f"the README has no block {name}; write {start.strip()} and {end}")
    return before + start + made(name) + end + after


def picture() -> None:
    """Draw docs/report.png: the page of a run on red wines, as a browser shows it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise ValueError("there is no chromium to draw the picture with")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        run = "run --data wine-red --steps 300 --free --html"
        subprocess.run([sys.executable, "-m", "compare", *run.split(), str(page)], check=True)
        flags = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1000,1440"]
        target = f"--screenshot={ROOT / 'docs' / 'report.png'}"
        profile = f"--user-data-dir={folder}/profile"
        drawing = [chromium, *flags, profile, target, page.as_uri()]
        subprocess.run(drawing, check=True, capture_output=True)


def main() -> None:
    for name in sys.argv[1:] or QUICK:
        if name == "picture":
            picture()
        else:
            README.write_text(filled(README.read_text(encoding="utf-8"), name), encoding="utf-8")


if __name__ == "__main__":
    main()
