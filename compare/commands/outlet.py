r"""Standard output as it may be: a pipe whose reader has read enough, a disk that is full."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)
class Outlet:
    """A text stream that goes on where its pipe is closed, and ends with a sentence where it cannot write."""

    stream: Any

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


@contextmanager
def outlet() -> Iterator[None]:
    """Write to standard output through an Outlet for the time being."""
    stream = sys.stdout
    shut = stream is None  # before we began
    sys.stdout = Outlet(io.StringIO() if shut else stream)
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout = stream
