r"""The safetensors container of a recording, read without trusting it: header first, sizes before data."""

from __future__ import annotations

import json
import math
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

LIMIT = 100_000_000  # bytes of header, the most that the safetensors library reads
FIELDS = {"dtype", "shape", "data_offsets"}


@dataclass(frozen=True)
class Field:
    """What the header says of one tensor."""

    dtype: str
    shape: tuple[int, ...]


def contents(path: Path) -> tuple[dict[str, str], dict[str, Field]]:
    """Return the metadata and the fields of a safetensors file; ValueError says what is wrong with it.

    The library judges the types, the offsets and the sizes; what it lets pass is refused here:
    a name given twice, a member that the format does not have, a tensor without elements.
    """
    text = header(path)
    try:
        with safe_open(path, framework="numpy"):
            pass
    except SafetensorError as error:
        raise ValueError(untold(text) or f"{DAMAGED}: {error}") from None
    declared = read_json(text, "the header")
    metadata = declared.pop("__metadata__", None) or {}
    return metadata, {name: field(name, facts) for name, facts in declared.items()}


NAMED = {"f64": "F64", "float64": "F64", "double": "F64", "f32": "F32", "float32": "F32", "float": "F32",
         "single": "F32", "i64": "I64", "int64": "I64", "long": "I64"}  # fmt: skip
DAMAGED = "it is no safetensors file, or a damaged one"


def untold(text: str) -> str:
    """Return the sentence on metadata that holds what is no string, or an unknown type; "" where neither is wrong."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        for name, facts in json.loads(text).items():
            given = "" if name == "__metadata__" else str(facts["dtype"])
            if given.lower() in NAMED and given not in NAMED.values():
                return f"the dtype of {short(name)} is {short(given)}; safetensors calls it {NAMED[given.lower()]}"
        for name, value in json.loads(text)["__metadata__"].items():
            if not isinstance(value, str):
                return f"{short(name)} of its __metadata__ is {short(value)}; safetensors holds strings there, JSON included"
    return ""


def header(path: Path) -> str:
    """Return the text of the header, once its length is known to lie within the file and the limit."""
    if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe is to wait for it
        raise ValueError("it is not a plain file; name a safetensors file")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > size - 8:
            raise ValueError(
                f"it is truncated, or no safetensors file: it has {size} bytes, and a header of "
                f"{length} bytes should follow the first 8"
            )
        if length > LIMIT:
            raise ValueError(f"its header has {length} bytes; safetensors allows {LIMIT}")
        raw = file.read(length)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"its header is not UTF-8 text: byte {error.start} is wrong") from None


def field(name: str, facts: dict[str, Any]) -> Field:
    if extra := sorted(facts.keys() - FIELDS):
        raise ValueError(f"{short(name)} has {short(extra[0])}, which safetensors does not define")
    if 0 in facts["shape"]:
        raise ValueError(f"{short(name)} is empty: its shape is {facts['shape']}; leave it out")
    return Field(facts["dtype"], tuple(facts["shape"]))


def read_json(text: str, what: str) -> Any:
    """Return JSON read strictly: no name twice in an object, no NaN, no infinity.

    >>> read_json('{"lr": 1e400}', "the configuration")
    Traceback (most recent call last):
    ...
    ValueError: the configuration holds 1e400, which is not a finite number
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=lambda pairs: unique(pairs, what),
            parse_constant=lambda word: number(word, what),
            parse_float=lambda word: number(word, what),
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"{what} is not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise ValueError(f"{what} is nested too deeply to be read") from None


def unique(pairs: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{what} has {short(name)} twice")
        found[name] = value
    return found


def number(word: str, what: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"{what} holds {word[:40]}, which is not a finite number")
    return value


def short(x: object) -> str:
    """Return what was found as a message can show it: its start, quoted, in plain characters.

    >>> short("a" * 100)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..."
    """
    text = ascii(x)
    return text if len(text) <= 60 else text[:60] + "..."
