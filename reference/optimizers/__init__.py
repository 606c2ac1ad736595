"""The first-order update rules by torch.optim itself, each a pure function of its state."""

from reference.optimizers.adadelta import adadelta
from reference.optimizers.adagrad import adagrad
from reference.optimizers.adam import adam, adamw
from reference.optimizers.adamax import adamax
from reference.optimizers.nadam import nadam
from reference.optimizers.radam import radam
from reference.optimizers.rmsprop import rmsprop, rmsprop_eps_inside
from reference.optimizers.rprop import rprop
from reference.optimizers.sgd import momentum, sgd

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
