r"""The reproduction of what a check of somebody's code found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from compare.checking.likeness import configuration, kind_of
from compare.checking.steps import examine_step
from compare.checking.verdict import Verdict
from compare.diagnosis.given import GIVEN
from compare.reproduction.writing import script_beside, write

WIDTHS, EXAMPLES, STEPS = (1, 2, 3), (1, 2, 3), 4


def keep(
    path: Path, candidate: Any, like: str, verdict: Verdict, options: Mapping[str, Any]
) -> Verdict:
    """Write the smallest reproduction of a wrong verdict, and return the verdict with a note of it.

    A training step is tried again on the smallest sizes; what else is checked is small as it is.
    Where what it was given is wrong, or a shape, no formula is, and nothing is written.
    """
    found = verdict.divergence
    if found is None or verdict.scene is None:
        return verdict
    if found.kind != "formula" or found.origin in GIVEN:
        note = f"no reproduction: {found.origin} has no formula to be made again by"
        return replace(verdict, notes=(*verdict.notes, note))
    least = next(smaller(candidate, like, found.origin, options), verdict)
    if least.scene is not None and least.divergence is not None:
        write(path, least.scene.last, found.origin, least.divergence.headline)
    note = f"a reproduction of it: python {script_beside(path)}"
    return replace(verdict, notes=(*verdict.notes, note))


def smaller(
    candidate: Any, like: str, origin: str, options: Mapping[str, Any]
) -> Iterator[Verdict]:
    """Yield the verdicts on a step at growing sizes that are wrong at the same entry."""
    if kind_of(like) != "step" or options["sizes"]:
        return
    depth = len(configuration(like).activations)
    given = {k: options[k] for k in ("layout", "dtype", "seed")}
    for m, n in product(EXAMPLES, WIDTHS):
        sizes = (n,) * (depth + 1)
        try:
            verdict = examine_step(
                candidate, like, sizes=sizes, examples=m, steps=STEPS, name="yours", **given
            )
        except (ValueError, ArithmeticError):  # it takes no such sizes
            continue
        found = verdict.divergence
        if found is not None and found.kind == "formula" and found.origin == origin:
            yield verdict
