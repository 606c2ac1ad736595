r"""The errata of the update rules."""

from __future__ import annotations

from typing import Any

import numpy as np

import manual.optimizers
from compare.book.errata.shown import EXACT, Shown, gap, number


def epsilon_inside() -> Shown:
    g, rows, steps = np.array([1e-4]), [], []
    for rule in ("rmsprop", "rmsprop_eps_inside"):
        f = getattr(manual.optimizers, rule)
        slots = {"s": np.array([1e-8]), **({"t": np.array(9)} if rule == "rmsprop" else {})}
        w, _ = f(np.array([0.0]), g, slots, lr=1.0, alpha=1.0, eps=1e-8)
        steps.append(-float(w[0]))
        rows.append((rule, "s = 1e-8, eps = 1e-8", number(steps[-1], digits=6)))
    first = [float(manual.optimizers.rmsprop(g, g, {}, alpha=a)[1]["s"][0]) for a in (0.9, 0.99)]
    rows.append(("ratio", "inside / outside", number(steps[1] / steps[0], digits=6)))
    rows.append(
        ("s after one step", "beta 0.9 / alpha 0.99", number(first[0] / first[1], digits=6))
    )
    return Shown(
        ("rule", "at", "step"),
        tuple(rows),
        "Inside the root, eps = 1e-8 acts like 1e-4 outside: where s equals eps the step is 0.707 of torch's. "
        "The document's 0.9 makes s ten times torch's default at the first step.",
        abs(steps[1] / steps[0] - 2**-0.5) < 2e-4 and abs(first[0] / first[1] - 10) < 1e-9,
    )


def adam() -> Shown:
    import torch

    from reference.optimizers import adam as by_torch

    w, g = np.array([0.3, -1.2]), np.array([0.02, -3.0])
    slots: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    mine, other = w, torch.tensor(w)
    for _ in range(5):
        mine, slots = manual.optimizers.adam(mine, g, slots)
        other, theirs = by_torch(other, torch.tensor(g), theirs)
    m, v, t = slots["m"], slots["v"], 5
    c = np.sqrt(1 - 0.999**t)
    document = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    hat = c / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
    scaled = c / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8 * c)
    rows = (
        ("parameters after 5 steps, document against torch.optim.Adam", f"{gap(mine, other):.1g}"),
        ("step, efficient form with the same eps", f"{gap(hat, document):.1g}"),
        ("step, efficient form with eps sqrt(1 - beta2^t)", f"{gap(scaled, document):.1g}"),
    )
    return Shown(
        ("compared", "relative difference"),
        rows,
        "The document's Adam is torch's, t counting from 1. The paper's efficient order is the same rule "
        "only with its own epsilon.",
        gap(mine, other) < EXACT < gap(hat, document) and gap(scaled, document) < EXACT,
    )


def small_steps() -> Shown:
    rows, ends = [], []
    for lr, steps in ((0.1, 200), (0.001, 20_000), (1.99, 2_000), (2.01, 2_000)):
        w = np.array([1.0])
        for _ in range(steps):
            w, _ = manual.optimizers.sgd(w, w, {}, lr=lr)
        ends.append(abs(float(w[0])))
        rows.append((number(lr), f"{steps:,}", number(ends[-1])))
    stuck = float(manual.optimizers.sgd(np.array([1.0]), np.array([1.0]), {}, lr=1e-17)[0][0])
    rows.append(("1e-17", "1", f"{stuck:.17g}, unmoved"))
    return Shown(
        ("learning rate times curvature", "steps", "distance from the minimum"),
        tuple(rows),
        "For a convex loss of curvature at most $\\ell$ every rate $0 < \\eta < 2 / \\ell$ converges, however slowly; it "
        "fails only by its budget, or once $|\\eta g|$ is below half the spacing of the numbers at $w$: then nothing moves.",
        max(ends[:3]) < 1e-3 < 1e3 < ends[3] and stuck == 1.0,
    )
