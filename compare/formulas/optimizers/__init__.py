r"""The update rules as stated, each yielding its state, then the parameter, in tracked arithmetic.

    rule(p, g, old, new, *, lr, ...) yields (slot, Tracked), ..., ("", Tracked)

A rule gets the parameter `p` and the state `old` before the step, and the gradient `g`. `new(slot)`
is the state that whoever calls wants the later formulas to start from: the program's own, so that
each formula answers for itself, or None or what was yielded, so that the errors grow along the
step. `old(slot)` is None where there is no such slot yet.
"""

from compare.formulas.optimizers.adadelta import adadelta
from compare.formulas.optimizers.adagrad import adagrad
from compare.formulas.optimizers.adam import adam, adamw
from compare.formulas.optimizers.adamax import adamax
from compare.formulas.optimizers.nadam import nadam
from compare.formulas.optimizers.radam import radam
from compare.formulas.optimizers.rmsprop import rmsprop, rmsprop_eps_inside
from compare.formulas.optimizers.rprop import rprop
from compare.formulas.optimizers.sgd import momentum, sgd

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "momentum",
    "nadam",
    "radam",
    "rmsprop",
    "rmsprop_eps_inside",
    "rprop",
    "sgd",
]
