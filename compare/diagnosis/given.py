r"""What a program was given and shows again, differently: its batch X, Y, or its learning rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compare.diagnosis.batches import examples
from compare.diagnosis.scene import Scene, Shown

GIVEN = ("X", "Y", "lr")


def mistakes(scene: Scene) -> Iterator[tuple[str, str, str]]:
    """Yield (mistake, yours, right) for a learning rate or a batch that is not the one it should be."""
    if scene.origin == "lr":
        yield from rates(scene)
    else:
        yield from examples(scene)


def rate(shown: Shown) -> float:
    return float(shown.formulas.hyperparameters["lr"])


def rates(scene: Scene) -> Iterator[tuple[str, str, str]]:
    right, mine = rate(scene.last), float(scene.last.trace["lr"])
    named = list(schedules(scene))
    yield from named
    if mine < right and not named:
        yield (
            f"the schedule has gone on too far: {mine / right:.6g} times the rate of this step",
            "scheduler.step() before optimizer.step(), or a decay applied twice",
            "optimizer.step(), then scheduler.step(): lr_k from lr_0, not from lr_(k-1)",
        )


def schedules(scene: Scene) -> Iterator[tuple[str, str, str]]:
    """Yield the schedules whose rates are those shown, at every step that is known."""
    known = (*scene.steps, *scene.after)
    mine, right = [float(s.trace.get("lr", rate(s))) for s in known], [*map(rate, known)]
    for name, wrong, rates_ in readings(right, mine):
        told = len(rates_) >= len(scene.steps)
        if told and all(near(a, b) for a, b in zip(mine, rates_, strict=False)):
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
    yield "the learning rate is not scheduled", "lr = lr_0 at every step", [first] * len(right)
    yield "the learning rate is squared", "lr**2", [r * r for r in right]
    yield (
        "the decay is applied to the rate of the step before",
        "lr = lr_before * factor of this step",
        [first, *(a * r / first for a, r in zip(mine, right[1:], strict=False))],
    )


def near(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-14 * abs(b)
