r"""What a recording says of itself, in the strings of safetensors' `__metadata__`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compare.configuration import Configuration
from compare.recording.container import read_json, short
from compare.recording.declaration import configured
from compare.recording.names import whole

FORMAT = "parity-trace/1"
LAYOUT = "columns"
REQUIRED = ("format", "layout", "dtype", "steps", "configuration")


@dataclass(frozen=True)
class About:
    """What is declared of a run: of what, in which type, how many steps; and who made it, if that is told."""

    configuration: Configuration
    dtype: str
    steps: int
    names: tuple[str, ...] | None = None  # all entries that occur
    seed: int | None = None
    program: str = ""
    data: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def declared(self) -> dict[str, str]:
        """Return the same as metadata, which holds strings only.

        >>> About(Configuration(), "float64", 3).declared()["steps"]
        '3'
        """
        optional = {
            "names": None if self.names is None else json.dumps(self.names),
            "seed": None if self.seed is None else str(self.seed),
            "program": self.program,
            "data": self.data,
            "versions": json.dumps(dict(self.versions)) if self.versions else "",
        }
        return {
            "format": FORMAT,
            "layout": LAYOUT,
            "dtype": self.dtype,
            "steps": str(self.steps),
            "configuration": json.dumps(self.configuration.declared()),
        } | {name: text for name, text in optional.items() if text}


def about(metadata: Mapping[str, str]) -> About:
    """Return what the metadata of a file declares; ValueError for what is missing, unknown or malformed."""
    if "format" not in metadata:
        raise ValueError(
            f"it is a safetensors file but no recording: its __metadata__ lacks format: {FORMAT}"
        )
    expect(metadata, "format", (FORMAT,))
    for name in REQUIRED:
        if name not in metadata:
            raise ValueError(f"its __metadata__ lacks {name}; it needs {', '.join(REQUIRED)}")
    expect(metadata, "layout", (LAYOUT,))
    expect(metadata, "dtype", ("float64", "float32"))
    return About(
        configured(metadata["configuration"]),
        metadata["dtype"],
        count(metadata, "steps"),
        names(metadata),
        count(metadata, "seed") if "seed" in metadata else None,
        metadata.get("program", ""),
        metadata.get("data", ""),
        versions(metadata),
    )


def expect(metadata: Mapping[str, str], name: str, known: Sequence[str]) -> None:
    if metadata[name] not in known:
        raise ValueError(f"its {name} is {short(metadata[name])}; expected {' or '.join(known)}")


def count(metadata: Mapping[str, str], name: str) -> int:
    text = metadata[name]
    if not (
        whole(text) or (name == "seed" and len(text) <= 20 and text.isascii() and text.isdigit())
    ):
        raise ValueError(f"its {name} is {short(text)}; expected a whole number, such as 100")
    return int(text)


def names(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    if "names" not in metadata:
        return None
    found = read_json(metadata["names"], "names")
    if not isinstance(found, list) or not all(isinstance(n, str) for n in found):
        raise ValueError(f'its names are {short(found)}; expected a list such as ["Z1", "A1"]')
    return tuple(found)


def versions(metadata: Mapping[str, str]) -> dict[str, str]:
    found: Any = read_json(metadata.get("versions", "{}"), "versions")
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise ValueError(
            f'its versions are {short(found)}; expected {{"numpy": "2.4.6"}} or the like'
        )
    return found
