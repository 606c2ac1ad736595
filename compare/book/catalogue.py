r"""What has a page: every public formula of `manual`, in the order in which the book tells them."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

GROUPS = {
    "network": "The net",
    "layers": "Layers",
    "activations": "Activations",
    "losses": "Losses",
    "optimizers": "Update rules",
    "schedules": "Learning-rate schedules",
    "clipping": "Clipping",
    "normalization": "Batch norm",
    "initialization": "Initial weights",
    "jacobians": "Jacobians",
}
LEFT_OUT = {  # steps on the way, without a formula of their own
    "network": ("parameter_names", "normalize", "evaluate"),
    "normalization": ("statistics",),
    "jacobians": ("transposed", "singular_values", "layer_jacobians"),
}


@dataclass(frozen=True)
class Formula:
    """A formula: where it stands in `manual`, its function and that of `reference`."""

    group: str
    name: str

    @property
    def subject(self) -> str:
        return f"{self.group}.{self.name}"

    @property
    def page(self) -> str:
        return f"{self.subject}.html"

    @property
    def by_hand(self) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(
            importlib.import_module(f"manual.{self.group}"), self.name
        )
        return function

    @property
    def by_torch(self) -> Callable[..., Any] | None:
        return getattr(importlib.import_module(f"reference.{self.group}"), self.name, None)


def formulas() -> list[Formula]:
    """Return every formula that has a page.

    >>> len({f.page for f in formulas()}) == len(formulas()) > 60
    True
    """
    return [Formula(group, name) for group in GROUPS for name in names(group)]


def names(group: str) -> Iterator[str]:
    module = importlib.import_module(f"manual.{group}")
    own = [
        n
        for n, f in vars(module).items()
        if inspect.isfunction(f) and f.__module__ == module.__name__
    ]
    for name in getattr(module, "__all__", own):
        if name not in LEFT_OUT.get(group, ()):
            yield name
