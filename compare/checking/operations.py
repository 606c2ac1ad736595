r"""What checking an activation and checking a loss share: the trials one by one, in columns or in rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from compare.checking import tensors
from compare.checking.crossings import of_columns
from compare.checking.elsewhere import Run, told_apart
from compare.checking.examination import examine
from compare.checking.forms import Shown, bound
from compare.checking.layouts import check_layout
from compare.checking.likeness import single
from compare.checking.verdict import Verdict
from compare.configuration import pair
from compare.formulas import activations, losses, optimizers
from compare.formulas.stepping import Formulas
from compare.traces import Array
from compare.verification import Batch

IN_ROWS = "it is right if each row is an example, where each column is one here: layout rows"
Try = tuple[str, Callable[[], Shown], Batch]  # its name, what shows entries and notes, the batch


def over(
    tries: Iterable[Try],
    verdict: Verdict,
    formulas: Formulas,
    reference: Callable[..., dict[str, Array]],
) -> Verdict:
    """Return the verdict after each of the tries; the first that is wrong, or cannot be called, ends it."""
    agreed: list[Run] = []
    for case, show, batch in tries:
        try:
            with np.errstate(all="ignore"):
                shown, notes = show()
            steps = [(shown, batch)]
            verdict = replace(verdict, notes=tuple(dict.fromkeys((*verdict.notes, *notes))))
            verdict = examine(verdict, lambda b: formulas, {}, steps, reference, case=case)
        except Exception as error:
            return verdict.stopped(case, error)
        if not verdict.right:
            return told_apart(verdict, agreed)
        agreed.append((lambda b: formulas, {}, steps))
    return verdict


def laid_out(judged: Callable[[bool], Verdict], layout: str | None) -> Verdict:
    """Return the verdict on columns or rows; where none is named, on the first in which it runs, and say if rows are right."""
    check_layout(layout)
    if layout:
        return judged(layout != "columns")
    found = judged(False)
    if found.right:
        return found
    other = judged(True)
    if found.error and not found.arrays and not other.error:
        return other
    return replace(found, notes=(*found.notes, IN_ROWS)) if other.right else found


def on_arrays(
    function: Any, options: dict[str, Any], *usual: Array, rows: bool = False
) -> tuple[Any, list[str]]:
    """Return what is handed over as a function of columns with its options, and notes; `usual` is what it is tried on."""
    called, notes = bound(tensors.applied(function), options)
    called, more = of_columns(tensors.applied(called), *usual, rows=rows)
    return called, [*notes, *more]


def named(like: str, known: list[str], what: str) -> tuple[str, str, dict[str, Any]]:
    """Return the formula's text, with options in brackets, its name, and the options."""
    name, options = single(like)
    if name not in known:
        raise ValueError(f"unknown {what} {name!r}; there are {', '.join(known)}")
    given = ", ".join(f"{k}={v!r}" for k, v in options.items())
    return (f"{name}({given})" if options else name), name, options


def title(function: Any, default: str) -> str:
    first = function[0] if isinstance(function, tuple) else function
    return getattr(first, "__name__", default)


def bare(**parts: Any) -> Formulas:
    """Return formulas of which only one part is asked for."""
    empty = {"activations": [pair(activations, "identity")], "loss": pair(losses, "mse")}
    return Formulas(**{**empty, "rule": optimizers.sgd, "hyperparameters": {}, **parts})
