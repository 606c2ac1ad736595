r"""Backpropagation through the whole net is the derivative of the loss.

Once for any differentiable activations and any loss: $g_l$ and $g_l'$ are function symbols of which
nothing is known but that one is the derivative of the other, and the loss is $\langle D, A_L \rangle$
with an arbitrary $D$, which is what every loss is to first order. Then for the nets of the source
document as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import sympy

from compare.proofs.arithmetic import Exact, Piece, gradient, rational
from compare.proofs.operations import targets
from compare.proofs.proof import Claim, Identity, equal
from compare.proofs.sources import Sources
from compare.traces import Array

Activation = Callable[[Array], tuple[Array, Callable[[Array], Array]]]
STATEMENT = r"dW_l = \frac{\partial L}{\partial W_l}, \qquad db_l = \frac{\partial L}{\partial b_l}"
HALF = Exact(rational(0.5))


def claims(sources: Sources) -> Iterator[Claim]:
    """Yield the claims about whole nets."""
    for what, sizes, m, how in GENERIC:
        identities = partial(generic, sizes=sizes, m=m, **how)
        yield Claim("network.backward", what, STATEMENT, shown(sizes, m), identities)
    for hidden, output, loss in DOCUMENT:
        yield Claim(
            "network.backward",
            f"backpropagation of {hidden}, {output}, {loss}",
            STATEMENT,
            shown((2, 2, 2), 2),
            partial(concrete, names=(hidden, output), loss=loss),
        )
    yield Claim(
        "network.backward",
        "the product of layer Jacobians",
        JACOBIANS,
        shown((2, 2, 2, 2), 1),
        product,
    )


def shown(sizes: Sequence[int], m: int) -> str:
    """Return the sizes in words.

    >>> shown((2, 3, 1), 4)
    'n_x = 2, n_1 = 3, n_y = 1, m = 4'
    """
    hidden = [f"n_{l} = {n}" for l, n in enumerate(sizes[1:-1], 1)]
    return ", ".join([f"n_x = {sizes[0]}", *hidden, f"n_y = {sizes[-1]}", f"m = {m}"])


GENERIC: tuple[tuple[str, tuple[int, ...], int, dict[str, Any]], ...] = (
    ("two layers, any activations, any loss", (2, 2, 2), 2, {}),
    ("three layers, any activations, any loss", (2, 2, 2, 2), 2, {}),
    ("two layers with dropout", (2, 2, 2), 2, {"dropout": HALF}),
    ("two layers with batch norm", (1, 1, 1), 3, {"batch_norm": {}}),
)
DOCUMENT = (
    ("relu", "identity", "mse"),
    ("sigmoid", "identity", "mse"),
    ("tanh", "identity", "mse"),
    ("relu", "sigmoid", "bce"),
    ("relu", "identity", "bce_with_logits"),
    ("relu", "identity", "cross_entropy"),
    ("tanh", "tanh", "mse_per_example"),
)
JACOBIANS = (
    r"\frac{\partial L}{\partial W_1} = "
    r"\Big( g_1'(z_1) \odot W_2^T \big( g_2'(z_2) \odot W_3^T (g_3'(z_3) \odot d) \big) \Big) x^T"
)


def samples(*shape: int) -> Array:
    """Return quarters that are never zero and never tied: the same ones each time."""
    random = np.random.default_rng(7)
    quarters = random.permutation(4 * int(np.prod(shape)))[: int(np.prod(shape))] * 2 + 1
    signs = np.where(random.random(quarters.shape) < 0.4, -1, 1)
    return np.reshape(
        [sympy.Rational(int(s * q), 8) for s, q in zip(signs, quarters, strict=True)], shape
    )


def parameters(piece: Piece, sizes: Sequence[int], *, normalized: bool = False) -> dict[str, Array]:
    """Return symbols for the parameters of a net, and the state of batch norm."""
    state: dict[str, Array] = {}
    for l, (k, n) in enumerate(pairwise(sizes), 1):
        state[f"W{l}"] = piece.array(f"w{l}", samples(n, k))
        state[f"b{l}"] = piece.array(f"b{l}", samples(n, 1) / 16)
        if normalized and l < len(sizes) - 1:
            state[f"gamma{l}"] = piece.array(f"gamma{l}", samples(n, 1))
            state[f"beta{l}"] = piece.array(f"beta{l}", samples(n, 1) / 16)
            state |= {f"running_mean{l}": np.zeros((n, 1)), f"running_var{l}": np.ones((n, 1))}
            state[f"batches{l}"] = np.array(0)
    return state


@cache
def anything(l: int) -> tuple[Any, Any]:
    """Return function symbols g_l and its derivative: nothing else is known of them."""
    slope = sympy.Function(f"dg{l}")
    fdiff = {"fdiff": lambda self, argindex=1: slope(self.args[0])}
    return type(f"g{l}", (sympy.Function,), fdiff), slope


def unknown_activation(l: int) -> Activation:
    """Return an activation of which only its name is known."""
    g, slope = anything(l)

    def activation(Z: Array) -> tuple[Array, Callable[[Array], Array]]:
        A, S = (each(f, Z) for f in (g, slope))
        return A, lambda dA: dA * S

    return activation


def each(f: Any, Z: Array) -> Array:
    return np.asarray(np.frompyfunc(partial(Exact.applied, function=f), 1, 1)(Z))


def generic(
    sources: Sources, piece: Piece, *, sizes: Sequence[int], m: int, **how: Any
) -> Iterator[Identity]:
    network, L = sources.load("manual.network"), len(sizes) - 1
    state = parameters(piece, sizes, normalized="batch_norm" in how)
    state |= {f"mask{l}": piece.array(f"k{l}", samples(n, m)) for l, n in enumerate(sizes[1:-1], 1)}
    X, D = piece.array("x", samples(sizes[0], m)), piece.array("d", samples(sizes[-1], m))
    activations = [unknown_activation(l) for l in range(1, L + 1)]
    trace, tape = network.forward(state, X, activations=activations, **how)
    value = (D * trace[f"A{L}"]).sum()
    yield from gradients(network, state, value, network.backward(tape, D))


def gradients(network: Any, state: dict[str, Array], value: Any, got: Any) -> Iterator[Identity]:
    """Yield that each gradient of the trace is the derivative of the loss by its parameter."""
    for n in network.parameter_names(state):
        yield from equal(f"d{n}", got[f"d{n}"], gradient(value, state[n]))


def concrete(
    sources: Sources, piece: Piece, *, names: tuple[str, ...], loss: str
) -> Iterator[Identity]:
    network, functions = sources.load("manual.network"), sources.load("manual.activations")
    state, X = parameters(piece, (2, 2, 2)), piece.array("x", samples(2, 2) / 4)
    activations = [getattr(functions, name) for name in names]
    trace, tape = network.forward(state, X, activations=activations)
    L, backward = getattr(sources.load("manual.losses"), loss)(trace["A2"], targets(loss, piece))
    yield from gradients(network, state, L.item(), network.backward(tape, backward(1)))


def product(sources: Sources, piece: Piece) -> Iterator[Identity]:
    """The chain rule as the source document writes it: Jacobian times Jacobian, from the output to W1."""
    network, state = sources.load("manual.network"), parameters(piece, (2, 2, 2, 2))
    x, d = piece.array("x", samples(2, 1)), piece.array("d", samples(2, 1))
    activations = [unknown_activation(l) for l in (1, 2, 3)]
    trace, tape = network.forward(state, x, activations=activations)
    dz = d
    for l in (3, 2, 1):
        slope = each(anything(l)[1], trace[f"Z{l}"])
        jacobian = np.diag(slope[:, 0]) if l == 3 else np.diag(slope[:, 0]) @ state[f"W{l + 1}"].T
        dz = jacobian @ dz
    yield from equal("dW1", network.backward(tape, d)["dW1"], dz @ x.T)
