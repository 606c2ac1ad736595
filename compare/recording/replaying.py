r"""Steps of a recording as a diagnosis looks at them: what was shown, what it started from, and the right formulas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from compare.diagnosis.scene import Scene, Shown
from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked
from compare.judgement import NOTHING, stated
from compare.recording.names import is_state
from compare.recording.reading import Recording

Carried = Mapping[str, Tracked]


def shown_step(recording: Recording, k: int, carried: Carried = NOTHING) -> Shown:
    """Return step k as the recording shows it: trace, state, X, Y and the formulas of its options."""
    batch = recording.batch(k)
    state = {**recording.state(k), **batch.state}
    formulas = recording.configuration.formulas(**batch.options)
    return Shown(recording.trace(k), state, batch.X, batch.Y, formulas, carried)


def scene(path: Path | str, wrong: Divergence, *, before: int = 3) -> Scene:
    """Return the steps up to the wrong one, for `compare.diagnosis.diagnose`.

    They are a few where each shows the state that the next one starts from, else all from the first.
    """
    recording = Recording(path)
    first = max(0, wrong.step - before) if recording.alone else 0
    return Scene(tuple(replay(recording, first, wrong.step)), wrong.origin)


def replay(recording: Recording, first: int, last: int) -> Iterator[Shown]:
    """Yield the steps from `first` to `last` as shown, what they do not show carried along."""
    carried: Carried = NOTHING
    for k in range(first, last + 1):
        shown = shown_step(recording, k, carried)
        yield shown
        reading = stated(
            shown.formulas, shown.trace, shown.state, shown.X, shown.Y, own=True, carried=carried
        )
        carried = {n: x for n, x in reading if n not in shown.trace and is_state(n)}
