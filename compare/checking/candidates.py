r"""Finding what is to be checked: `my_net.py:MyAdam`, or the one function a file has for it."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

from compare.checking.likeness import kind_of

EXPECTED = {  # the names that a file's one candidate may have, by what it is checked as
    "rule": ("rule", "optimizer", "Optimizer", "update", "step"),
    "step": ("train_step", "step"),
    "activation": ("activation",),
    "loss": ("loss",),
    "schedule": ("schedule", "rate"),
    "initializer": ("initializer", "init"),
}


def split(target: str) -> tuple[Path, str]:
    """Return the file and the name in it, which may be empty.

    >>> split("my_net.py:MyAdam")
    (PosixPath('my_net.py'), 'MyAdam')
    """
    file, colon, name = target.rpartition(":")
    if not colon or not file or file.endswith("\\") or len(file) == 1:
        return Path(target), ""
    return Path(file), name


def loaded(target: str, like: str) -> Any:
    """Return the candidate that `target` names; ValueError says what is there instead."""
    path, name = split(target)
    if not path.is_file():
        raise ValueError(f"there is no file {path}; write FILE.py:NAME")
    module = imported(path)
    if not name:
        name = chosen(module, path, like)
    if "," in name:
        return tuple(found(module, part, path) for part in name.split(","))
    return found(module, name, path)


def imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not a Python file; write FILE.py:NAME")
    module = importlib.util.module_from_spec(spec)
    if (folder := str(path.parent.resolve())) not in sys.path:
        sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def offered(module: Any) -> list[str]:
    """Return the functions and classes that the file itself defines."""
    return [
        n
        for n, f in vars(module).items()
        if (inspect.isfunction(f) or inspect.isclass(f)) and f.__module__ == module.__name__
    ]


def found(module: Any, name: str, path: Path) -> Any:
    if hasattr(module, name):
        return getattr(module, name)
    raise ValueError(f"{path} has no {name}; it has {', '.join(offered(module)) or 'no functions'}")


def chosen(module: Any, path: Path, like: str) -> str:
    """Return the name that is meant where none is given: an expected one, or the only one there is."""
    kind, names = kind_of(like), offered(module)
    for name in (*EXPECTED[kind], like.split()[0].split("(")[0]):
        if name in names:
            return name
    if len(names) == 1:
        return names[0]
    raise ValueError(
        f"{path} has {', '.join(names) or 'no functions'}: which one is to be checked as {like!r}? "
        f"Write {path}:NAME"
    )
