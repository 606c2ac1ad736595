r"""What random cases are made of: activations, losses, rules with their options, and what may be hard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Random = np.random.Generator

HIDDEN = (
    "identity", "relu", "sigmoid", "tanh", "leaky_relu", "leaky_relu(negative_slope=0.2)", "elu",
    "elu(alpha=1.7)", "gelu", "gelu_tanh", "silu", "softplus", "softplus(beta=2.0, threshold=5.0)",
    "softmax",
)  # fmt: skip
OUTPUTS = {  # loss: the output activations it makes sense with
    "mse": ("identity", "identity", "tanh", "sigmoid", "relu"),
    "mse_per_example": ("identity", "sigmoid"),
    "l1": ("identity",),
    "huber": ("identity",),
    "huber(delta=0.3)": ("identity",),
    "smooth_l1": ("identity",),
    "smooth_l1(beta=0.5)": ("identity",),
    "bce": ("sigmoid",),
    "bce_with_logits": ("identity",),
    "cross_entropy": ("identity",),
    "cross_entropy_on_probabilities": ("softmax",),
}
RULES: dict[str, tuple[Mapping[str, Any], ...]] = {
    "sgd": (
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.3},
        {"momentum": 0.9, "nesterov": True},
        {"weight_decay": 0.1},
        {"momentum": 0.5, "weight_decay": 0.01, "maximize": True},
    ),
    "momentum": ({}, {"momentum": 0.5}),
    "adagrad": ({}, {"lr_decay": 0.1}, {"initial_accumulator_value": 0.5}, {"weight_decay": 0.1}),
    "rmsprop": (
        {},
        {"alpha": 0.9, "eps": 1e-3},
        {"centered": True},
        {"momentum": 0.9},
        {"centered": True, "momentum": 0.5, "weight_decay": 0.1},
    ),
    "rmsprop_eps_inside": ({}, {"alpha": 0.99}),
    "adam": ({}, {"betas": (0.5, 0.9)}, {"eps": 1e-3}, {"amsgrad": True}, {"weight_decay": 0.1}),
    "adamw": ({}, {"weight_decay": 0.1}, {"amsgrad": True, "betas": (0.8, 0.95)}),
    "nadam": ({}, {"momentum_decay": 0.01}, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    "radam": ({}, {"betas": (0.9, 0.99)}, {"weight_decay": 0.1}),
    "adamax": ({}, {"weight_decay": 0.1}),
    "adadelta": ({}, {"rho": 0.5, "eps": 1e-3}),
    "rprop": ({}, {"etas": (0.4, 1.5)}),
}
RATES = (0.5, 0.1, 0.01)
CLIPS = (None, None, {"norm": 0.5}, {"norm": 50.0}, {"value": 0.1})
BATCH_NORMS: tuple[dict[str, Any] | None, ...] = (
    None,
    None,
    None,
    {},
    {"momentum": None, "eps": 1e-3},
)
DROPOUTS = (0.0, 0.0, 0.5, 0.3)
ACCUMULATED = (1, 1, 1, 2)
EXAMPLES = (2, 3, 16, 61, 256)

PLAIN = 6  # as many plain cases as there are kinds of hard ones
HARD: Mapping[str, float] = {  # and the scale of their weights
    "zeros": 0.0,
    "saturated": 30.0,
    "tiny": 1e-9,
    "huge": 1e3,
    "kinks": 1.0,  # pre-activations of exactly 0
    "cancelling": 1.0,  # every example with its negative
    "tiny gradients": 1.0,
    "huge gradients": 1.0,
    "one example": 1.0,
    "one unit": 1.0,
}
SPECIAL = ("plain",) * PLAIN + tuple(HARD)
TARGET_SCALES = {"tiny gradients": 1e-12, "huge gradients": 1e8}
