r"""What a program was given and shows again, differently: its batch X, Y, or its learning rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compare.diagnosis.batches import examples
from compare.diagnosis.scene import Scene, Shown

GIVEN = ("X", "Y", "evalX", "evalY", "lr")


def mistakes(scene: Scene) -> Iterator[tuple[str, str, str]]:
    """Yield (mistake, yours, right) for a learning rate or a batch that is not the one it should be."""
    if scene.origin == "lr":
        yield from schedules(scene)
    else:
        yield from examples(scene)


def rate(shown: Shown) -> float:
    return float(shown.formulas.hyperparameters["lr"])


def told(scene: Scene) -> str:
    """Return one clause on what was given and what is shown in its place."""
    if scene.origin != "lr":
        return f"its {scene.origin} is not what it was given"
    first = max(0, len(scene.steps) - 1 - BEFORE)
    shown = slice(first, first + SHOWN)
    mine, right = (", ".join(f"{r:.6g}" for r in rates[shown]) for rates in known(scene))
    return f"around this step its rates are {mine} where {right} were given"


SHIFTS = 2  # steps by which a shifted schedule is known less far
BEFORE, SHOWN = 2, 6  # rates before the step, and all that a clause tells


def known(scene: Scene) -> tuple[list[float], list[float]]:
    """Return the rates shown, and those given, of every step that is known."""
    steps = (*scene.steps, *scene.after)
    return [float(s.trace.get("lr", rate(s))) for s in steps], [*map(rate, steps)]


def schedules(scene: Scene) -> Iterator[tuple[str, str, str]]:
    """Yield the schedules whose rates are those shown, at every step that is known."""
    mine, right = known(scene)
    m = float(scene.steps[0].X.shape[1])
    found = [
        (len(rates), name, wrong)
        for name, wrong, rates in (*readings(right, mine), *multiples(right, mine, m))
        if len(rates) >= len(scene.steps)
        and all(near(a, b) for a, b in zip(mine, rates, strict=False))
    ]
    farthest = max((reach for reach, _, _ in found), default=0)
    for reach, name, wrong in found:
        if reach >= farthest - SHIFTS:
            yield name, wrong, "lr of this step: optimizer.step(), then scheduler.step()"


def readings(right: list[float], mine: list[float]) -> Iterator[tuple[str, str, list[float]]]:
    """Yield ways to get a schedule wrong, and the rate that each gives at every step as far as it is known."""
    first = right[0]
    yield (
        "the learning rate rounded to float32",
        "np.float32(lr)",
        [float(np.float32(r)) for r in right],
    )
    for k, steps in ((1, "1 step"), (2, "2 steps")):
        yield f"the schedule is {steps} late", f"lr of {steps} before", [first] * k + right[:-k]
        yield f"the schedule is {steps} early", f"lr of {steps} after", right[k:]
    for k in (2, 3, 4):
        slow = [right[i // k] for i in range(len(right))]
        if slow[-1] != first:
            yield f"the schedule goes on once every {k} steps", f"step {k} times as wide", slow
    again = next(
        (k for k in range(1, len(mine)) if near(mine[k], first) and mine[k] != mine[k - 1]), 0
    )
    if again and not near(right[again], first):
        anew = [right[k % again] for k in range(len(right))]
        yield f"the schedule starts anew every {again} steps", f"lr of step k % {again}", anew
    epochs = [r for r, before in zip(right, [None, *right], strict=False) if r != before]
    if len(epochs) < len(right):
        name = "an epoch's schedule goes on at every step"
        yield name, "scheduler.step() after every batch, not after every epoch", epochs
    yield "the learning rate is not scheduled", "lr = lr_0 at every step", [first] * len(right)
    if first and right[-1] != first:
        yield "the decay is applied twice", "lr_0 * decay**2", [r * r / first for r in right]
        yield "the schedule starts from 0, a step late", "lr of step 0 is 0", [0.0, *right[:-1]]
    yield "the learning rate is squared", "lr**2", [r * r for r in right]
    if first:
        yield (
            "the decay is applied to the rate of the step before",
            "lr = lr_before * factor of this step",
            [first, *(a * r / first for a, r in zip(mine, right[1:], strict=False))],
        )


def multiples(
    right: list[float], mine: list[float], m: float
) -> Iterator[tuple[str, str, list[float]]]:
    """Yield the rates given times one number: the first step's ratio."""
    c = mine[0] / right[0] if right[0] else 0.0
    if c in (0.0, 1.0):
        return
    meant = {"divided by": 1.0 / m, "multiplied by": m}
    said = next((f"{name} the batch size" for name, value in meant.items() if near(c, value)), "")
    said = said or f"{c:.6g} times the given one"
    yield f"the learning rate is {said} at every step", f"{c:.6g} * lr", [c * r for r in right]


def near(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-14 * abs(b)
