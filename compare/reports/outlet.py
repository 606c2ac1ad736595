r"""Standard output as it may be: a pipe whose reader has read enough, a disk that is full."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)
class Outlet:
    """A text stream that goes on where its pipe is closed, and ends with a sentence where it cannot write.

    Where it is standard error itself, it goes on in any case: the exit code is all that can be told.
    """

    stream: Any
    silent: bool = False

    def write(self, text: str) -> int:
        return self.tried(lambda: self.stream.write(text)) or len(text)

    def flush(self) -> None:
        self.tried(self.stream.flush)

    def tried(self, act: Any) -> Any:
        try:
            return act()
        except BrokenPipeError:
            self.abandon()
        except OSError as error:
            self.abandon()
            if self.silent:
                return None
            print(f"parity: cannot write to standard output: {error.strerror}", file=sys.stderr)
            raise SystemExit(2) from None
        return None

    def abandon(self) -> None:
        """Send what is still to be written nowhere, or it would be an error once more at the end."""
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


REPORTS: ContextVar[Outlet | None] = ContextVar("REPORTS", default=None)  # where "-" is written


@contextmanager
def outlet(*, aside: bool = False) -> Iterator[None]:
    """Write to standard output and error through Outlets for the time being.

    What is told goes to standard error too where it is to stand aside for a report.
    """
    streams = sys.stdout, sys.stderr
    held = [io.StringIO() if s is None else s for s in streams]  # None: closed before we began
    out, errors = Outlet(held[0]), Outlet(held[1], silent=True)
    sys.stdout, sys.stderr = errors if aside else out, errors
    token = REPORTS.set(out)
    try:
        yield
        out.flush()
        errors.flush()
    finally:
        REPORTS.reset(token)
        sys.stdout, sys.stderr = streams
