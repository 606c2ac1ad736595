r"""The structure of a recording, checked on its header alone: nothing missing, nothing strange, every shape right."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compare.configuration import Configuration
from compare.recording.completeness import check_initial
from compare.recording.container import Field, short
from compare.recording.hyperparameters import varying
from compare.recording.metadata import About
from compare.recording.names import (
    EVALUATED,
    is_input,
    is_state,
    other_name,
    place,
    shape,
    types,
    whole,
)
from compare.traces import kind

Step = dict[str, Field]
ROOM = 2**26  # numbers of one layer at one step that a file need not itself hold


@dataclass(frozen=True)
class Structure:
    """What a recording holds: fields of the initial state and of each step, and in which step each batch lies."""

    initial: Step
    steps: tuple[Step, ...]
    batches: Mapping[str, Sequence[int]]  # "X" and "Y": for each step, the step that has it
    evaluations: Sequence[
        Mapping[str, int]
    ]  # the same of "evalX" and "evalY", where a step evaluates
    epochs: bool  # whether the mean losses of epochs are shown


def structure(path: Path, about: About, fields: Mapping[str, Field]) -> Structure:
    """Return the structure of a recording; ValueError for whatever does not fit."""
    c, (initial, steps) = about.configuration, parted(fields, about.steps)
    batches = {n: list(lying(n, steps)) for n in ("X", "Y")}
    epochs = any("epochloss" in step for step in steps)
    found = Structure(initial, steps, batches, list(evaluating(steps)), epochs)
    sizes = layer_sizes(initial, c)
    for name, facts in initial.items():
        if not is_state(name):
            raise ValueError(f"initial/{short(name)} is no state; a run starts from parameters")
        check_field(f"initial/{name}", facts, sizes, 1, about.dtype)
    check_initial(c, initial)
    room, varies = max(ROOM, os.path.getsize(path)), varying(c)
    for k, step in enumerate(steps):
        inputs = {n: steps[lies[k]][n] for n, lies in found.batches.items()}
        inputs |= {n: steps[i][n] for n, i in found.evaluations[k].items()}
        m, evaluated = (examples(inputs.get(n)) for n in ("X", "evalX"))
        check_batch(c, k, step, m)
        if (most := max(m, evaluated) * max(sizes)) > room:
            raise ValueError(f"step {k} needs {most:,} numbers for its layers; the file has fewer")
        check_biases(c, k, step, initial)
        for name, facts in (inputs | step).items():
            columns = evaluated if name.startswith("eval") else m
            check_entry(f"step/{k}/{name}", facts, sizes, columns, about.dtype, varies)
    check_names(steps, about.names)
    return found


def parted(fields: Mapping[str, Field], count: int) -> tuple[Step, tuple[Step, ...]]:
    """Return the fields of the initial state and of each step, by their names there."""
    initial: Step = {}
    steps: dict[int, Step] = {}
    for name, facts in fields.items():
        where = place(name)
        part = initial if where.step is None else steps.setdefault(where.step, {})
        part[where.name] = facts
    if not steps or count != len(steps) or max(steps) != len(steps) - 1:
        lost = sorted({*range(max(steps, default=0))} - {*steps})
        last = (
            f"step {lost[0]} is missing"
            if lost
            else f"the last of them step {max(steps, default=0)}"
        )
        found = f"{len(steps)} of them, {last}" if steps else "no step"
        raise ValueError(f"it declares {count} steps, numbered from 0, but has {found}")
    return initial, tuple(steps[k] for k in range(len(steps)))


def lying(name: str, steps: Sequence[Step]) -> Iterator[int]:
    """Yield, for each step, the last step up to it that has the input `name`."""
    last = 0
    if name not in steps[0]:
        raise ValueError(
            f"step/0/{name} is missing; a later batch may be left out, to stay the same"
        )
    for k, step in enumerate(steps):
        last = k if name in step else last
        yield last


def evaluating(steps: Sequence[Step]) -> Iterator[dict[str, int]]:
    """Yield, for each step that shows an evaluation, the last steps up to it that have its inputs; else nothing."""
    last: dict[str, int] = {}
    for k, step in enumerate(steps):
        last |= {n: k for n in EVALUATED if n in step}
        shown = [n for n in step if n.startswith("eval")]
        needed = EVALUATED if "evalloss" in shown else EVALUATED[:1] if shown else ()
        if missing := [n for n in needed if n not in last]:
            raise ValueError(f"step/{k}/{missing[0]} is missing: step {k} shows {short(shown[0])}")
        yield {n: last[n] for n in EVALUATED if shown and (n in needed or n in step)}


def examples(X: Field | None) -> int:
    return X.shape[-1] if X is not None and X.shape else 0


def layer_sizes(initial: Step, c: Configuration) -> tuple[int, ...]:
    """Return n_x, n_1, ..., n_y, by the shapes of W1, W2, ..."""
    sizes: list[int] = []
    for l in range(1, len(c.activations) + 1):
        W = initial.get(f"W{l}")
        if W is None:
            first = "; layers are numbered from 1" if "W0" in initial else ""
            raise ValueError(
                f"initial/W{l} is missing; there are {len(c.activations)} activations{first}"
            )
        if len(W.shape) != 2 or (sizes and W.shape[1] != sizes[-1]):
            expected = sizes[-1] if sizes else "n_x"
            before = initial.get(f"W{l - 1}", W).shape
            turned = "; write weights as (out, in)" if W.shape[:1] == before[1:] else ""
            raise ValueError(
                f"initial/W{l} is {W.shape} where (n_{l}, {expected}) should stand{turned}"
            )
        sizes += [W.shape[0]] if sizes else [W.shape[1], W.shape[0]]
    return tuple(sizes)


def check_batch(c: Configuration, k: int, step: Step, m: int) -> None:
    """Refuse a step that shows nothing, that lacks a mask, or that has too few examples."""
    if all(map(is_input, step)):
        raise ValueError(f"step {k} shows no entry: there is nothing to compare")
    for l in range(1, len(c.activations) if c.dropout else 1):
        if f"mask{l}" not in step:
            raise ValueError(
                f"step/{k}/mask{l} is missing; dropout needs one for each hidden layer"
            )
    if m < 2 and c.batch_norm is not None:
        raise ValueError(f"step {k} has {m} example; batch norm needs 2 or more")


def check_entry(
    full: str, facts: Field, sizes: Sequence[int], m: int, dtype: str, varies: Sequence[str]
) -> None:
    option = full.partition("/option/")[2]
    if not option:
        check_field(full, facts, sizes, m, dtype)
    elif option not in varies:
        raise ValueError(f"{short(full)} may not vary; what may is {', '.join(varies)}")
    elif facts != Field("F64", ()):
        raise ValueError(f"{full} is {facts.dtype} {facts.shape} where F64 () should stand")


def check_field(full: str, facts: Field, sizes: Sequence[int], m: int, dtype: str) -> None:
    """Refuse a tensor that a net of these sizes has not, or that has another shape or type there."""
    name = full.rpartition("/")[2]
    expected, allowed = shape(name, sizes, m), types(name, dtype)
    if expected is None:
        near = other_name(name, sizes)
        hint = f"; did you mean {near}?" if near else ""
        raise ValueError(f"{short(full)} is no entry of a net with {len(sizes) - 1} layers{hint}")
    if name in ("X", "evalX") and facts.shape[:-1] != expected[:1]:
        raise ValueError(
            f"{full} is {facts.shape} where ({expected[0]}, m) should stand, one example a column"
        )
    if facts.shape != expected:
        raise ValueError(
            f"{full} is {facts.shape} where {expected} should stand{mended(facts.shape, expected)}"
        )
    if facts.dtype not in allowed:
        raise ValueError(f"{full} is {facts.dtype} where {' or '.join(allowed)} should stand")


def mended(found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """Return what to do about a shape, where that is plain.

    >>> mended((7, 5), (5, 7)), mended((7,), (7, 1)), mended((1,), ())
    ('; it is transposed', '; write its shape as [7, 1]', '; write its shape as []')
    """
    if found != expected and found == expected[::-1]:
        return "; it is transposed"
    same = math.prod(found) == math.prod(expected)
    return f"; write its shape as {list(expected)}" if same and len(found) != len(expected) else ""


def check_biases(c: Configuration, k: int, step: Step, initial: Step) -> None:
    """Refuse a parameter that a step shows and the initial state lacks: a net that lacks it has none."""
    absent = ("b",) if c.batch_norm is None else ("b", "gamma", "beta")
    for name in step:
        parameter = name.rpartition(".")[2]
        if (
            kind(parameter) in absent
            and parameter not in initial
            and whole(parameter[len(kind(parameter)) :])
        ):
            raise ValueError(
                f"initial/{parameter} is missing, though step {k} shows {name}: without it the layer has "
                "none; write zeros where it starts from zeros"
            )


def check_names(steps: Sequence[Step], declared: Sequence[str] | None) -> None:
    """Refuse entries that are not those that the file itself declares."""
    found = {name for step in steps for name in step if not is_input(name)}
    if missing := [n for n in declared or () if n not in found]:
        raise ValueError(f"its names declare {short(missing[0])}, which no step has")
    if extra := found - {*(found if declared is None else declared)}:
        raise ValueError(f"its names do not declare {short(min(extra))}, which a step has")
