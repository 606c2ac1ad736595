r"""The command `parity`; `python -m compare` is the same. Each command imports what it needs when it runs."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer

from compare.commands.bench import bench
from compare.commands.book import book
from compare.commands.check import check
from compare.commands.experiment import experiment
from compare.commands.interruption import interrupts
from compare.commands.record import record
from compare.commands.run import run
from compare.commands.selftest import selftest
from compare.commands.sweep import sweep
from compare.reports.outlet import outlet

# What Typer's parser raises, whether Typer brings its own click along or depends on click.
UsageError: Any = typer.BadParameter.__mro__[1]

app = typer.Typer(
    help="Train by hand in NumPy and in PyTorch, side by side, and prove that every number agrees.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 parity, 1 divergence, 2 bad input, 130 interrupted.",
)


def told(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"parity {version('parity')}")
        raise typer.Exit


VERSION = typer.Option(help="Print the version, and no more.", callback=told, is_eager=True)


@app.callback()
def parity(version: Annotated[bool, VERSION] = False) -> None:
    """Train by hand in NumPy and in PyTorch, side by side, and prove that every number agrees."""


SHORT: dict[Callable[..., None], str] = {
    run: "Train by hand and by PyTorch from the same seed; compare every number.",
    check: "Check your own function, rule or step, or a recording of any language.",
    experiment: "Measure what is taught: curves and figures, both sides verified.",
    record: "Write every number of a run to a file that any language can read.",
    sweep: "Verify every combination of a grid of small nets.",
    selftest: "Measure the verifier: false alarms, smallest faults caught.",
    book: "Build the learning reference, a static site that needs no network.",
    bench: "Measure steps by hand, by PyTorch, by scikit-learn, and verified.",
}
for command, short in SHORT.items():
    app.command(short_help=short)(command)


def repeated(group: Any, words: list[str]) -> None:
    """Refuse an option that is given twice and holds one value; UsageError, as for any other bad option."""
    command = group.commands.get(words[0]) if words else None
    read = words[1 : words.index("--") if "--" in words else None]
    for option in command.params if command else ():
        names = {*getattr(option, "opts", ()), *getattr(option, "secondary_opts", ())}
        given = [
            w for w in read if w.split("=", 1)[0] in names or (w[:2] in names and w[1:2] != "-")
        ]
        if len(given) > 1 and not option.multiple and not option.is_flag:
            raise UsageError(f"{given[-1].split('=', 1)[0]} is given twice; give it once")


def dashed(words: list[str]) -> bool:
    """Tell whether a report is to be written to standard output.

    >>> dashed(["run", "--json", "-"]), dashed(["run", "--json=-"]), dashed(["run", "--json", "a-"])
    (True, True, False)
    """
    return any(w == "-" or (w[:2] == "--" and w.endswith("=-")) for w in words)


def main() -> None:
    """Run the command line; bad input ends with one sentence on stderr and exit code 2, Ctrl-C with 130."""
    with interrupts() as noted, outlet(aside=dashed(sys.argv[1:])):
        try:
            group: Any = typer.main.get_command(app)
            repeated(group, sys.argv[1:])
            code = group(sys.argv[1:] or ["--help"], standalone_mode=False)
        except UsageError as error:
            sentence = " ".join(error.format_message().split())
            print(f"parity: {sentence.rstrip('.')}; --help lists what there is", file=sys.stderr)
            code = 2
        except (typer.Abort, KeyboardInterrupt):
            code = 130
        except Exception:  # after Ctrl-C, an import that it broke
            code = 130 if noted else 2
            if not noted:
                traceback.print_exc()
                print(
                    "parity: this is a mistake of parity itself: please report it", file=sys.stderr
                )
        if code == 130:
            print("parity: interrupted", file=sys.stderr)
    sys.exit(code)
