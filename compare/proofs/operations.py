r"""Each backward is the derivative of its forward: activations, losses, the linear layer, dropout, batch norm, clipping.

A backward takes the gradient $d$ of its output to the gradients of its operands. For any $d$ that is
the gradient of the one number $\langle d, output \rangle$, so this is what is differentiated: by
sympy, entry by entry, on matrices of symbols that lie on both sides of every kink.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from compare.proofs.arithmetic import Exact, Piece, gradient, rational
from compare.proofs.proof import Claim, Identity, equal
from compare.proofs.sources import Sources
from compare.traces import Array

COTANGENT = [[1, 2], [3, 5]]
SIDES = [[2.5, -1.5], [-3.0, 30.5]]  # both sides of 0, and of softplus' threshold of 20
OPTIONS: Mapping[str, Mapping[str, tuple[str, float]]] = {
    "leaky_relu": {"negative_slope": ("s", 0.01)},
    "elu": {"alpha": ("alpha", 1.5)},
    "softplus": {"beta": ("beta", 2.0), "threshold": ("tau", 20.0)},
    "huber": {"delta": ("delta", 1.0)},
    "smooth_l1": {"beta": ("beta", 0.8)},
}
LABELS = {"bce": [[0.3, 0.7], [0.9, 0.6]], "bce_with_logits": [[0.3, 0.7], [0.9, 0.6]]}


def claims(sources: Sources) -> Iterator[Claim]:
    """Yield a claim for every activation and loss that `manual` offers, and for the other operations."""
    for name in sources.load("manual.activations").__all__:
        yield Claim(
            f"activations.{name}",
            f"the backward of {name} is its derivative",
            r"dZ = \frac{\partial}{\partial Z} \langle dA, g(Z) \rangle",
            "2 units, 2 examples",
            partial(activation, name=name),
        )
    for name in sources.load("manual.losses").__all__:
        yield Claim(
            f"losses.{name}",
            f"the gradient of {name} is its derivative",
            r"dA = dL\,\frac{\partial L}{\partial A}",
            "n_y = 2, m = 2",
            partial(loss, name=name),
        )
    yield from OTHERS


def options(name: str, piece: Piece) -> dict[str, Exact]:
    return {k: piece.symbol(*symbol) for k, symbol in OPTIONS.get(name, {}).items()}


def activation(sources: Sources, piece: Piece, *, name: str) -> Iterator[Identity]:
    Z, dA = piece.array("z", SIDES), piece.array("d", COTANGENT)
    g = getattr(sources.load("manual.activations"), name)
    A, backward = g(Z, **options(name, piece))
    yield from equal("dZ", backward(dA), gradient((dA * A).sum(), Z))


def loss(sources: Sources, piece: Piece, *, name: str) -> Iterator[Identity]:
    A, dL = piece.array("a", [[0.7, 0.2], [0.3, 0.6]]), piece.symbol("dL", 2)
    Y = targets(name, piece)
    L, backward = getattr(sources.load("manual.losses"), name)(A, Y, **options(name, piece))
    yield from equal("dA", backward(dL), gradient(dL * L.item(), A))


def targets(name: str, piece: Piece) -> Array:
    """Return symbols for the targets; where each column is a distribution, its second entry completes the first."""
    if name.startswith("cross_entropy"):
        first = piece.array("y", [[0.25, 0.6]])
        return np.concatenate([first, 1 - first])
    return piece.array("y", LABELS.get(name, [[0.3, 2.7], [0.9, -1.6]]))


def linear(sources: Sources, piece: Piece) -> Iterator[Identity]:
    W, A = piece.array("w", [[1, -2], [3, 0.5]]), piece.array("a", [[2, 1], [-1, 4]])
    b, dZ = piece.array("b", [[0.5], [-1]]), piece.array("d", COTANGENT)
    Z, backward = sources.load("manual.layers").linear(W, A, b)
    value = (dZ * Z).sum()
    for name, operand, got in zip(("dW", "db", "dA"), (W, b, A), backward(dZ), strict=True):
        yield from equal(name, got, gradient(value, operand))


def dropout(sources: Sources, piece: Piece) -> Iterator[Identity]:
    A, dD = piece.array("a", SIDES), piece.array("d", COTANGENT)
    p, mask = piece.symbol("p", 0.25), piece.array("k", [[0.3, 0.6], [0.2, 0.9]])
    D, backward = sources.load("manual.layers").dropout(A, mask, p=p)
    yield from equal("dA", backward(dD), gradient((dD * D).sum(), A))
    kept, dropped = (
        sources.load("manual.layers").dropout(A, x, p=p)[0] for x in (mask**0, 0 * mask)
    )
    yield from equal("E[D]", (1 - p) * kept + p * dropped, A)


def batch_norm(sources: Sources, piece: Piece) -> Iterator[Identity]:
    Z, dN = piece.array("z", [[1, -2, 4]]), piece.array("d", [[1, 2, 5]])
    gamma, beta = piece.array("gamma", [[2]]), piece.array("beta", [[0.5]])
    eps = piece.symbol("epsilon", 0.1)
    out, backward = sources.load("manual.normalization").batch_norm(Z, gamma, beta, eps=eps)
    value = (dN * out["N"]).sum()
    got = backward(dN)
    for name, operand, x in zip(("dgamma", "dbeta", "dZ"), (gamma, beta, Z), got, strict=True):
        yield from equal(name, x, gradient(value, operand))
    yield from equal("sum of dZ", got[2].sum(axis=1), np.zeros(1))


def evaluation(sources: Sources, piece: Piece) -> Iterator[Identity]:
    """The statistics of one batch, remembered whole (momentum 1, m / (m - 1) undone), give evaluation = training."""
    normalization = sources.load("manual.normalization")
    Z, eps = piece.array("z", [[1, -2, 4]]), piece.symbol("epsilon", 0.1)
    before = {"running_mean": piece.array("r", [[3]]), "running_var": piece.array("q", [[2]])}
    after = normalization.running_statistics(before | {"batches": np.array(0)}, Z, momentum=1)
    running = after["running_mean"], after["running_var"] * 2 / 3
    out, _ = normalization.batch_norm(Z, None, None, eps=eps)
    N = normalization.batch_norm_evaluation(Z, None, None, *running, eps=eps)
    yield from equal("N", N, out["N"])


def clip_by_norm(sources: Sources, piece: Piece) -> Iterator[Identity]:
    """Above the limit: one factor for all, and the norm becomes max_norm norm / (norm + 1e-6). Below: nothing."""
    g = {"W": piece.array("w", [[3, -4]]), "b": piece.array("b", [[1.5]])}
    limit = piece.symbol("c", 0.5)
    clip = sources.load("manual.clipping").clip_by_norm
    extra, clipped = clip(g, max_norm=limit)
    flat, short = (np.concatenate([x.ravel() for x in part.values()]) for part in (g, clipped))
    norm = Exact.sqrt((flat * flat).sum())
    yield from equal("norm", extra["norm"], norm)
    scaled = (limit * norm / (norm + TINY)) ** 2
    yield from equal("norm of the clipped, squared", (short * short).sum(), scaled)
    yield from equal("direction", short[1:] * flat[0], flat[1:] * short[0])
    _, whole = clip(g, max_norm=100)
    yield from equal("below the limit", whole["W"], g["W"])


def clip_by_value(sources: Sources, piece: Piece) -> Iterator[Identity]:
    g, c = piece.array("g", [[3, -4, 0.5]]), piece.symbol("c", 1)
    _, clipped = sources.load("manual.clipping").clip_by_value({"W": g}, clip_value=c)
    yield from equal("clipped", clipped["W"], np.array([[c, -c, g[0, 2]]]))


TINY = Exact(rational(1e-6))
OTHERS = (
    Claim(
        "layers.linear",
        "the backward of the linear layer is its derivative",
        r"dW = \frac{\partial \langle dZ, W A + b \rangle}{\partial W}, \quad "
        r"db = \frac{\partial \langle dZ, W A + b \rangle}{\partial b}, \quad "
        r"dA = \frac{\partial \langle dZ, W A + b \rangle}{\partial A}",
        "2 inputs, 2 units, 2 examples",
        linear,
    ),
    Claim(
        "layers.dropout",
        "the backward of dropout is its derivative, and dropping keeps the expectation",
        r"dA = \frac{\partial \langle dD, D \rangle}{\partial A}, \qquad (1 - p)\,D_{kept} + p\,D_{dropped} = A",
        "2 units, 2 examples",
        dropout,
    ),
    Claim(
        "normalization.batch_norm",
        "the backward of batch norm is its derivative, and sums to zero over the batch",
        r"(d\gamma, d\beta, dZ) = \frac{\partial \langle dN, N \rangle}{\partial (\gamma, \beta, Z)}, \qquad "
        r"\sum_j dZ_j = 0",
        "1 unit, 3 examples",
        batch_norm,
    ),
    Claim(
        "normalization.batch_norm_evaluation",
        "evaluation with the statistics of one batch equals training on it",
        r"\frac{z - mean}{\sqrt{var + eps}} = xhat \quad \text{where} \quad "
        r"mean = \mu, \; var = \tfrac{m - 1}{m} \, unbiased",
        "1 unit, 3 examples",
        evaluation,
    ),
    Claim(
        "clipping.clip_by_norm",
        "clipping by norm keeps the direction and bounds the length",
        r"\lVert c\,g \rVert = max\_norm \frac{norm}{norm + 10^{-6}} \; (norm > max\_norm), \qquad "
        r"c = 1 \text{ otherwise}",
        "two parameters with 3 entries in all",
        clip_by_norm,
    ),
    Claim(
        "clipping.clip_by_value",
        "clipping by value clamps each entry, on each of its three pieces",
        r"g \mapsto \min(\max(g, -c), c)",
        "3 entries: above, below, between",
        clip_by_value,
    ),
)
