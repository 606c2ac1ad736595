r"""A recorded step made ready for its formulas, and the steps up to a wrong one made ready for a diagnosis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked
from compare.formulas.stepping import Formulas
from compare.operands import NOTHING, stated
from compare.recording.names import is_state
from compare.recording.reading import Recording

if TYPE_CHECKING:
    from compare.diagnosis.scene import Scene

Array = NDArray[Any]
Carried = Mapping[str, Tracked]


@dataclass(frozen=True)
class Step:
    """One step as recorded: what it shows, what it started from, its batch, the right formulas.

    `carried` is the state before it that the recording does not show, as the formulas have it.
    """

    trace: Mapping[str, Array]
    state: Mapping[str, Array]
    X: Array
    Y: Array
    formulas: Formulas
    carried: Carried

    def stated(self) -> dict[str, Tracked]:
        """Return every entry as its formula gives it, from the recording's own inputs to it."""
        given = self.formulas, self.trace, self.state, self.X, self.Y
        return dict(stated(*given, own=True, carried=self.carried))


def step(recording: Recording, k: int, carried: Carried = NOTHING) -> Step:
    """Return step k of a recording; the dropout masks are in its state."""
    batch = recording.batch(k)
    state = {**recording.state(k), **batch.state}
    formulas = recording.configuration.formulas(**batch.options)
    return Step(recording.trace(k), state, batch.X, batch.Y, formulas, carried)


def replay(recording: Recording, first: int = 0, last: int | None = None) -> Iterator[Step]:
    """Yield the steps from `first` to `last`, what they do not show carried along from the first on."""
    carried: Carried = NOTHING
    for k in range(first, len(recording) if last is None else last + 1):
        replayed = step(recording, k, carried)
        yield replayed
        carried = unshown(replayed, replayed.stated())


def unshown(made: Step, results: Carried) -> dict[str, Tracked]:
    """Return the state after a step that the recording does not show."""
    return {n: x for n, x in results.items() if n not in made.trace and is_state(n)}


def scene(path: Path | str, wrong: Divergence, *, before: int = 3) -> Scene:
    """Return the steps up to the wrong one, for `compare.diagnosis.diagnose`.

    They are a few where each shows the state that the next one starts from, else all from the first.
    """
    from compare.diagnosis.scene import Scene, Shown

    recording = Recording(path)
    first = max(0, wrong.step - before) if recording.alone else 0
    steps = replay(recording, first, wrong.step)
    return Scene(tuple(Shown(**vars(made)) for made in steps), wrong.origin)
