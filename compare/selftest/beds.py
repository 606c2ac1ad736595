r"""The beds in which every mistake that has a name is planted: each activation, loss and rule with its options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compare.checking.likeness import LOSSES
from compare.configuration import Configuration, output_of
from compare.selftest.choices import HIDDEN

RULES: dict[str, tuple[dict[str, object], ...]] = {
    "sgd": (
        {"weight_decay": 0.1},
        {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.5, "weight_decay": 0.1, "maximize": True},
    ),
    "adagrad": (
        {"lr_decay": 0.1, "eps": 1e-3, "weight_decay": 0.1},
        {"initial_accumulator_value": 0.5, "maximize": True, "weight_decay": 0.1},
    ),
    "rmsprop": (
        {"eps": 1e-3, "weight_decay": 0.1},
        {"centered": True, "momentum": 0.9},
        {"alpha": 0.9, "maximize": True, "weight_decay": 0.1},
    ),
    "rmsprop_eps_inside": ({"eps": 1e-3},),
    "adam": (
        {"eps": 1e-3, "weight_decay": 0.1},
        {"amsgrad": True, "betas": (0.9, 0.9)},
        {"decoupled_weight_decay": True, "weight_decay": 0.1, "maximize": True},
    ),
    "adamw": ({"eps": 1e-3, "weight_decay": 0.1}, {"amsgrad": True, "betas": (0.9, 0.9)}),
    "adadelta": ({"eps": 1e-3, "weight_decay": 0.1, "lr": 0.5},),
    "adamax": ({"eps": 1e-3, "weight_decay": 0.1},),
    "nadam": ({"eps": 1e-3, "weight_decay": 0.1, "momentum_decay": 0.1},),
    "radam": ({"eps": 1e-3, "betas": (0.9, 0.95), "weight_decay": 0.1},),
    "rprop": ({"step_sizes": (1e-3, 0.02)},),
}  # fmt: skip
PLAIN = ("Z", "dW", "db", "dA")
NORMALIZED = (
    "mu",
    "var",
    "xhat",
    "N",
    "running_mean",
    "running_var",
    "dgamma",
    "dbeta",
    "dZ",
    "dN",
)
LAYERS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (PLAIN, {"options": {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}}),
    (NORMALIZED, {"batch_norm": {"eps": 1e-3}}),
    (NORMALIZED, {"batch_norm": {"momentum": None, "eps": 1e-3}}),
    (("D", "dD", "dA"), {"dropout": 0.3}),
    (("norm", "g"), {"clip": {"norm": 0.1}}),
    (("norm", "g"), {"clip": {"norm": 50.0}}),
    (("g",), {"clip": {"value": 0.05}}),
    (("a",), {"accumulate": 2}),
)
RULE = "rule"


@dataclass(frozen=True)
class Bed:
    """A configuration, and the kinds of entries whose mistakes are planted in it."""

    configuration: Configuration
    kinds: tuple[str, ...]


def beds() -> Iterator[Bed]:
    """Yield where every mistake is planted; all but the subject is plain."""
    rate = {"lr": 0.05}
    for g in HIDDEN:
        yield Bed(Configuration((g, "identity"), "mse", "sgd", rate), ("A", "dZ"))
    for loss in LOSSES:
        net = ("tanh", output_of(loss))
        yield Bed(Configuration(net, loss, "sgd", rate), ("loss", "dA"))
    for kinds, fields in LAYERS:
        yield Bed(Configuration(("tanh", "identity"), **{"options": rate, **fields}), kinds)
    for rule, settings in RULES.items():
        for options in settings:
            c = Configuration(("tanh", "identity"), "mse", rule, {**rate, **options})
            yield Bed(c, (RULE,))
