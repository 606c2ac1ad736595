r"""The structure of a recording, checked on its header alone: nothing missing, nothing strange, every shape right."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from compare.configuration import Configuration
from compare.recording.container import Field, short
from compare.recording.declaration import slots, varying
from compare.recording.metadata import About
from compare.recording.names import is_input, is_state, place, shape, types
from compare.traces import kind, parameters

Step = dict[str, Field]
ROOM = 2**26  # elements of one layer of one step that a file need not itself hold


@dataclass(frozen=True)
class Structure:
    """What is in a recording: the fields of the initial state and of each step, and the sizes of the net."""

    initial: Step
    steps: tuple[Step, ...]
    sizes: tuple[int, ...]
    slots: tuple[str, ...]
    batches: dict[str, list[int]] = field(default_factory=dict)  # the step that X, Y of each step lie in

    def examples(self, k: int) -> int:
        """Return the number of examples of step k."""
        return self.steps[self.batches["X"][k]]["X"].shape[1]


def structure(path: Path, about: About, fields: Mapping[str, Field]) -> Structure:
    """Return the structure of a recording; ValueError for whatever does not fit."""
    initial, steps = parted(fields, about.steps)
    sizes = layer_sizes(initial, about.configuration)
    found = Structure(initial, steps, sizes, slots(about.configuration))
    check_initial(found, about)
    for name in ("X", "Y"):
        found.batches[name] = list(lying(name, steps))
    room = max(ROOM, os.path.getsize(path))
    for k, step in enumerate(steps):
        check_step(found, about, k, step, room)
    check_names(steps, about.names)
    return found


def parted(fields: Mapping[str, Field], count: int) -> tuple[Step, tuple[Step, ...]]:
    """Return the fields of the initial state and of each step, by their names there."""
    initial: Step = {}
    steps: dict[int, Step] = {}
    for name, facts in fields.items():
        where = place(name)
        (initial if where.step is None else steps.setdefault(where.step, {}))[where.name] = facts
    if not steps or count != len(steps) or max(steps) != len(steps) - 1:
        numbers = f"{len(steps)} steps, numbered up to {max(steps)}" if steps else "no step"
        raise ValueError(f"it declares {count} steps, numbered from 0, but has {numbers}")
    return initial, tuple(steps[k] for k in range(len(steps)))


def layer_sizes(initial: Step, c: Configuration) -> tuple[int, ...]:
    """Return n_x, n_1, ..., n_y, by the shapes of W1, W2, ..."""
    sizes: list[int] = []
    for l in range(1, len(c.activations) + 1):
        W = initial.get(f"W{l}")
        if W is None:
            raise ValueError(f"initial/W{l} is missing: there are {len(c.activations)} activations")
        if len(W.shape) != 2 or (sizes and W.shape[1] != sizes[-1]):
            expected = sizes[-1] if sizes else "n_x"
            raise ValueError(f"initial/W{l} is {W.shape}; expected (n_{l}, {expected})")
        sizes += [W.shape[0]] if sizes else [W.shape[1], W.shape[0]]
    return tuple(sizes)


def check_initial(found: Structure, about: About) -> None:
    c, initial = about.configuration, found.initial
    for name, facts in initial.items():
        if not is_state(name):
            raise ValueError(f"initial/{name} is no state: a run starts from parameters and slots")
        check_field(f"initial/{name}", name, facts, found.sizes, 1, about.dtype)
    names = parameters(initial)
    for name in c.frozen:
        if name not in names:
            raise ValueError(f"the configuration freezes {name}, which initial has not")
    needed = list(required(c, len(found.sizes) - 1, initial))
    given = {n for n in initial if "." in n}
    rule = [f"{s}.{n}" for n in names if n not in c.frozen for s in found.slots]
    sums = [f"a.{n}" for n in names if n not in c.frozen]
    needed += rule if given - {*sums} else []
    needed += [*sums, "micro"] if given & {*sums} or "micro" in initial else []
    if missing := [n for n in needed if n not in initial]:
        raise ValueError(f"initial/{missing[0]} is missing: a step of this configuration reads it")
    if strange := sorted(given - {*rule, *sums}):
        raise ValueError(f"initial/{strange[0]} is nothing that {c.optimizer} keeps")


def required(c: Configuration, layers: int, initial: Step) -> Iterator[str]:
    """Yield what the initial state needs besides W: the running statistics, gamma and beta together."""
    for l in range(1, layers if c.batch_norm is not None else 1):
        yield from (f"running_mean{l}", f"running_var{l}", f"batches{l}")
        if f"gamma{l}" in initial or f"beta{l}" in initial:
            yield from (f"gamma{l}", f"beta{l}")


def lying(name: str, steps: Sequence[Step]) -> Iterator[int]:
    """Yield, for each step, the last step up to it that has the input `name`."""
    last = 0
    if name not in steps[0]:
        raise ValueError(f"step/0/{name} is missing: a batch may be left out only where it is the last one again")
    for k, step in enumerate(steps):
        last = k if name in step else last
        yield last


def check_step(found: Structure, about: About, k: int, step: Step, room: int) -> None:
    c, dtype = about.configuration, about.dtype
    m = found.examples(k) if len(found.steps[found.batches["X"][k]]["X"].shape) == 2 else 0
    for name in ("X", "Y"):
        facts = found.steps[found.batches[name][k]][name]
        check_field(f"step/{k}/{name}", name, facts, found.sizes, m, dtype)
    for l in range(1, len(c.activations) if c.dropout else 1):
        if f"mask{l}" not in step:
            raise ValueError(f"step/{k}/mask{l} is missing: dropout needs the mask of every hidden layer")
    for name, facts in step.items():
        if not is_input(name) or kind(name) == "mask":
            check_field(f"step/{k}/{name}", name, facts, found.sizes, m, dtype)
        elif name.startswith("option/"):
            check_option(c, f"step/{k}/{name}", facts)
    if all(map(is_input, step)):
        raise ValueError(f"step {k} shows no entry: there is nothing to compare")
    if m < 2 and c.batch_norm is not None:
        raise ValueError(f"step {k} has {m} example; batch norm needs 2 or more")
    if m * max(found.sizes) > room:
        raise ValueError(f"step {k} has layers of {m * max(found.sizes)} numbers, more than the file holds")


def check_field(
    full: str, name: str, facts: Field, sizes: Sequence[int], m: int, dtype: str
) -> None:
    expected = shape(name, sizes, m)
    if expected is None:
        raise ValueError(f"{short(full)} is no entry of a net with {len(sizes) - 1} layers")
    if facts.shape != expected:
        raise ValueError(f"{full} is {facts.shape} where {expected} should stand")
    if facts.dtype not in types(name, dtype):
        raise ValueError(f"{full} is {facts.dtype} where {' or '.join(types(name, dtype))} should stand")


def check_option(c: Configuration, full: str, facts: Field) -> None:
    name = full.rpartition("/")[2]
    if name not in varying(c):
        raise ValueError(f"{short(full)} is no number that {c.optimizer} takes; it takes {', '.join(varying(c))}")
    if facts != Field("F64", ()):
        raise ValueError(f"{full} is {facts.dtype} {facts.shape} where F64 () should stand")


def check_names(steps: Sequence[Step], declared: Sequence[str] | None) -> None:
    """Refuse entries that are not those that the file itself declares."""
    if declared is None:
        return
    found = dict.fromkeys(name for step in steps for name in step if not is_input(name))
    if missing := [n for n in declared if n not in found]:
        raise ValueError(f"its names declare {short(missing[0])}, which no step has")
    if extra := found.keys() - {*declared}:
        raise ValueError(f"its names do not declare {short(min(extra))}, which a step has")


def alone(found: Structure, c: Configuration) -> bool:
    """Tell whether every step can be verified by itself: the one before it shows all that it starts from."""
    names = parameters(found.initial)
    moving = [n for n in names if n not in c.frozen]
    always = {*names, *required(c, len(found.sizes) - 1, found.initial)}
    slots = {f"{s}.{n}" for s in found.slots for n in moving}
    if c.accumulate > 1:
        always |= {"micro", *(f"a.{n}" for n in moving)}
    kept = not slots or slots <= found.initial.keys()
    for k, step in enumerate(found.steps[:-1]):
        kept = kept or k % c.accumulate == c.accumulate - 1 or not slots.isdisjoint(step)
        if not always | (slots if kept else set()) <= step.keys():
            return False
    return True
