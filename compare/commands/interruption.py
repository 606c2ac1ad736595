r"""Ctrl-C: it ends a command without a traceback, also where it meets an import and Python would lose it."""

from __future__ import annotations

import _thread
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType
from typing import Any

SOON = 0.05  # seconds


def interrupt() -> None:
    """Interrupt this process as Ctrl-C does, also where it waits for something."""
    if os.name == "posix":
        os.kill(os.getpid(), signal.SIGINT)
    else:
        _thread.interrupt_main()


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Note every Ctrl-C in the list that is yielded, and raise KeyboardInterrupt as ever.

    Python drops an interrupt that is raised in a callback of its own, as those of an import are;
    such a one is raised again a little later.
    """
    noted: list[int] = []
    raised: list[Timer] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        raise KeyboardInterrupt

    def dropped(told: Any) -> None:
        if not issubclass(told.exc_type, KeyboardInterrupt):
            hook(told)
            return
        raised.append(Timer(SOON, interrupt))
        raised[-1].daemon = True
        raised[-1].start()

    hook, before = sys.unraisablehook, signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # ignored, or somebody else's
        yield noted
        return
    signal.signal(signal.SIGINT, note)
    sys.unraisablehook = dropped
    try:
        yield noted
    finally:
        for again in raised:
            again.cancel()
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = hook
