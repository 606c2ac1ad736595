r"""Checking a whole training step, or a training run, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.checking.calling import call_step, entries, options_for, step_arguments
from compare.checking.examination import Step, examine
from compare.checking.inputs import Trial, trials
from compare.checking.layouts import LAYOUTS, Layout
from compare.checking.likeness import configuration
from compare.checking.verdict import Verdict, Wrong
from compare.configuration import Configuration
from compare.verification import Batch

Array = NDArray[Any]
SIZES, EXAMPLES = (5, 4, 3), 7


def check_step(
    train_step: Callable[..., Any],
    like: str | Configuration,
    *,
    layout: str | None = None,
    sizes: tuple[int, ...] | None = None,
    examples: int = EXAMPLES,
    steps: int = 4,
    dtype: str = "float64",
    seed: int = 0,
    name: str = "",
) -> Verdict:
    r"""Check one's own training step against the formulas that `like` names; raise Wrong where it differs.

    `train_step(state, X, Y, lr=...)` gets a fresh copy of the state: W1 $(n_1, n_x)$, b1 $(n_1, 1)$,
    ..., and whatever it showed of its last step, and a batch X $(n_x, m)$, Y $(n_y, m)$. It returns a
    mapping with as many of Z1, A1, ..., loss, dZ2, dW2, ..., m.W1, W1, ... as it has, or updates the
    state in place. What it does not show is not judged, and said.

    Args:
        train_step: the function.
        like: such as "two-layer relu mse sgd lr=0.1", or a Configuration.
        layout: "columns", "rows" (PyTorch: X is (m, n_x)) or "rows, W in x out"; found out if None.
        sizes: $(n_x, n_1, \dots, n_y)$; all different by default, so that a transpose shows.
        examples: $m$.
        steps: how many steps of each trial.
        dtype: float64 or float32.
        seed: of the inputs.
        name: what reports call it.

    Returns the Verdict if it is right. Raises Wrong, with the verdict as its text, if it is not, and
    ValueError if it cannot be judged.
    """
    verdict = examine_step(
        train_step, like, layout=layout, sizes=sizes, examples=examples, steps=steps, dtype=dtype,
        seed=seed, name=name,
    )  # fmt: skip
    return passed(verdict)


def passed(verdict: Verdict) -> Verdict:
    if verdict.error:
        raise ValueError(verdict.sentence)
    if not verdict.right:
        raise Wrong(verdict)
    return verdict


def examine_step(
    train_step: Callable[..., Any],
    like: str | Configuration,
    *,
    layout: str | None = None,
    sizes: tuple[int, ...] | None = None,
    examples: int = EXAMPLES,
    steps: int = 4,
    dtype: str = "float64",
    seed: int = 0,
    name: str = "",
) -> Verdict:
    """Return the verdict on a training step, whatever it is."""
    c = configuration(like) if isinstance(like, str) else like
    depth = len(c.activations)
    sizes = sizes or (*tuple(SIZES[0] + 2 * depth - l for l in range(depth)), SIZES[-1])
    verdict = Verdict(name or getattr(train_step, "__name__", "train_step"), c.title)
    given, notes, lacking = options_for(train_step, c.options)
    notes += [f"it takes no {option}: its own must be {c.options[option]}" for option in lacking]
    if step_arguments(train_step):
        notes.append(f"called by name: {', '.join(step_arguments(train_step) or ())}")
    verdict = replace(verdict, notes=tuple(notes))
    chosen = LAYOUTS.get(layout or "")
    if layout and chosen is None:
        raise ValueError(f"unknown layout {layout!r}; there are {', '.join(LAYOUTS)}")
    for t in trials(c, sizes, m=examples, steps=steps, dtype=dtype, seed=seed):
        program = Program(train_step, given, chosen)
        if chosen is None:
            found = program.found(t, c)
            if found is None:
                verdict = replace(
                    verdict, notes=(*verdict.notes, f"not run on {t.name}: {program.complaint}")
                )
                continue
            chosen = program.layout = found
            if chosen.name != "columns":
                verdict = replace(verdict, notes=(*verdict.notes, f"layout: {chosen.name}"))
        verdict = tried(verdict, program, c, t)
        if not verdict.right:
            return verdict
    if not verdict.shown and not verdict.error:
        kept = tuple(n for n in verdict.notes if not n.startswith("not run on"))
        sentence = f"it ran on none of the trials: {program.complaint}"
        return replace(verdict, error=sentence, notes=kept)
    return verdict


def tried(verdict: Verdict, program: Program, c: Configuration, t: Trial) -> Verdict:
    """Return the verdict after one more trial; what the candidate raises there ends it."""
    try:
        return examine(
            verdict,
            lambda b: c.formulas(**b.options),
            t.state,
            program.run(t, c),
            c.by_torch(),
            case=t.name,
        )
    except (AssertionError, MemoryError):
        raise
    except Exception as error:
        what = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        return replace(verdict, error=f"on {t.name}: {' '.join(what.split())}")


@dataclass
class Program:
    """A training step with the options it takes, and the layout it wants its arrays in."""

    function: Callable[..., Any]
    options: Mapping[str, Any]
    layout: Layout | None
    complaint: str = ""

    def found(self, t: Trial, c: Configuration) -> Layout | None:
        """Return the first layout in which the candidate runs on inputs whose sizes all differ."""
        for layout in LAYOUTS.values():
            try:
                with np.errstate(all="ignore"):
                    once = next(iter(Program(self.function, self.options, layout).run(t, c)))
            except Exception as error:
                self.complaint = self.complaint or f"{type(error).__name__}: {error}"
                continue
            if layout.fits(once[0], t):
                return layout
        return None

    def run(self, t: Trial, c: Configuration) -> Iterator[Step]:
        """Yield what the candidate shows at each step, each time from a fresh copy of its own state."""
        layout = self.layout or LAYOUTS["columns"]
        state: dict[str, Any] = dict(t.state)
        for batch in t.batches:
            start = {**state, **batch.state}
            given = layout.outward({n: np.array(x) for n, x in start.items()})
            before = {n: np.array(x) for n, x in given.items()}
            X, Y = layout.batch(batch.X), layout.batch(batch.Y)
            with np.errstate(all="ignore"):
                result = call_step(self.function, given, X, Y, {**self.options, **batch.options})
            shown = layout.inward(entries(result, before, given), start)
            state = {**state, **{n: np.array(x) for n, x in shown.items()}}
            yield shown, batch


def check_training(
    traces: Iterable[Mapping[str, Any]],
    like: str | Configuration,
    initial: Mapping[str, Array],
    batches: Iterable[Batch],
    *,
    name: str = "training run",
) -> Verdict:
    """Check a training run that goes on by itself: one mapping of entries a step, for these batches.

    The run starts at `initial`, and each step from what the step before showed. Raises Wrong where
    an entry is not what its formula makes of the run's own numbers; ValueError where there are
    fewer or more steps than batches.
    """
    return passed(examine_training(traces, like, initial, batches, name=name))


def examine_training(
    traces: Iterable[Mapping[str, Any]],
    like: str | Configuration,
    initial: Mapping[str, Array],
    batches: Iterable[Batch],
    *,
    name: str = "training run",
) -> Verdict:
    """Return the verdict on a training run, whatever it is."""
    c = configuration(like) if isinstance(like, str) else like
    verdict = Verdict(name, c.title)
    try:
        return examine(
            verdict,
            lambda b: c.formulas(**b.options),
            initial,
            paired(traces, batches),
            c.by_torch(),
            case="the run",
        )
    except ValueError as error:
        return replace(verdict, error=str(error))


def paired(traces: Iterable[Mapping[str, Any]], batches: Iterable[Batch]) -> Iterator[Step]:
    """Yield each step's entries with its batch; as many of the one as of the other."""
    steps = iter(traces)
    made = 0
    for made, batch in enumerate(batches, 1):
        trace = next(steps, None)
        if trace is None:
            raise ValueError(f"the run made {made - 1} steps, fewer than the batches it was given")
        yield {n: np.array(x) for n, x in trace.items()}, batch
    if next(steps, None) is not None:
        raise ValueError(f"the run made more than the {made} steps that it was given batches for")
