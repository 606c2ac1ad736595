r"""Each entry's formula in a few signs, for the drawing: its full statement is in `compare.formulas`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from compare.configuration import Configuration, parse
from compare.formulas.network import source
from compare.traces import PARAMETERS, kind

COUPLED = ("softmax", "log_softmax")  # every output depends on every input of its column


def term(name: str, c: Configuration) -> str:
    """Return the right-hand side of an entry's formula.

    >>> c = Configuration(activations=("relu", "identity"), optimizer="adam")
    >>> term("Z2", c), term("dZ1", c), term("dW1", c), term("W1", c)
    ('W2 A1 + b2', 'dA1 ∘ relu′(Z1)', 'dZ1 Xᵀ', 'adam')
    """
    digits = name[len(kind(name)) :]
    return TERMS[kind(name)](int(digits or 0), c)


def activated(l: int, c: Configuration) -> str:
    """Return the input of layer l's activation."""
    return f"{'N' if normalized(l, c) else 'Z'}{l}"


def normalized(l: int, c: Configuration) -> bool:
    return c.batch_norm is not None and l < len(c.activations)


def function(l: int, c: Configuration) -> str:
    return parse(c.activations[l - 1])[0]


def loss(c: Configuration) -> str:
    return parse(c.loss)[0].removesuffix("_on_probabilities")


def slope(l: int, c: Configuration) -> str:
    """Return the gradient through layer l's activation."""
    g, Z = function(l, c), activated(l, c)
    return f"{g}′({Z})ᵀ dA{l}" if g in COUPLED else f"dA{l} ∘ {g}′({Z})"


def returned(l: int, c: Configuration) -> str:
    """Return the gradient that layer l + 1 hands back."""
    return f"W{l + 1}ᵀ dZ{l + 1}"


def output_gradient(l: int, c: Configuration) -> str:
    if l == len(c.activations):
        return f"∂loss / ∂A{l}"
    return f"dD{l} ∘ mask{l} / (1 − p)" if c.dropout else returned(l, c)


def ruled(l: int, c: Configuration) -> str:
    return c.optimizer


TERMS: Mapping[str, Callable[[int, Configuration], str]] = {
    "Z": lambda l, c: f"W{l} {source(l, c.dropout)} + b{l}",
    "N": lambda l, c: f"batch norm of Z{l}",
    "A": lambda l, c: f"{function(l, c)}({activated(l, c)})",
    "D": lambda l, c: f"A{l} ∘ mask{l} / (1 − p)",
    "loss": lambda l, c: f"{loss(c)}(A{len(c.activations)}, Y)",
    "dA": output_gradient,
    "dD": returned,
    "dN": slope,
    "dZ": lambda l, c: "back through the norm" if normalized(l, c) else slope(l, c),
    "dW": lambda l, c: f"dZ{l} {source(l, c.dropout)}ᵀ",
    "db": lambda l, c: f"Σ dZ{l}",
    "dgamma": lambda l, c: f"Σ dN{l} ∘ xhat{l}",
    "dbeta": lambda l, c: f"Σ dN{l}",
    "norm": lambda l, c: "of all gradients",
    "micro": lambda l, c: f"of {c.accumulate}",
    **dict.fromkeys(PARAMETERS, ruled),
}
