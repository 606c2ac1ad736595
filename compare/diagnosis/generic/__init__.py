r"""Mistakes that need no knowledge of the formula: a wrong factor, a wrong operand, a wrong setting.

Each family is made from principles, not from a list of known bugs: every operand of the failing
formula is replaced by whatever has its shape, every option by the values people confuse it with,
and the result is scaled by the constant that would mend it, if that constant means something.
"""

from compare.diagnosis.generic.factors import factors, scheduled, unknown
from compare.diagnosis.generic.memory import orders
from compare.diagnosis.generic.operands import halves, substitutions, transformations
from compare.diagnosis.generic.results import copied, halted, results
from compare.diagnosis.generic.settings import settings, written

__all__ = [
    "copied",
    "factors",
    "halted",
    "halves",
    "orders",
    "results",
    "scheduled",
    "settings",
    "substitutions",
    "transformations",
    "unknown",
    "written",
]
