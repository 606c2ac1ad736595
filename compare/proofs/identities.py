r"""Identities between the functions: compositions, special cases, symmetries, scalings and schedules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy

from compare.proofs.arithmetic import Exact, Piece, lift, rational
from compare.proofs.operations import COTANGENT, SIDES, targets
from compare.proofs.proof import Claim, Identity, equal
from compare.proofs.sources import Sources


def claims(sources: Sources) -> Iterator[Claim]:
    """Yield these claims."""
    for subject, name, statement, sizes, identities in IDENTITIES:
        yield Claim(subject, name, statement, sizes, identities)


def slope_of_sigmoid(sources: Sources, piece: Piece) -> Iterator[Identity]:
    Z = piece.array("z", SIDES)
    A, backward = sources.load("manual.activations").sigmoid(Z)
    yield from equal("slope", backward(Z**0), (Z**0) / 4 - (A - HALF) ** 2)


def tanh_and_sigmoid(sources: Sources, piece: Piece) -> Iterator[Identity]:
    functions, Z = sources.load("manual.activations"), piece.array("z", SIDES)
    A, S = functions.tanh(Z)[0], functions.sigmoid(2 * Z)[0]
    for k, (a, s) in enumerate(zip(A.ravel(), S.ravel(), strict=True)):
        yield f"entry {k}", a.expression.rewrite(sympy.exp) - (2 * s - 1).expression


def slope_of_softplus(sources: Sources, piece: Piece) -> Iterator[Identity]:
    functions, Z = sources.load("manual.activations"), piece.array("z", [[2.5, -1.5]])
    yield from equal("slope", functions.softplus(Z)[1](Z**0), functions.sigmoid(Z)[0])


def softmax_symmetries(sources: Sources, piece: Piece) -> Iterator[Identity]:
    Z, dA, c = (
        piece.array("z", [[2, -1], [-3, 0.5]]),
        piece.array("d", COTANGENT),
        piece.symbol("c", 3),
    )
    softmax = sources.load("manual.activations").softmax
    A, backward = softmax(Z)
    yield from equal("sum of a", A.sum(axis=0), (Z**0)[0])
    yield from equal("sum of dz", backward(dA).sum(axis=0), (0 * Z)[0])
    yield from equal("z + c", softmax(Z + c)[0], A)


def probabilities_and_logits(sources: Sources, piece: Piece) -> Iterator[Identity]:
    functions, losses = sources.load("manual.activations"), sources.load("manual.losses")
    Z, Y = piece.array("z", [[2.5, -1.5], [-3.0, 0.5]]), targets("bce", piece)
    A, sigmoid_backward = functions.sigmoid(Z)
    _, on_probabilities = losses.bce(A, Y)
    _, on_logits = losses.bce_with_logits(Z, Y)
    yield from equal("dZ", sigmoid_backward(on_probabilities()), on_logits())
    yield from equal("dZ = (A - Y) / N", on_logits(), (A - Y) / 4)


def softmax_and_logits(sources: Sources, piece: Piece) -> Iterator[Identity]:
    functions, losses = sources.load("manual.activations"), sources.load("manual.losses")
    Z, Y = piece.array("z", [[2, -1], [-3, 0.5]]), targets("cross_entropy", piece)
    P, softmax_backward = functions.softmax(Z)
    _, backward = losses.cross_entropy(Z, Y)
    yield from equal("dz = p - y", backward(), (P - Y) / 2)
    yield from equal("through softmax", softmax_backward(-Y / P / 2), backward())


def trace_form(sources: Sources, piece: Piece) -> Iterator[Identity]:
    losses = sources.load("manual.losses")
    A, Y = piece.array("a", SIDES), piece.array("y", COTANGENT)
    trace = np.trace((A - Y) @ (A - Y).T)
    yield from equal("mse", losses.mse(A, Y)[0], trace / 4)
    yield from equal("per example", losses.mse_per_example(A, Y)[0], trace / 2)
    yield from equal("n_y times", losses.mse_per_example(A, Y)[1](), 2 * losses.mse(A, Y)[1]())


def huber_and_smooth_l1(sources: Sources, piece: Piece) -> Iterator[Identity]:
    losses, beta = sources.load("manual.losses"), piece.symbol("beta", 0.8)
    A, Y = piece.array("a", [[0.7, 0.2], [0.3, 0.6]]), piece.array("y", [[0.3, 2.7], [0.9, -1.6]])
    huber, _ = losses.huber(A, Y, delta=beta)
    yield from equal("loss", huber, beta * losses.smooth_l1(A, Y, beta=beta)[0].item())


def gains(sources: Sources, piece: Piece) -> Iterator[Identity]:
    r"""$g^2 E[a^2] = E[z^2]$ for a standard normal z, by integrating $a^2$ of `manual`'s own function."""
    functions = sources.load("manual.activations")
    gain = sources.load("manual.initialization.gains").calculate_gain
    for name in ("relu", "leaky_relu", "identity"):
        square = sum(
            (half_moment(getattr(functions, name), side) for side in (1, -1)), sympy.Integer(0)
        )
        g = gain("linear" if name == "identity" else name)
        yield name, lift(g).expression ** 2 * square - 1


def half_moment(function: Any, side: int) -> Any:
    """Return the integral of a^2 times the normal density over one side of 0, where the function is smooth."""
    piece = Piece()
    z = piece.symbol("z", side)
    a = function(np.array([[z]], dtype=object))[0].item().expression
    density = sympy.exp(-(z.expression**2) / 2) / sympy.sqrt(2 * sympy.pi)
    limits = (z.expression, 0, sympy.oo) if side > 0 else (z.expression, -sympy.oo, 0)
    return sympy.integrate(a**2 * density, limits)


