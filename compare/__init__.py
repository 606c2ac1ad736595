r"""The verifier: runs `manual` and `reference` side by side and proves that every number agrees.

Checking one's own code: `check_activation`, `check_initializer`, `check_loss`, `check_rule`,
`check_schedule`, `check_step`, `check_training`, imported when they are first asked for.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("check_"):
        import compare.checking

        return getattr(compare.checking, name)
    raise AttributeError(f"module 'compare' has no attribute {name!r}")
