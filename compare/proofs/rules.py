r"""The update rules: the recurrence that the code runs against the closed form that its derivation gives.

The code of `manual.optimizers` is run for a few steps on symbols: gradients $g_1, g_2, \dots$, a
parameter $w$, symbolic hyperparameters. The closed forms are written here, from the derivations
in the docstrings: sums over all gradients so far, with their weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from compare.proofs.arithmetic import Exact, Piece, lift, rational
from compare.proofs.proof import Claim, Identity, equal
from compare.proofs.sources import Sources
from compare.traces import Array

Steps = list[tuple[Exact, dict[str, Exact]]]
STEPS = 3
GRADIENTS = (0.75, -0.5, 0.875)


def claims(sources: Sources) -> Iterator[Claim]:
    """Yield a claim for every rule that `manual` offers."""
    from compare.proofs.closed_forms import CLOSED

    for name in sources.load("manual.optimizers").__all__:
        if name in CLOSED:
            statement, identities = CLOSED[name]
            yield Claim(
                f"optimizers.{name}",
                f"the recurrence of {name} is its closed form",
                statement,
                f"{STEPS} steps, any gradients",
                identities,
            )


class Walk:
    """A few steps of one rule from the code, on symbols; entry 0 is where it starts."""

    def __init__(
        self,
        sources: Sources,
        piece: Piece,
        rule: str,
        *,
        slots: Mapping[str, Any] | None = None,
        gradients: Sequence[Exact] | None = None,
        steps: int = STEPS,
        **options: Any,
    ) -> None:
        function = getattr(sources.load("manual.optimizers"), rule)
        signs = [GRADIENTS[k % 3] for k in range(steps)]
        self.g = gradients or [piece.symbol(f"g_{k}", x) for k, x in enumerate(signs, 1)]
        w, state = vector(piece.symbol("w", 1.25)), dict(slots or {})
        self.w, self.state = [w.item()], [state]
        for g in self.g:
            w, state = function(w, vector(g), state, **options)
            self.w.append(w.item())
            self.state.append({k: np.asarray(x).item() for k, x in state.items()})

    def equal(self, slot: str, closed: Sequence[Any]) -> Iterator[Identity]:
        """Yield that a slot after steps 1, 2, ... is its closed form."""
        for t, x in enumerate(closed, 1):
            yield from equal(f"{slot} after step {t}", self.state[t][slot], x)

    def moves(self, closed: Sequence[Any]) -> Iterator[Identity]:
        """Yield that the parameter moves by the closed form at steps 1, 2, ..."""
        for t, x in enumerate(closed, 1):
            yield from equal(f"step {t}", self.w[t] - self.w[t - 1], x)


def vector(x: Exact) -> Array:
    out = np.empty(1, dtype=object)
    out[0] = x
    return out


def weighted(beta: Exact, terms: Sequence[Exact]) -> list[Exact]:
    r"""Return $\sum_{i \le t} \beta^{t-i} x_i$ for t = 1, 2, ..."""
    return [
        sum((beta ** (t - i) * x for i, x in enumerate(terms[:t], 1)), ZERO)
        for t in range(1, len(terms) + 1)
    ]


def average(beta: Exact, terms: Sequence[Exact]) -> list[Exact]:
    r"""Return $(1 - \beta) \sum_{i \le t} \beta^{t-i} x_i$: the moving average from zero."""
    return [(1 - beta) * x for x in weighted(beta, terms)]


def squares(terms: Sequence[Exact]) -> list[Exact]:
    return [x * x for x in terms]


def corrected(beta: Exact, terms: Sequence[Exact]) -> list[Exact]:
    r"""Return each average divided by $1 - \beta^t$."""
    return [x / (1 - beta**t) for t, x in enumerate(terms, 1)]


def root(x: Any) -> Exact:
    return lift(x).sqrt()


ZERO = Exact(rational(0))
