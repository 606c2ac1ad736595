r"""What the commands share: reading `name=value` options, and refusing bad input in one sentence."""

from __future__ import annotations

import ast
import errno
import inspect
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import typer


@contextmanager
def refusing() -> Iterator[None]:
    """Turn an error of bad input, or too large a one, into the one sentence that ends the command with exit code 2."""
    try:
        yield
    except (ValueError, OSError, MemoryError) as error:
        print(f"parity: {' '.join(sentence(error).split())}", file=sys.stderr)
        raise typer.Exit(2) from None


def sentence(error: ValueError | OSError | MemoryError) -> str:
    """Return what an error says; one of the system with the file it is about, and a way out.

    >>> sentence(OSError(errno.ENOSPC, "No space left on device", "a.json"))
    'a.json: No space left on device; make room, or name a file elsewhere'
    """
    if isinstance(error, MemoryError):
        return f"not enough memory: {error or 'none is left'}; give smaller sizes"
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return f"{where}{error.strerror}; {'make room, or ' * full}name a file elsewhere"


def assigned(pairs: Sequence[str]) -> dict[str, Any]:
    """Read options such as `momentum=0.9`, `nesterov=true`, `betas=(0.9,0.99)`.

    >>> assigned(["momentum=0.9", "nesterov=true"])
    {'momentum': 0.9, 'nesterov': True}
    """
    options = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"cannot read option {pair!r}; write NAME=VALUE, as in momentum=0.9")
        if name in options:
            raise ValueError(f"option {name} is given twice; give it once")
        options[name] = value(name, text)
    return options


def value(name: str, text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return floats(ast.literal_eval(text))
    except (SyntaxError, ValueError):
        raise ValueError(
            f"option {name} got {text!r}; expected a number, true, false, none or (a, b)"
        ) from None


def floats(x: Any) -> Any:
    """Return a pair of numbers as a pair of floats, which torch insists on; anything else as it is.

    >>> floats((0, 1)), floats(3)
    ((0.0, 1.0), 3)
    """
    return tuple(map(float, x)) if is_pair(x) else x


def known_function(module: ModuleType, name: str, what: str) -> Any:
    """Return the function `name` that a package offers, or refuse with the names there are."""
    names = module.__all__
    if name in names:
        return getattr(module, name)
    near = get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}? There" if near else "there"
    raise ValueError(f"unknown {what} {name!r}; {hint} are {', '.join(names)}")


def check_dtype(dtype: str) -> None:
    """Refuse a type that no formula is stated for."""
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype {dtype!r} is not known; choose float64 or float32")


def check_options(function: Any, options: Mapping[str, Any], what: str) -> None:
    """Refuse an option that a rule, activation, loss or schedule does not have, and a value of the wrong kind."""
    signature = inspect.signature(function).parameters.values()
    takes = {p.name: p.annotation for p in signature if p.kind is p.KEYWORD_ONLY}
    for name, given in options.items():
        if name not in takes:
            raise ValueError(f"{what} has no option {name!r}; it has {', '.join(takes) or 'none'}")
        fits, expected = KINDS.get(takes[name], (lambda x: True, ""))
        if not fits(given):
            raise ValueError(f"{what} got {name}={given!r}; expected {expected}")


def is_number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)


def is_pair(x: Any) -> bool:
    return isinstance(x, tuple | list) and len(x) == 2 and all(map(is_number, x))


KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "float": (is_number, "a finite number"),
    "float | None": (lambda x: x is None or is_number(x), "a finite number or none"),
    "int": (lambda x: is_number(x) and isinstance(x, int), "a whole number"),
    "bool": (lambda x: isinstance(x, bool), "true or false"),
    "str": (lambda x: isinstance(x, str), "a word in quotes"),
    "tuple[float, float]": (is_pair, "two finite numbers, as in (0.9, 0.999)"),
}


def writable(path: Path | None) -> None:
    """Refuse, before any work is done, a file that could not be written at the end."""
    if path is None:
        return
    if path.is_dir():
        raise ValueError(f"cannot write {path}: it is a folder; name a file")
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror}; name another file") from None


def destinations(*files: Path | None, read: Sequence[Path | str | None] = ()) -> None:
    """Refuse files that could not be written, two reports in one file, and one in a file that is `read`."""
    for file in files:
        writable(file)
    named = [file.resolve() for file in files if file is not None]
    if len(set(named)) < len(named):
        raise ValueError(f"two reports cannot both be written to {named[0]}; name two files")
    for source in read:
        if source and Path(source).resolve() in named:
            raise ValueError(
                f"a report would be written over {source}, which is read; name another file"
            )


REPRO = "where it is wrong, write the smallest reproduction: FILE.npz and a script beside it"


def reproducing(repro: Path | None) -> tuple[Path, ...]:
    """Return the two files of a reproduction; ValueError unless the one named is an NPZ."""
    if repro is None:
        return ()
    if repro.suffix != ".npz":
        raise ValueError(f"--repro is {repro}; name a file that ends in .npz")
    return repro, repro.with_suffix(".py")