def spreads(sources: Sources, piece: Piece) -> Iterator[Identity]:
    r"""The bounds and deviations of the code against the variances they must give."""
    scaled = sources.load("manual.initialization.scaled")
    n_in, n_out = 3, 5
    xavier = lift(scaled.xavier_std((n_out, n_in), lift(1))).expression
    yield "Xavier", xavier**2 * sympy.Rational(n_in + n_out, 2) - 1
    he = lift(scaled.kaiming_std((n_out, n_in), lift(0), "fan_in", "leaky_relu")).expression
    yield "He", he**2 * n_in / 2 - 1
    default = lift(
        scaled.kaiming_std((n_out, n_in), lift(5).sqrt(), "fan_in", "leaky_relu")
    ).expression
    yield "nn.Linear's bound", 3 * default**2 - sympy.Rational(1, n_in)
    c, x = sympy.symbols("c x", positive=True)
    yield "uniform", sympy.integrate(x**2 / (2 * c), (x, -c, c)) - c**2 / 3


def schedules(sources: Sources, piece: Piece) -> Iterator[Identity]:
    """The closed forms against the recurrences by which torch goes from each rate to the next."""
    s, lr = sources.load("manual.schedules"), piece.symbol("eta", 0.5)
    gamma, low = piece.symbol("gamma", 0.9), piece.symbol("eta_min", 0.01)
    for rule, options in (("exponential", {"gamma": gamma}), ("step_decay", {"step_size": 2}),
                          ("cosine", {"T_max": 5, "eta_min": low}), ("inverse_time", {"decay": 1})):  # fmt: skip
        yield from equal(f"{rule}, at first", getattr(s, rule)(0, lr=lr, **options), lr)
    for k in range(4):
        now, after = (s.exponential(i, lr=lr, gamma=gamma) for i in (k, k + 1))
        yield from equal(f"exponential, step {k}", after, gamma * now)
        now, after = (s.step_decay(i, lr=lr, step_size=2, gamma=gamma) for i in (k, k + 1))
        yield from equal(f"step decay, step {k}", after, now * (gamma if (k + 1) % 2 == 0 else 1))
        now, after = (s.cosine(i, lr=lr, T_max=5, eta_min=low) for i in (k, k + 1))
        ratio = (1 + cosine(k + 1, 5)) / (1 + cosine(k, 5))
        yield from equal(f"cosine, step {k}", after, (now - low) * ratio + low)


def cosine(k: int, period: int) -> Exact:
    return Exact(sympy.cos(sympy.pi * sympy.Rational(k, period)))


HALF = Exact(rational(0.5))
IDENTITIES = (
    ("activations.sigmoid", "the slope of the sigmoid is at most a quarter",
     r"a (1 - a) = \tfrac14 - (a - \tfrac12)^2 \le \tfrac14", "4 values", slope_of_sigmoid),
    ("activations.tanh", "tanh is a sigmoid, stretched and shifted",
     r"\tanh z = 2 \sigma(2z) - 1", "4 values", tanh_and_sigmoid),
    ("activations.softplus", "the slope of softplus is the sigmoid",
     r"\mathrm{softplus}'(z) = \sigma(z)", "2 values", slope_of_softplus),
    ("activations.softmax", "softmax sums to one, its gradients to zero, and a shift changes nothing",
     r"\sum_i a_i = 1, \quad \sum_i dz_i = 0, \quad a(z + c) = a(z)", "2 classes, 2 examples",
     softmax_symmetries),
    ("losses.bce_with_logits", "on logits it is bce behind a sigmoid",
     r"\sigma'(Z) \odot \frac{\partial\,bce}{\partial A} = \frac1N (A - Y)", "n_y = 2, m = 2",
     probabilities_and_logits),
    ("losses.cross_entropy", "through softmax the gradient is the difference",
     r"(\mathrm{diag}(p) - p p^T)(-y / p) = p - y", "n_y = 2, m = 2", softmax_and_logits),
    ("losses.mse", "the squared error is a trace",
     r"\sum_{ij} (a_{ij} - y_{ij})^2 = \mathrm{tr}\,(A - Y)(A - Y)^T", "n_y = 2, m = 2", trace_form),
    ("losses.huber", "Huber's loss is smooth L1, times its width",
     r"huber_\delta = \delta \cdot smooth\_l1_\delta", "n_y = 2, m = 2", huber_and_smooth_l1),
    ("initialization.calculate_gain", "the gain restores the mean square",
     r"g^2\,E[a^2] = E[z^2], \; z \sim N(0, 1)", "relu, leaky relu, identity", gains),
    ("initialization", "the schemes give the variances they promise",
     r"\tfrac{n_{in} + n_{out}}{2} Var(W) = 1, \quad n_{in} Var(W) = 2, \quad "
     r"\int_{-c}^{c} \frac{x^2}{2c} dx = \frac{c^2}{3}", "n_in = 3, n_out = 5", spreads),
    ("schedules", "the schedules are the recurrences that torch runs",
     r"\eta_{k+1} = \gamma \eta_k, \qquad \eta_{k+1} - \eta_{min} = "
     r"\frac{1 + \cos \frac{\pi (k+1)}{T}}{1 + \cos \frac{\pi k}{T}} (\eta_k - \eta_{min})",
     "4 steps", schedules),
)  # fmt: skip
