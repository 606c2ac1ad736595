r"""What helps where gradients vanish or explode: one net each, as it is and with every remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compare.experiments.depth import Setting, norms
from compare.experiments.outcome import Say
from compare.experiments.runs import Run, train

Case = tuple[str, str, Mapping[str, Any]]  # hidden activation, initialisation, what helps

VANISHING: Mapping[str, Case] = {
    "sigmoid, PyTorch default": ("sigmoid", "linear_default", {}),
    "Xavier normal": ("sigmoid", "xavier_normal", {}),
    "tanh, Xavier normal": ("tanh", "xavier_normal", {}),
    "ReLU, He normal": ("relu", "kaiming_normal", {}),
    "batch norm": ("sigmoid", "linear_default", {"batch_norm": {}}),
}
EXPLODING: Mapping[str, Case] = {
    "ReLU, normal, std 0.8": ("relu", "normal(std=0.8)", {}),
    "clipped by norm 1": ("relu", "normal(std=0.8)", {"clip": {"norm": 1.0}}),
    "clipped by value 0.1": ("relu", "normal(std=0.8)", {"clip": {"value": 0.1}}),
    "He normal": ("relu", "kaiming_normal", {}),
    "batch norm": ("relu", "normal(std=0.8)", {"batch_norm": {}}),
}
TROUBLES = {"vanishing": VANISHING, "exploding": EXPLODING}


@dataclass(frozen=True)
class Remedy:
    """A net in trouble (the first of its kind), or helped: its verified run."""

    trouble: str
    label: str
    run: Run

    @property
    def outcome(self) -> str:
        """Return in words how the loss went."""
        first = self.run.first("loss")[0]
        if self.run.summary.blown:
            return f"blew up at step {self.run.summary.blown[0]}, on both sides"
        return f"loss {first:.3g} to {self.run.last('loss')[0]:.3g}"


def remedies(setting: Setting, say: Say) -> Iterator[Remedy]:
    """Train every net of both troubles."""
    for trouble, cases in TROUBLES.items():
        for label, (activation, start, options) in cases.items():
            say(f"{trouble}: {label}")
            yield Remedy(trouble, label, train(setting.task(activation, start, **options), norms))
