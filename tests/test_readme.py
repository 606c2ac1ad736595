"""Everything the README shows is what the program says: its commands, its report, its check, its code."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from compare.commands import app

COMMANDS = {
    name: {flag for p in command.params for flag in p.opts}
    for name, command in typer.main.get_command(app).commands.items()
}
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")


MACHINE = ("source", "with", "oracle", "seed", "kernels", "/", "data/")  # lines that tell of it


def block(mark, language=""):
    """Return the fenced block that follows a comment."""
    found = re.search(rf"<!-- {mark} -->\s*```{language}\w*\n(.*?)```", README, re.S)
    assert found, f"the README has no block marked {mark}"
    return found.group(1)


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def parity(*arguments, cwd):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "compare", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)


def worded(text):
    """Return the words of each line, numbers left out: they are this machine's."""
    return [" ".join(NUMBER.sub("#", line).split()) for line in text.splitlines()]


def test_the_two_commands_install_and_run_the_main_job_and_the_tests():
    commands = block("commands", "sh").splitlines()
    assert len(commands) == 2
    assert all(c.startswith("pip install torch==2.13.0 ") for c in commands)
    assert [c.split("&& ")[1] for c in commands] == ["parity run", "pytest -n auto"]


def test_the_report_is_that_of_parity_run(tmp_path):
    shown = block("report", "console")
    command, _, rest = shown.partition("\n")
    assert command == "$ parity run"
    done = parity("run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = worded(done.stdout)
    missing = [line for line in worded(rest) if line not in made]
    assert [line for line in missing if not line.startswith(MACHINE)] == []
    assert len(rest.splitlines()) > 50


def test_the_check_names_the_mistake_that_the_readme_says(tmp_path):
    (tmp_path / "my_adam.py").write_text(blocks("python")[0], encoding="utf-8")
    command, _, rest = block("check", "console").partition("\n")
    done = parity(*command.removeprefix("$ parity ").split(), cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    made = worded(done.stdout)
    assert [line for line in worded(rest) if line != "..." and line not in made] == []


def test_the_fixture_fails_the_readmes_adam_and_passes_it_mended(request):
    checks = request.getfixturevalue("parity")
    scope = {}
    exec(blocks("python")[0], scope)
    with pytest.raises(AssertionError, match="epsilon inside the square root"):
        checks.check_rule(scope["MyAdam"], like="adam")
    mended = blocks("python")[0].replace("np.sqrt(v + self.eps)", "(np.sqrt(v) + self.eps)")
    exec(mended, scope)
    assert checks.check_rule(scope["MyAdam"], like="adam").right


@pytest.mark.parametrize(
    "line", [c for b in blocks("sh") for c in b.splitlines() if "parity run --" in c]
)
def test_every_run_that_the_readme_shows_ends_in_parity(line, tmp_path):
    if "wine-red" in line and "WINE_QUALITY_DIR" not in os.environ:
        pytest.skip("WINE_QUALITY_DIR is not set: the real data are not here")
    done = parity(*line.split()[1:], "--steps", "12", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_and_option_that_the_readme_shows_exists():
    shown = [c for b in blocks("sh") for c in b.splitlines() if c.startswith("parity ")]
    assert len(shown) > 8
    for line in shown:
        words = shlex.split(line, comments=True)
        known = COMMANDS[words[1]]
        assert {w for w in words[2:] if w.startswith("-")} <= known | {"--help"}, line


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target
