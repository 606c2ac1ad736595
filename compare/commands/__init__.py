r"""The command `parity`; `python -m compare` is the same. Each command imports what it needs when it runs."""

from __future__ import annotations

import typer

from compare.commands.check import check
from compare.commands.run import run

app = typer.Typer(
    help="Train by hand in NumPy and in PyTorch, side by side, and prove that every number agrees.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 parity, 1 divergence, 2 bad input.",
)


@app.callback()
def parity() -> None:
    """Train by hand in NumPy and in PyTorch, side by side, and prove that every number agrees."""


app.command()(run)
app.command()(check)


def main() -> None:
    """Run the command line; bad input ends with one sentence on stderr and exit code 2."""
    app()
