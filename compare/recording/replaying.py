r"""A recorded step made ready for its formulas, and the steps up to a wrong one made ready for a diagnosis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from compare.diagnosis.scene import Scene, Shown, stepped
from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked
from compare.operands import NOTHING
from compare.recording.names import is_state
from compare.recording.reading import Recording

Carried = Mapping[str, Tracked]


def step(recording: Recording, k: int, carried: Carried = NOTHING) -> Shown:
    """Return step k of a recording; the dropout masks are in its state."""
    batch = recording.batch(k)
    state = {**recording.state(k), **batch.state}
    formulas = recording.configuration.formulas(**batch.options)
    return Shown(recording.trace(k), state, batch.X, batch.Y, formulas, carried)


def replay(recording: Recording, first: int = 0, last: int | None = None) -> Iterator[Shown]:
    """Yield the steps from `first` to `last`, what they do not show carried along from the first on."""
    carried: Carried = NOTHING
    for k in range(first, len(recording) if last is None else last + 1):
        replayed = step(recording, k, carried)
        yield replayed
        carried = unshown(replayed, dict(stepped(replayed, replayed.formulas)))


def unshown(made: Shown, results: Carried) -> dict[str, Tracked]:
    """Return the state after a step that the recording does not show."""
    return {n: x for n, x in results.items() if n not in made.trace and is_state(n)}


def scene(path: Path | str, wrong: Divergence, *, before: int = 3) -> Scene:
    """Return the steps up to the wrong one, for `compare.diagnosis.diagnose`.

    They are a few where each shows the state that the next one starts from, else all from the first.
    """
    recording = Recording(path)
    first = max(0, wrong.step - before) if recording.alone else 0
    return Scene(tuple(replay(recording, first, wrong.step)), wrong.origin)
