r"""Checking a whole training step, or a training run, entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from compare.checking.elsewhere import told_apart
from compare.checking.examination import examine
from compare.checking.inputs import Trial, trials
from compare.checking.layouts import LAYOUTS, check_layout
from compare.checking.likeness import configuration
from compare.checking.programs import Load, Program, program
from compare.checking.refusals import check_sizes
from compare.checking.thresholds import clipped
from compare.checking.verdict import Verdict, Wrong
from compare.configuration import Configuration
from compare.formulas.stepping import Formulas
from compare.options import check_dtype
from compare.verification import Batch

SIZES, EXAMPLES, STEPS = (5, 4, 3), 7, 8  # in eight steps RAdam has begun to rectify


def check_step(
    train_step: Callable[..., Any],
    like: str | Configuration,
    *,
    layout: str | None = None,
    sizes: tuple[int, ...] | None = None,
    examples: int = EXAMPLES,
    steps: int = STEPS,
    dtype: str = "float64",
    seed: int = 0,
    name: str = "",
) -> Verdict:
    r"""Check one's own training step against the formulas that `like` names; raise Wrong where it differs.

    `train_step(state, X, Y, lr=...)` gets a fresh copy of the state: W1 $(n_1, n_x)$, b1 $(n_1, 1)$,
    ..., and whatever it showed of its last step, and a batch X $(n_x, m)$, Y $(n_y, m)$. It returns a
    mapping with as many of Z1, A1, ..., loss, dZ2, dW2, ..., m.W1, W1, ... as it has, or updates the
    state in place. What it does not show is not judged, and said. A parameter that it does not give
    back it has left as it was; where it gives back none, it makes no update.

    Args:
        train_step: the function; or an object or a class with a method train_step(state, X, Y), which
            may keep a state of its own: every trial starts with a new one.
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
    steps: int = STEPS,
    dtype: str = "float64",
    seed: int = 0,
    name: str = "",
    load: Load | None = None,
) -> Verdict:
    """Return the verdict on a training step, whatever it is; `load` gives the candidate anew."""
    c = configuration(like) if isinstance(like, str) else like
    depth = len(c.activations)
    check_dtype(dtype)
    check_sizes(c, sizes)
    fixed = sizes is not None
    sizes = sizes or (*tuple(SIZES[0] + 2 * depth - l for l in range(depth)), SIZES[-1])
    check_layout(layout)
    layouts = [LAYOUTS[layout]] if layout else list(LAYOUTS.values())
    classed = c.loss.startswith("cross_entropy")
    candidate, notes = program(train_step, c.options, layouts, c.optimizer, classed=classed)
    unrun: dict[str, list[str]] = {}  # the trials that it does not run on, by its complaint
    rated = candidate.takes("lr")
    tries = list(
        trials(c, sizes, m=examples, steps=steps, dtype=dtype, seed=seed, rated=rated, fixed=fixed)
    )
    more, said = clipped(c, sizes, m=examples, dtype=dtype, seed=seed)
    tries += more
    title = name or getattr(train_step, "__name__", "train_step")
    verdict = Verdict(title, c.title, notes=(*notes, *said))
    for t in tries:
        if not verdict.shown:
            candidate, notes = opened(candidate, t, load)
            verdict = replace(verdict, notes=(*verdict.notes, *notes))
            if candidate.layout is None:
                unrun.setdefault(candidate.complaint, []).append(t.name)
                continue
            lost = (f"not run on {', '.join(names)}: {what}" for what, names in unrun.items())
            verdict = replace(verdict, notes=(*verdict.notes, *lost))
        verdict = tried(verdict, candidate, c, t)
        if not verdict.right:
            others = (other for other in tries if other is not t)
            return told_apart(verdict, ((formulas(c), o.state, candidate.run(o)) for o in others))
    if not verdict.shown and not verdict.error:
        return replace(verdict, error=f"it ran on none of the trials: {candidate.complaint}")
    return verdict


def opened(candidate: Program, t: Trial, load: Load | None) -> tuple[Program, list[str]]:
    """Return the program as it can be run on a trial, its layout found, and notes; no layout where it cannot."""
    notes: list[str] = []
    if candidate.layout is None:
        candidate = replace(candidate, layout=candidate.found(t))
        if candidate.layout is None:
            return candidate, []
        notes += candidate.layout.notes
        candidate, said = candidate.going_on(t)
        notes += said
    if load and candidate.remembers(t):
        candidate = replace(candidate, load=load)
        notes.append("it keeps something between calls: loaded anew for each trial")
    return candidate, notes


def tried(verdict: Verdict, candidate: Program, c: Configuration, t: Trial) -> Verdict:
    """Return the verdict after one more trial; what the candidate raises there ends it."""
    try:
        verdict = examine(
            verdict,
            verdict.statement or formulas(c),
            t.state,
            candidate.run(t),
            c.by_torch(),
            case=t.name,
        )
        if not verdict.right and (entry := candidate.remembers(t)):
            return replace(verdict, error=unsteady(entry, c), divergence=None, diagnosis=None)
        return verdict
    except MemoryError:
        raise
    except Exception as error:
        return verdict.stopped(t.name, error)


def formulas(c: Configuration) -> Callable[[Batch], Formulas]:
    """Return the formulas of each batch, with what is other than usual in it."""
    return lambda b: c.formulas(**b.options)


def unsteady(entry: str, c: Configuration) -> str:
    """Return the sentence on a program that shows something else each time it is called."""
    masks = "; the masks of dropout are in the state, as mask1, ..." if c.dropout else ""
    return (
        f"it cannot be judged: called twice with the same arguments it shows another {entry}. It keeps "
        "something between calls, or draws random numbers. Keep it in what is returned, which is "
        f"handed over at the next step, or hand over a class: each trial is given a new object{masks}"
    )
