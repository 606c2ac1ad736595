r"""More witnesses than torch: each is asked about the first step of a run, by a way of its own.

None knows the stated formulas or PyTorch's autograd; what they share with `manual` is the data.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compare.tasks import Task
    from compare.witnesses.testimony import Testimony

WITNESSES = {  # as asked for: where it is, and what it is
    "gradcheck": ("gradcheck:gradcheck", "torch.autograd.gradcheck through a wrapper"),
    "complex-step": ("complex_step:complex_step", "the complex step, to machine precision"),
    "differences": ("differences:differences", "central differences, extrapolated"),
    "sklearn": ("scikit:scikit", "a step of scikit-learn's MLP"),
    "digits": ("digits:digits", "correct digits against mpmath at 50 digits"),
}


def witness(name: str) -> Callable[[Task], Testimony]:
    """Return the witness of that name; ValueError where there is none."""
    if name not in WITNESSES:
        raise ValueError(f"unknown witness {name!r}; there are {', '.join(WITNESSES)}")
    module, _, function = WITNESSES[name][0].partition(":")
    found: Callable[[Task], Testimony] = getattr(
        import_module(f"compare.witnesses.{module}"), function
    )
    return found
