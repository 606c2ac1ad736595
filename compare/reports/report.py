r"""Everything a run found, as plain data that every form of report is made from."""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass, field
from typing import Any

from compare.diagnosis import Diagnosis
from compare.divergence import Divergence
from compare.replay import Failing
from compare.standing import Judged
from compare.summary import Quantity, Summary
from compare.tasks import Task
from compare.tolerances import STEP
from compare.traces import PARAMETERS, kind
from compare.witnesses.testimony import Testimony


@dataclass
class Report:
    """A finished run: the task, the aggregates, the divergence if there was one, and metrics of both sides."""

    task: Task
    summary: Summary
    divergence: Divergence | None = None
    metrics: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    drift: dict[str, Any] = field(default_factory=dict)
    testimonies: list[Testimony] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)  # how the nets differ in evaluation
    interrupted: bool = False
    broken: str | None = None  # why there was nothing to judge: unlike derivations or traces
    failing: Failing | None = None  # the step of the divergence, looked at again
    command: str = ""  # that makes the run again

    @property
    def verdict(self) -> str:
        """Return "parity", or "divergence"."""
        wrong = self.divergence or self.broken or self.against or self.unlike
        return "divergence" if wrong else "parity"

    @property
    def against(self) -> list[Testimony]:
        """Return the witnesses that disagree."""
        return [t for t in self.testimonies if not t.agrees]

    @property
    def diagnosis(self) -> Diagnosis | None:
        """Return what is known of the mistake, where a formula is wrong."""
        return self.failing.diagnosis if self.failing else None

    @property
    def stopped_early(self) -> bool:
        """Tell whether the run ended because the loss had not improved for the epochs of its patience."""
        ended = self.divergence or self.broken or self.interrupted or self.summary.blown
        return not ended and self.summary.steps < self.task.steps

    @property
    def sentence(self) -> str:
        """Return the one sentence that says it all."""
        s = self.summary
        counted = f"{s.steps:,} steps, {s.arrays:,} arrays, {s.elements:,} numbers"
        if self.divergence:
            return f"DIVERGENCE at {self.divergence.headline}"
        if self.broken:
            return f"DIVERGENCE: {self.broken}"
        if self.against:
            return f"DIVERGENCE: {'; '.join(t.sentence for t in self.against)}"
        if self.unlike:
            return f"DIVERGENCE in evaluation, every step agrees: {'; '.join(self.unlike)}"
        if s.blown:
            step, entry = s.blown
            return (
                f"PARITY until both blew up at the same step: step {step}, first in {entry} "
                f"({counted}); {cause(step, entry)}"
            )
        stopped = " before it was interrupted" if self.interrupted else ""
        level = "; formulas at the first step alone" * (self.task.level == "step")
        early = f"; both stopped early, after {self.task.patience} epochs without a better loss"
        return f"PARITY{stopped}: manual and torch agree in {counted}{level}{early * self.stopped_early}"

    def declared(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        return {
            "format": "parity-report/1",
            "verdict": self.verdict,
            "sentence": self.sentence,
            "command": self.command,
            "interrupted": self.interrupted,
            "stopped_early": self.stopped_early,
            "provenance": provenance(self.task),
            "configuration": self.task.configuration.declared(),
            "level": self.task.level,
            "steps": self.summary.steps,
            "blown_up": self.summary.blown,
            "divergence": self.divergence.declared() if self.divergence else None,
            "diagnosis": self.diagnosis.declared() if self.diagnosis else None,
            "failing_step": [declared_entry(j) for j in self.failing.judged]
            if self.failing
            else [],
            "quantities": [declared_quantity(q) for q in self.summary.quantities.values()],
            "losses": {
                "manual": [a for a, _ in self.summary.losses],
                "torch": [b for _, b in self.summary.losses],
            },
            "metrics": self.metrics,
            "evaluation": self.unlike,
            "drift": self.drift,
            "witnesses": [t.declared() for t in self.testimonies],
        }


def cause(step: int, entry: str) -> str:
    """Return why a run blew up: before the first update no learning rate has had a say.

    >>> cause(0, "loss"), cause(0, "W1")
    ('the initial weights are too large', 'the learning rate is too large')
    """
    moved = step > 0 or kind(entry) in PARAMETERS
    return f"the {'learning rate is' if moved else 'initial weights are'} too large"


def declared_quantity(q: Quantity) -> dict[str, Any]:
    return {
        "entry": q.name,
        "steps": q.steps,
        "elements": q.elements,
        "unjudged": q.unjudged,
        "worst_error": q.error,
        "bound": q.bound,
        "error_over_bound": q.pair,
        "step": q.step,
        "index": list(q.index),
        "formula_error_over_limit": q.formula,
        "reference_formula_error": q.reference,
    }


def declared_entry(j: Judged) -> dict[str, Any]:
    return {
        "entry": j.name,
        "standing": j.standing,
        "error": abs(j.pair.value - j.pair.expected),
        "bound": STEP * j.pair.allowed,
        "error_over_bound": j.pair.ratio / STEP,
        "index": list(j.pair.index),
        "formula_error_over_limit": j.formula.ratio / j.limit if j.formula else None,
        "reference_formula_error": j.reference.ratio if j.reference else None,
    }


def provenance(task: Task) -> dict[str, Any]:
    """Return what is needed to make this run again."""
    import numpy as np
    import torch

    data = task.dataset
    return {
        "data": data.name,
        "data_source": data.source,
        "data_sha256": data.sha256,
        "synthetic": data.synthetic,
        "data_notes": list(data.notes),
        "task": data.task,
        "target": data.target,
        "examples": {"train": data.X_train.shape[1], "test": data.X_test.shape[1]},
        "sizes": list(task.sizes),
        "initialization": task.initialization,
        "batch_size": task.batch_size,
        "schedule": task.schedule,
        "patience": task.patience,
        "seed": task.seed,
        "derivation": task.derivation,
        "dtype": str(data.X_train.dtype),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "threads": torch.get_num_threads(),
        "oracle": oracle_type(str(data.X_train.dtype)),
    }


def oracle_type(dtype: str) -> str:
    """Return the name of the type that the stated formulas are evaluated in, and how many bits it has.

    >>> oracle_type("float32")
    'float64 (53 bits)'
    """
    import numpy as np

    from compare.formulas.multiprecision import CONTEXT
    from compare.formulas.precision import wide

    chosen = wide(np.dtype(dtype))
    if chosen.kind == "O":
        return f"mpmath ({CONTEXT.prec} bits: longdouble is no wider than {dtype} here)"
    name = "longdouble" if chosen == np.longdouble else chosen.name
    return f"{name} ({1 - round(math.log2(np.finfo(chosen).eps))} bits)"
