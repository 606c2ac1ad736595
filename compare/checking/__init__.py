r"""Checking somebody else's implementation: a function is handed over, and is right, or wrong here and for this reason."""

from compare.checking.activations import check_activation
from compare.checking.initializers import check_initializer
from compare.checking.losses import check_loss
from compare.checking.rules import check_rule
from compare.checking.schedules import check_schedule
from compare.checking.steps import check_step
from compare.checking.training import check_training
from compare.checking.verdict import Verdict, Wrong

__all__ = [
    "Verdict",
    "Wrong",
    "check_activation",
    "check_initializer",
    "check_loss",
    "check_rule",
    "check_schedule",
    "check_step",
    "check_training",
]
