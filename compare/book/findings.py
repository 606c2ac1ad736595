r"""What is run for the book: the proofs, the measured agreement and the mistakes of every formula."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from compare.book import measurement
from compare.book.catalogue import Formula
from compare.book.mistakes import Seen, of
from compare.configuration import Configuration
from compare.proofs import Proof, Sources, claims, prove

Watch = Callable[[str, Iterable[Any]], Iterable[Any]]  # shows progress over what it passes on


@dataclass
class Findings:
    """Proofs, measurements and mistakes by subject, such as "activations.relu"."""

    proofs: dict[str, list[Proof]] = field(default_factory=lambda: defaultdict(list))
    measured: dict[str, list[measurement.Measured]] = field(default_factory=dict)
    mistakes: dict[str, list[Seen]] = field(default_factory=dict)

    @property
    def compared(self) -> int:
        return sum(m.compared for rows in self.measured.values() for m in rows)


def find(formulas: list[Formula], watch: Watch) -> Findings:
    """Run all of it, telling `watch` what goes on."""
    out, sources = Findings(), Sources()
    for claim in watch("proving", claims(sources)):
        out.proofs[claim.subject].append(prove(claim, sources=sources))
    for f in watch("measuring", formulas):
        rows = measured(f)
        if rows:
            out.measured[f.subject] = rows
    for f in watch("making mistakes", formulas):
        out.mistakes[f.subject] = list(of(f.group, f.name))
    return out


def measured(f: Formula) -> list[measurement.Measured]:
    """Measure one formula; nothing where it has no counterpart to compare with."""
    single = {
        "activations": measurement.activation,
        "losses": measurement.loss,
        "optimizers": measurement.rule,
    }
    if f.group in single:
        return single[f.group](f.name)
    if f.subject in STEPS:
        return measurement.steps(*STEPS[f.subject])
    return measurement.drawn(f.group, f.name)


NET = Configuration(activations=("tanh", "identity"))
NORM = ("mu", "var", "xhat", "N", "dgamma", "dbeta", "dZ")
STEPS: dict[str, tuple[Configuration, tuple[str, ...]]] = {
    "network.forward": (NET, ("Z", "A", "loss")),
    "network.backward": (NET, ("dA", "dZ", "dW", "db")),
    "layers.linear": (NET, ("Z", "dW", "db", "dA")),
    "layers.dropout": (Configuration(dropout=0.25), ("D", "dA")),
    "normalization.batch_norm": (Configuration(batch_norm={}), NORM),
    "normalization.running_statistics": (
        Configuration(batch_norm={}),
        ("running_mean", "running_var", "batches"),
    ),
    "clipping.clip_by_norm": (Configuration(clip={"norm": 0.5}), ("norm", "g")),
    "clipping.clip_by_value": (Configuration(clip={"value": 0.05}), ("g",)),
}
