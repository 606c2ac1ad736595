r"""What a user asks of a run, by the names of the command line's options, with its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Request:
    """The options of `parity run`; `compare.preparation.prepare` makes a task of them."""

    data: str = "wine-sample"
    path: Path | None = None
    target: str | None = None
    task: str | None = None
    threshold: float = 6.0
    hidden: str = "8"
    activation: str = "relu"
    output: str | None = None  # None: what the loss takes
    loss: str | None = None  # None: what the task takes
    optimizer: str = "adam"
    lr: float = 0.01
    options: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = "constant"
    clip: float | None = None
    clip_value: float | None = None
    batch_norm: bool = False
    batch_norm_momentum: str | None = None  # None: 0.1
    no_affine: bool = False
    dropout: float = 0.0
    accumulate: int = 1
    undecayed: str = ""
    frozen: str = ""
    batch_size: int | None = None  # None: the full batch
    steps: int | None = None
    epochs: int | None = None
    patience: int | None = None
    init: str = "linear_default"
    dtype: str = "float64"
    seed: int = 0
    level: str = "formula"  # or "step"
