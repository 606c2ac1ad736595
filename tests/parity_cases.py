"""The tables of the parity run: which nets, losses, rules and remedies are trained side by side.

Every line has a name in words; test ids are made of them and read like sentences.
"""

import os
from itertools import product

HIDDEN = ("relu", "sigmoid", "tanh", "identity")
OUTPUTS = (  # an output activation, and a loss that makes sense with it
    ("identity", "mse"),
    ("relu", "mse"),
    ("tanh", "mse"),
    ("sigmoid", "mse"),
    ("identity", "mse_per_example"),
    ("relu", "mse_per_example"),
    ("tanh", "mse_per_example"),
    ("sigmoid", "mse_per_example"),
    ("sigmoid", "bce"),
    ("identity", "bce_with_logits"),
)
RATES = {
    "sgd": 0.05,
    "momentum": 0.02,
    "adagrad": 0.05,
    "rmsprop": 0.005,
    "rmsprop_eps_inside": 0.005,
    "adam": 0.01,
    "adamw": 0.01,
    "nadam": 0.01,
    "radam": 0.01,
    "adamax": 0.01,
    "adadelta": 1.0,
    "rprop": 0.01,
}
TWO_LAYER_RULES = {
    "sgd": {
        "plain": {},
        "with momentum": {"momentum": 0.9},
        "with dampening": {"momentum": 0.9, "dampening": 0.3},
        "with nesterov": {"momentum": 0.9, "nesterov": True},
        "with weight decay": {"weight_decay": 0.1},
        "ascending": {"maximize": True, "lr": 0.001},
    },
    "momentum": {
        "plain": {},
        "with less momentum": {"momentum": 0.5},
        "with dampening": {"dampening": 0.3},
        "with nesterov": {"nesterov": True},
        "with weight decay": {"weight_decay": 0.1},
        "ascending": {"maximize": True, "lr": 0.0005},
    },
    "adagrad": {
        "plain": {},
        "with lr decay": {"lr_decay": 0.1},
        "with an initial sum": {"initial_accumulator_value": 0.5},
        "with a large eps": {"eps": 0.1},
        "with weight decay": {"weight_decay": 0.1},
        "ascending": {"maximize": True},
    },
    "rmsprop": {
        "plain": {},
        "with a short memory": {"alpha": 0.9},
        "with a large eps": {"eps": 0.1},
        "centered": {"centered": True},
        "with momentum": {"momentum": 0.9},
        "centered with momentum": {"centered": True, "momentum": 0.5, "weight_decay": 0.1},
        "with weight decay": {"weight_decay": 0.1},
        "ascending": {"maximize": True},
    },
    "rmsprop_eps_inside": {
        "plain": {},
        "with a long memory": {"alpha": 0.99},
        "with a large eps": {"eps": 0.1},
    },
    "adam": {
        "plain": {},
        "with short memories": {"betas": (0.5, 0.9)},
        "with a large eps": {"eps": 0.1},
        "with amsgrad": {"amsgrad": True, "betas": (0.9, 0.9)},
        "with weight decay": {"weight_decay": 0.1},
        "with decoupled decay": {"weight_decay": 0.1, "decoupled_weight_decay": True},
        "ascending": {"maximize": True},
    },
    "adamw": {
        "plain": {},
        "with short memories": {"betas": (0.5, 0.9)},
        "with a large eps": {"eps": 0.1},
        "with amsgrad": {"amsgrad": True, "betas": (0.9, 0.9)},
        "with much decay": {"weight_decay": 0.5},
        "ascending": {"maximize": True},
    },
}
OTHER_RULES = {
    "nadam": {
        "plain": {},
        "with short memories": {"betas": (0.5, 0.9)},
        "with a large eps": {"eps": 0.1},
        "with momentum decay": {"momentum_decay": 0.1},
        "with weight decay": {"weight_decay": 0.1},
        "with decoupled decay": {"weight_decay": 0.1, "decoupled_weight_decay": True},
        "ascending": {"maximize": True},
    },
    "radam": {
        "plain": {},
        "with short memories": {"betas": (0.5, 0.9)},
        "with a large eps": {"eps": 0.1},
        "with weight decay": {"weight_decay": 0.1},
        "with decoupled decay": {"weight_decay": 0.1, "decoupled_weight_decay": True},
        "ascending": {"maximize": True},
    },
    "adamax": {
        "plain": {},
        "with short memories": {"betas": (0.5, 0.9)},
        "with a large eps": {"eps": 0.1},
        "with weight decay": {"weight_decay": 0.1},
        "ascending": {"maximize": True},
    },
    "adadelta": {
        "plain": {},
        "with a short memory": {"rho": 0.5},
        "with a large eps": {"eps": 0.01},
        "with weight decay": {"weight_decay": 0.1},
        "ascending": {"maximize": True},
    },
    "rprop": {
        "plain": {},
        "with bold factors": {"etas": (0.4, 1.5)},
        "with narrow limits": {"step_sizes": (1e-3, 0.02)},
        "ascending": {"maximize": True},
    },
}
RULES = TWO_LAYER_RULES | OTHER_RULES
DTYPES = ("float64", "float32")
EXHAUSTIVE = bool(os.environ.get("PARITY_EXHAUSTIVE"))


def settings(rules):
    """Yield (rule, words, options) of a table of rules, the learning rate among the options."""
    for rule, variants in rules.items():
        for words, options in variants.items():
            yield rule, words, {"lr": RATES[rule]} | options


def two_layer_nets():
    """Yield (id, hidden, output, loss, rule, options, dtype) for every net under every rule and option."""
    nets = enumerate(product(HIDDEN, OUTPUTS))
    for (k, (hidden, (output, loss))), (j, setting) in product(
        nets, enumerate(settings(TWO_LAYER_RULES))
    ):
        rule, words, options = setting
        turn = k // len(OUTPUTS) + k % len(OUTPUTS) + j
        for dtype in DTYPES if EXHAUSTIVE else (DTYPES[turn % 2],):
            text = f"{hidden} then {output} learn {loss} by {rule} {words} in {dtype}"
            yield text, hidden, output, loss, rule, options, dtype
