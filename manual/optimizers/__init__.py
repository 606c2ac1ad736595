r"""The first-order update rules of torch.optim by hand: state in, state out.

    rule(param, grad, slots, *, lr, ...) -> (param, slots)

`slots` maps the names of the rule's state to arrays; it is empty at the first step. Nothing
passed in is modified, and nothing returned shares memory with it.

| slot | what it is | rules that have it |
|---|---|---|
| t | number of steps taken, 0-d int64 | all but sgd, momentum and rmsprop_eps_inside |
| m | momentum buffer or first moment | momentum, sgd and rmsprop with momentum, adam, adamw, adamax, nadam, radam |
| v | second moment | adam, adamw, nadam, radam; adadelta's mean squared gradient |
| vmax | largest second moment so far | adam and adamw with amsgrad |
| s | sum or mean of squared gradients | adagrad, rmsprop, rmsprop_eps_inside |
| ga | mean gradient | rmsprop, centered |
| u | infinity norm | adamax |
| mu | product of the momentum coefficients, 0-d float32 | nadam |
| d | mean squared update | adadelta |
| eta, prev | step sizes; gradient of the step before | rprop |
"""

from manual.optimizers.adadelta import adadelta
from manual.optimizers.adagrad import adagrad
from manual.optimizers.adam import adam, adamw
from manual.optimizers.adamax import adamax
from manual.optimizers.nadam import nadam
from manual.optimizers.radam import radam
from manual.optimizers.rmsprop import rmsprop, rmsprop_eps_inside
from manual.optimizers.rprop import rprop
from manual.optimizers.sgd import momentum, sgd

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
