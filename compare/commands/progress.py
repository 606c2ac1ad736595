r"""Progress on a terminal's stderr while something goes by; nothing where it is piped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def progress(things: Iterable[T], total: int, what: str = "verifying") -> Iterable[T]:
    """Return the things, with a bar that is gone when they are."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if not console.is_terminal:
        return things
    return track(things, description=what, total=total, console=console, transient=True)


@contextmanager
def saying(first: str) -> Iterator[Callable[[str], None]]:
    """Yield a function that tells what is being done."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status(first) as status:
        yield lambda text: status.update(text)
