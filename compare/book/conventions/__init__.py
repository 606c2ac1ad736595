r"""Where the frameworks differ: PyTorch and scikit-learn are run, the others are cited from their source or documentation."""

from __future__ import annotations

from compare.book.conventions.epsilons import corrections, epsilon, roots
from compare.book.conventions.layers import gains, reductions, variances
from compare.book.conventions.row import Table
from compare.book.conventions.rules import decay, momentum


def tables() -> list[Table]:
    """Return every table, PyTorch's rows executed now."""
    return [
        epsilon(),
        roots(),
        corrections(),
        momentum(),
        decay(),
        reductions(),
        variances(),
        gains(),
    ]
