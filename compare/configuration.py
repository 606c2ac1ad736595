r"""What is compared: the net, the loss, the rule and its options, by the names both packages give them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

from compare.formulas import activations, losses, network, optimizers
from compare.formulas.stepping import Formulas

LOGITS = {  # losses that have the last activation in them, and the same loss without it
    "cross_entropy": ("softmax", "cross_entropy_on_probabilities"),
    "bce_with_logits": ("sigmoid", "bce"),
}
OUTPUTS = {"bce": "sigmoid", "cross_entropy_on_probabilities": "softmax"}
CLIPS = {"norm": ("clip_by_norm", "max_norm"), "value": ("clip_by_value", "clip_value")}


@dataclass(frozen=True)
class Configuration:
    """A training step, declared: every field means the same to `manual`, `reference` and the stated formulas.

    An activation, loss or rule is named as in `manual`, with options in brackets where it has any:
    `"leaky_relu(negative_slope=0.2)"`.

    >>> Configuration(optimizer="adam", options={"lr": 0.01}).title
    'relu, identity | mse | adam(lr=0.01)'
    """

    activations: tuple[str, ...] = ("relu", "identity")
    loss: str = "mse"
    optimizer: str = "sgd"
    options: Mapping[str, Any] = field(default_factory=dict)
    clip: Mapping[str, float] | None = None  # {"norm": 1.0} or {"value": 0.5}
    batch_norm: Mapping[str, Any] | None = None
    dropout: float = 0.0
    accumulate: int = 1
    undecayed: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        options = ", ".join(f"{name}={value}" for name, value in self.options.items())
        parts = [", ".join(self.activations), self.loss, f"{self.optimizer}({options})"]
        if self.batch_norm is not None:
            parts.insert(1, "batch norm")
        if self.dropout:
            parts.insert(1, f"dropout {self.dropout}")
        parts += [f"clip {kind} {limit}" for kind, limit in (self.clip or {}).items()]
        return " | ".join(parts)

    def declared(self) -> dict[str, Any]:
        """Return the fields as plain data, for JSON."""
        return asdict(self)

    def by_hand(self) -> Callable[..., dict[str, Any]]:
        """Return `manual`'s step for this configuration."""
        import manual.activations
        import manual.clipping
        import manual.losses
        import manual.optimizers
        import manual.stepping

        return self.step(manual)

    def by_torch(self) -> Callable[..., dict[str, Any]]:
        """Return `reference`'s step for this configuration."""
        import reference.activations
        import reference.clipping
        import reference.losses
        import reference.optimizers
        import reference.stepping

        return self.step(reference)

    def step(self, package: ModuleType) -> Callable[..., dict[str, Any]]:
        """Return `package.stepping.step` for this configuration."""
        clip = None
        for kind, limit in (self.clip or {}).items():
            name, keyword = CLIPS[kind]
            clip = partial(getattr(package.clipping, name), **{keyword: limit})
        return partial(
            package.stepping.step,
            activations=[resolve(package.activations, text) for text in self.activations],
            loss=resolve(package.losses, self.loss),
            rule=resolve(package.optimizers, self.optimizer),
            clip=clip,
            batch_norm=self.batch_norm,
            dropout=self.dropout,
            accumulate=self.accumulate,
            undecayed=self.undecayed,
            frozen=self.frozen,
            **self.options,
        )

    def formulas(self, **changed: Any) -> Formulas:
        """Return the stated formulas of this configuration, with `changed` hyperparameters such as lr."""
        clip = None
        for kind, limit in (self.clip or {}).items():
            name, keyword = CLIPS[kind]
            stated = getattr(network, name.replace("clip_", "clipped_"))
            clip = partial(stated, **{keyword: limit})
        return Formulas(
            activations=[pair(activations, text) for text in self.activations],
            loss=pair(losses, self.loss),
            rule=resolve(optimizers, self.optimizer),
            hyperparameters=dict(self.options) | changed,
            clip=clip,
            batch_norm=self.batch_norm,
            dropout=self.dropout,
            accumulate=self.accumulate,
            undecayed=self.undecayed,
            frozen=self.frozen,
        )


def pair(module: ModuleType, text: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return a stated formula and its gradient."""
    return resolve(module, text), resolve(module, text, suffix="_gradient")


def resolve(module: ModuleType, text: str, *, suffix: str = "") -> Callable[..., Any]:
    """Return the function of `module` that `text` names, with the options in its brackets filled in.

    >>> import math
    >>> resolve(math, "dist(p=1)")
    functools.partial(<built-in function dist>, p=1)
    """
    name, options = parse(text)
    function = getattr(module, name + suffix, None)
    if name.startswith("_") or not callable(function):
        known = ", ".join(
            sorted(n for n in vars(module) if callable(getattr(module, n)) and n.islower())
        )
        raise ValueError(f"{module.__name__} has no {name!r}; it has {known}")
    return partial(function, **options) if options else function


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the options of text such as "elu(alpha=1.7)".

    >>> parse("elu(alpha=1.7)")
    ('elu', {'alpha': 1.7})
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, {}
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.args:
            options = {k.arg: ast.literal_eval(k.value) for k in tree.keywords if k.arg}
            return tree.func.id, options
    except (SyntaxError, ValueError):
        pass
    raise ValueError(f"cannot read {text!r}; write a name, or name(option=value)")


def output_of(loss: str) -> str:
    """Return the output activation that a loss takes.

    >>> output_of("bce"), output_of("huber(delta=0.3)")
    ('sigmoid', 'identity')
    """
    return OUTPUTS.get(parse(loss)[0], "identity")
