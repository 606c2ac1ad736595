r"""Where the reference computes: a device, and a precision with its unit roundoff; refused where it is not to be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from compare.tolerances import ROUNDOFFS
from reference import conversion

DEVICES = ("cpu", "cuda")
STORED = {"tf32": "float32"}  # TF32 is how products of float32 are formed


@dataclass(frozen=True)
class Place:
    """A device and a precision.

    >>> Place("cpu", "bfloat16").u
    0.00390625
    """

    device: str = "cpu"
    precision: str = "float64"

    @property
    def u(self) -> float:
        return ROUNDOFFS[self.precision]

    @property
    def stored(self) -> torch.dtype:
        """Return the type of the reference's tensors."""
        kind = getattr(torch, STORED.get(self.precision, self.precision))
        assert isinstance(kind, torch.dtype)
        return kind

    @property
    def largest(self) -> float:
        return float(torch.finfo(self.stored).max)

    def holds(self, step: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """Return the reference's step as computed here."""

        def placed(*operands: Any, **options: Any) -> dict[str, Any]:
            with conversion.placed(self.device, self.stored), products(self.precision == "tf32"):
                return step(*operands, **options)

        return placed

    def rounded(self, x: Any) -> Any:
        """Return what of an operand passes the door: rounded to the tensors' type, and back."""
        with conversion.placed("cpu", self.stored):
            return conversion.array(conversion.tensor(x)).astype(x.dtype) if x.ndim else x


@contextmanager
def products(tf32: bool) -> Iterator[None]:
    """Let products of float32 matrices on a GPU be formed in TF32, or not, for the time being."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def place(device: str, precision: str | None, dtype: str) -> Place:
    """Return the place asked for; ValueError where there is none such here.

    >>> place("cpu", None, "float32")
    Place(device='cpu', precision='float32')
    """
    chosen = Place(device, precision or dtype)
    if device not in DEVICES:
        raise ValueError(f"--device {device} is not known; choose {' or '.join(DEVICES)}")
    if chosen.precision not in ROUNDOFFS:
        raise ValueError(f"--precision {precision} is not known; choose {', '.join(ROUNDOFFS)}")
    if device == "cuda" and not torch.cuda.is_available():
        built = "sees no GPU here" if torch.version.cuda else "is built for the CPU alone"
        raise ValueError(f"--device cuda: torch {torch.__version__} {built}; use --device cpu")
    if chosen.precision == "tf32" and device != "cuda":
        raise ValueError("--precision tf32 is what some GPUs multiply in; it takes --device cuda")
    if ROUNDOFFS[chosen.precision] < ROUNDOFFS[dtype]:
        raise ValueError(
            f"--precision {precision} is finer than the run's own {dtype}; use --dtype {precision}"
        )
    return chosen
