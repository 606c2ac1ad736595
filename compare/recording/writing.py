r"""Writing a run as it goes by: the data to disk at once, the header when it is known, the file in place at the end."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from compare.recording.container import LIMIT
from compare.recording.metadata import About
from compare.traces import Array
from compare.verification import Batch

TYPES = {"float64": "F64", "float32": "F32", "int64": "I64"}
BUFFER = 2**20


@dataclass
class Sink:
    """Where tensors go: their bytes to `data`, what the header says of them to `fields`."""

    data: BinaryIO
    fields: list[str]
    names: dict[str, None]  # of entries, as they first occur
    position: int = 0
    header: int = 0

    def put(self, name: str, x: Array) -> None:
        """Write one tensor; ValueError for another type, or a header past what safetensors reads."""
        x = np.asarray(x)
        if str(x.dtype) not in TYPES:
            raise ValueError(f"{name} is {x.dtype}; a recording holds {', '.join(TYPES)}")
        raw = x.astype(x.dtype.newbyteorder("<")).tobytes()
        end = self.position + len(raw)
        facts = {
            "dtype": TYPES[str(x.dtype)],
            "shape": x.shape,
            "data_offsets": (self.position, end),
        }
        text = f"{json.dumps(name)}:{json.dumps(facts, separators=(',', ':'))}"
        self.data.write(raw)
        self.fields.append(text)
        self.position, self.header = end, self.header + len(text) + 1
        if self.header > LIMIT - 2**20:
            raise ValueError(
                f"{name}: {len(self.fields)} tensors need a header of over {LIMIT // 10**6} MB, the most "
                "that safetensors reads; record fewer steps"
            )


@contextmanager
def sink(path: Path) -> Iterator[tuple[Sink, Callable[[Mapping[str, str]], None]]]:
    """Give a Sink, and the function that makes the file of it; whatever goes wrong, nothing half-written stays."""
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.")
        folder = Path(stack.enter_context(made))
        data = stack.enter_context((folder / "data").open("w+b", buffering=BUFFER))
        out = Sink(data, [], {})

        def finish(metadata: Mapping[str, str]) -> None:
            with (folder / "whole").open("wb") as file:
                file.write(heading(metadata, out.fields))
                data.seek(0)
                shutil.copyfileobj(data, file, BUFFER)
            os.replace(folder / "whole", path)

        yield out, finish


def heading(metadata: Mapping[str, str], fields: Iterable[str]) -> bytes:
    """Return the length of the header and the header, padded so that the data starts at a multiple of 8."""
    parts = (f'"__metadata__":{json.dumps(dict(metadata))}', *fields)
    text = ("{" + ",".join(parts) + "}").encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


@dataclass(frozen=True)
class Written:
    """What a recording holds: steps, tensors, and its size in bytes."""

    steps: int
    tensors: int
    size: int


def record(
    path: Path | str,
    step: Callable[..., dict[str, Array]],
    state: Mapping[str, Array],
    batches: Iterable[Batch],
    about: About,
    *,
    force: bool = False,
) -> Written:
    """Make the run, and write it as it goes: inputs, initial state and every entry of every step.

    `about.steps` and `about.names` are filled in. Raises ValueError where the file exists, unless
    `force` is given, where its folder does not, and where there is no batch.
    """
    path = Path(path)
    if path.exists() and not force:
        raise ValueError(f"{path} exists; name another file, or overwrite it with --force")
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: name a file in a folder that exists")
    with sink(path) as (out, finish):
        for name, x in state.items():
            out.put(f"initial/{name}", x)
        steps = recorded(out, step, state, batches)
        if steps == 0:
            raise ValueError("nothing was recorded: there was no batch to step on")
        finish(replace(about, steps=steps, names=tuple(out.names)).declared())
    return Written(steps, len(out.fields), path.stat().st_size)


def recorded(
    out: Sink,
    step: Callable[..., dict[str, Array]],
    state: Mapping[str, Array],
    batches: Iterable[Batch],
) -> int:
    """Write every step; an X or Y that is the very one of the step before is not written again."""
    k, last = -1, None
    for k, batch in enumerate(batches):
        inputs = {"X": batch.X, "Y": batch.Y} | dict(batch.state)
        inputs |= {f"option/{n}": np.asarray(v, np.float64) for n, v in batch.options.items()}
        same = {n for n in ("X", "Y") if last is not None and getattr(last, n) is inputs[n]}
        with np.errstate(all="ignore"):
            trace = step({**state, **batch.state}, batch.X, batch.Y, **batch.options)
        for name, x in (inputs | trace).items():
            if name not in same:
                out.put(f"step/{k}/{name}", x)
        out.names |= dict.fromkeys(trace)
        state, last = trace, batch
    return k + 1
