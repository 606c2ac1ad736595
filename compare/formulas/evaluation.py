r"""The net in evaluation as stated: the parameters after the step, running statistics, no dropout; and the mean loss of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import sqrt, total
from compare.formulas.network import Activation, Expected, Read, one

Has = Callable[[str], bool]
LOSSES, EXAMPLES = "_losses", "_examples"  # sums over an epoch so far, which nobody need show
GOING_ON = {"epochs": np.ones(())}  # read by nobody: that they are there is what they say
START = {**GOING_ON, "epochstart": np.ones(())}


def evaluation(
    read: Read,
    before: Read,
    has: Has,
    activations: Sequence[Activation],
    batch_norm: Mapping[str, Any] | None,
) -> Expected:
    r"""Yield evalZ1, (evalN1,) evalA1, evalZ2, ... of the inputs evalX that were given.

    With batch norm $N = \gamma (Z - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta$, $\mu$ and $\sigma^2$ the running
    statistics. A program may form $\gamma / \sqrt{\sigma^2 + \epsilon}$ and $\beta$ less its part of $\mu$
    once and for all, as torch does: each product is rounded by itself.
    """
    x, L = before("evalX"), len(activations)
    for l, (g, _) in enumerate(activations, 1):
        product = read(f"W{l}") @ x
        yield f"evalZ{l}", total(product, read(f"b{l}")) if has(f"b{l}") else product
        z = f"evalZ{l}"
        if batch_norm is not None and l < L:
            z = f"evalN{l}"
            yield z, normalized(read, has, l, batch_norm.get("eps", 1e-5))
        yield f"evalA{l}", g(read(z))
        x = read(f"evalA{l}")


def normalized(read: Read, has: Has, l: int, eps: float) -> Tracked:
    scale = 1.0 / sqrt(read(f"running_var{l}") + eps)
    if has(f"gamma{l}"):
        scale = read(f"gamma{l}") * scale
    parts = [scale * read(f"evalZ{l}"), -(scale * read(f"running_mean{l}"))]
    return total(*parts, *([read(f"beta{l}")] if has(f"beta{l}") else []))


def mean_loss(read: Read, before: Read, has: Has) -> Expected:
    r"""Yield the mean loss of the epoch so far, $\sum_i m_i L_i / \sum_i m_i$, and the two sums it is made of."""
    loss, m = read("loss"), float(read("X").shape[-1])
    losses, examples = so_far(before, has, loss * m, m)
    yield "epochloss", losses / examples
    yield LOSSES, losses
    yield EXAMPLES, Tracked(loss.number(examples), None, loss.u)


def so_far(before: Read, has: Has, losses: Tracked, examples: float) -> tuple[Tracked, float]:
    """Return both with those of the steps before, unless the epoch starts with this one."""
    if has(EXAMPLES) and not has("epochstart"):
        return before(LOSSES) + losses, one(before(EXAMPLES)) + examples
    return losses, examples
