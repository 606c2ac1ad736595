r"""Random configurations and inputs, easy and degenerate: what the verifier is tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.configuration import Configuration, parse
from compare.tasks import normalization_state
from compare.verification import Batch

Array = NDArray[Any]
Random = np.random.Generator

HIDDEN = (
    "identity", "relu", "sigmoid", "tanh", "leaky_relu", "leaky_relu(negative_slope=0.2)", "elu",
    "elu(alpha=1.7)", "gelu", "gelu_tanh", "silu", "softplus", "softplus(beta=2.0, threshold=5.0)",
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
SPECIAL = ("plain", "plain", "plain", "zeros", "saturated", "tiny", "huge", "kinks", "cancelling")


@dataclass(frozen=True)
class Case:
    """A configuration with the state and batches to try it on; `special` says what is hard about it."""

    configuration: Configuration
    state: Mapping[str, Array]
    batches: tuple[Batch, ...]
    special: str


def cases(seed: int, dtype: str, *, steps: int = 3) -> Iterator[Case]:
    """Yield random cases without end, from the seed alone."""
    for k in range(10**9):
        yield case(np.random.default_rng([seed, k]), dtype, steps=steps)


def case(random: Random, dtype: str, *, steps: int = 3) -> Case:
    """Return one random case."""
    depth = int(random.integers(1, 5))
    loss = str(random.choice(list(OUTPUTS)))
    rule = str(random.choice(list(RULES)))
    hidden = [str(random.choice(HIDDEN)) for _ in range(depth - 1)]
    special = str(random.choice(SPECIAL))
    configuration = Configuration(
        activations=(*hidden, str(random.choice(OUTPUTS[loss]))),
        loss=loss,
        optimizer=rule,
        options={"lr": float(random.choice([0.5, 0.1, 0.01])), **pick(random, RULES[rule])},
        clip=pick(random, (None, None, {"norm": 0.5}, {"norm": 50.0}, {"value": 0.1})),
        batch_norm=pick(random, (None, None, {}, {"momentum": None, "eps": 1e-3})) if hidden else None,
        dropout=float(random.choice([0.0, 0.0, 0.5])) if hidden else 0.0,
        accumulate=int(random.choice([1, 1, 1, 2])),
    )
    sizes = [int(n) for n in random.integers(1, 24, size=depth)]
    sizes.append(int(random.integers(2, 6)) if loss.startswith("cross_entropy") else int(random.integers(1, 5)))
    m = int(random.choice([2, 3, 16, 61, 256]))
    state = initial(random, configuration, sizes, special, np.dtype(dtype))
    batches = tuple(
        batch(random, configuration, sizes, m, special, np.dtype(dtype)) for _ in range(steps)
    )
    return Case(configuration, state, batches, special)


def pick(random: Random, choices: tuple[Any, ...]) -> Any:
    return choices[int(random.integers(len(choices)))]


def initial(
    random: Random, c: Configuration, sizes: list[int], special: str, dtype: np.dtype[Any]
) -> dict[str, Array]:
    """Return random parameters, scaled as the special case wants them."""
    scale = {"zeros": 0.0, "saturated": 30.0, "tiny": 1e-9, "huge": 1e3}.get(special, 1.0)
    state: dict[str, Array] = {}
    for l, (k, n) in enumerate(zip(sizes, sizes[1:], strict=False), 1):
        state[f"W{l}"] = (scale * random.normal(size=(n, k)) / np.sqrt(k)).astype(dtype)
        state[f"b{l}"] = (0.3 * scale * random.normal(size=(n, 1))).astype(dtype)
        if special == "kinks":
            state[f"b{l}"][:] = 0.0
    if c.batch_norm is not None:
        state |= normalization_state(tuple(sizes[1:-1]), dtype)
    return state


def batch(
    random: Random, c: Configuration, sizes: list[int], m: int, special: str, dtype: np.dtype[Any]
) -> Batch:
    X = 1.5 * random.normal(size=(sizes[0], m)) + 0.3
    if special == "kinks":
        X[:, ::3] = 0.0
    if special == "cancelling":
        X = np.concatenate([X[:, : m - m // 2], -X[:, : m // 2]], axis=1)
    masks = {
        f"mask{l}": (random.random((n, m)) > c.dropout).astype(dtype)
        for l, n in enumerate(sizes[1:-1], 1)
        if c.dropout
    }
    Y = TARGETS.get(parse(c.loss)[0], real)(random, sizes[-1], m)
    return Batch(sealed(X, dtype), sealed(Y, dtype), {}, masks)


def real(random: Random, n: int, m: int) -> Array:
    return random.normal(size=(n, m))


def labels(random: Random, n: int, m: int) -> Array:
    return (random.random((n, m)) < 0.5).astype(float)


def classes(random: Random, n: int, m: int) -> Array:
    return np.eye(n)[:, random.integers(0, n, m)]


TARGETS: dict[str, Callable[[Random, int, int], Array]] = {
    "bce": labels,
    "bce_with_logits": labels,
    "cross_entropy": classes,
    "cross_entropy_on_probabilities": classes,
}


def sealed(x: Array, dtype: np.dtype[Any]) -> Array:
    x = np.ascontiguousarray(x, dtype=dtype)
    x.flags.writeable = False
    return x
