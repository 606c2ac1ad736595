r"""What the derivations say besides: that two forms are one, what a correction corrects, what a factor is for."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

from compare.proofs.arithmetic import Exact, Piece
from compare.proofs.closed_forms import adams, betas, rate
from compare.proofs.proof import Claim, Identity, equal
from compare.proofs.rules import ZERO, Walk, average, root, squares, weighted
from compare.proofs.sources import Sources


def claims(sources: Sources) -> Iterator[Claim]:
    """Yield the claims about update rules beyond their closed forms."""
    for subject, name, statement, sizes, identities in FACTS:
        yield Claim(subject, name, statement, sizes, identities)
    rules = sources.load("manual.optimizers")
    for name in rules.__all__:
        options = inspect.signature(getattr(rules, name)).parameters
        if "maximize" in options:
            yield Claim(
                f"optimizers.{name}",
                f"weight decay and ascent of {name} are changes of the gradient",
                r"g = \pm\nabla L + \lambda w"
                if name != "adamw"
                else r"w \leftarrow (1 - \eta\lambda)\,w",
                "1 step",
                partial(decay_and_ascent, name=name, decay="weight_decay" in options),
            )


def decay_and_ascent(
    sources: Sources, piece: Piece, *, name: str, decay: bool
) -> Iterator[Identity]:
    lr, wd = rate(piece), piece.symbol("lambda", 0.05)
    g, w = piece.symbol("g_1", 0.75), piece.symbol("w", 1.25)
    options: dict[str, Any] = {"maximize": True} | ({"weight_decay": wd} if decay else {})
    walk = Walk(sources, piece, name, lr=lr, gradients=[g], slots=start(name), **options)
    decoupled = name == "adamw"
    seen = -g + (wd * w if decay and not decoupled else 0)
    none: dict[str, Any] = {"weight_decay": 0} if decay else {}
    plain = Walk(sources, piece, name, lr=lr, gradients=[seen], slots=start(name), **none)
    shrunk = lr * wd * w if decoupled else ZERO
    yield from equal("the step", walk.w[1], plain.w[1] - shrunk)


def start(name: str) -> dict[str, Exact | int]:
    return {"t": 0, "mu": ZERO + 1, "m": ZERO, "v": ZERO} if name == "nadam" else {}


def decays(sources: Sources, piece: Piece) -> Iterator[Identity]:
    lr, wd = rate(piece), piece.symbol("lambda", 0.05)
    walk = Walk(sources, piece, "sgd", lr=lr, weight_decay=wd)
    for t, g in enumerate(walk.g, 1):
        yield from equal(f"step {t}", walk.w[t], (1 - lr * wd) * walk.w[t - 1] - lr * g)


def nesterov(sources: Sources, piece: Piece) -> Iterator[Identity]:
    r"""The classical form looks ahead: $u \leftarrow \mu u - \eta g$ at $x + \mu u$; the code's $w$ is that point."""
    eta, mu = rate(piece), piece.symbol("mu", 0.9)
    walk = Walk(sources, piece, "sgd", lr=eta, momentum=mu, nesterov=True)
    x, u = walk.w[0], ZERO
    for t, g in enumerate(walk.g, 1):
        u = mu * u - eta * g
        x = x + u
        yield from equal(f"look-ahead of step {t}", walk.w[t], x + mu * u)


def sutskever(sources: Sources, piece: Piece) -> Iterator[Identity]:
    r"""With a constant rate, $u \leftarrow \mu u + \eta g$, $w \leftarrow w - u$ is the same walk."""
    eta, mu = rate(piece), piece.symbol("mu", 0.9)
    walk = Walk(sources, piece, "momentum", lr=eta, momentum=mu)
    yield from walk.moves([-x for x in weighted(mu, [eta * g for g in walk.g])])


def bias_correction(sources: Sources, piece: Piece) -> Iterator[Identity]:
    r"""Under a constant gradient the corrected moments are $g$ and $g^2$ from the first step on."""
    (beta1, beta2), g = betas(piece), piece.symbol("g", 0.75)
    walk = Walk(sources, piece, "adam", betas=(beta1, beta2), gradients=[g] * 3)
    for t in (1, 2, 3):
        yield from equal(f"m hat at step {t}", walk.state[t]["m"] / (1 - beta1**t), g)
        yield from equal(f"v hat at step {t}", walk.state[t]["v"] / (1 - beta2**t), g * g)


def epsilon_hat(sources: Sources, piece: Piece) -> Iterator[Identity]:
    r"""The paper's efficient order, with $\hat\epsilon = \epsilon \sqrt{1 - \beta_2^t}$, is the same walk."""
    eta, (beta1, beta2), eps = rate(piece), betas(piece), piece.symbol("epsilon", 0.01)
    walk = Walk(sources, piece, "adam", lr=eta, betas=(beta1, beta2), eps=eps)
    moves = []
    for t in (1, 2, 3):
        m, v, c = walk.state[t]["m"], walk.state[t]["v"], root(1 - beta2**t)
        moves.append(-eta * c / (1 - beta1**t) * m / (root(v) + eps * c))
    yield from walk.moves(moves)


def amsgrad(sources: Sources, piece: Piece) -> Iterator[Identity]:
    r"""Gradients that fall fast: the second moment of the second step is below that of the first."""
    (beta1, beta2), eps = (piece.symbol("beta_1", 0.6), piece.symbol("beta_2", 0.6)), rate(piece)
    g = [piece.symbol("g_1", 2), piece.symbol("g_2", 0.25)]
    walk = Walk(
        sources, piece, "adam", lr=1, betas=(beta1, beta2), eps=eps, amsgrad=True, gradients=g
    )
    m, v = average(beta1, g), average(beta2, squares(g))
    yield from walk.equal("v", v)
    yield from walk.equal("vmax", [v[0], v[0]])
    yield from walk.moves([-x for x in adams(m, [v[0], v[0]], beta1, beta2, eps)])


FACTS = (
    ("optimizers.sgd", "a penalty on the weights is a decay of the weights",
     r"w - \eta (g + \lambda w) = (1 - \eta\lambda) w - \eta g", "3 steps", decays),
    ("optimizers.sgd", "Nesterov's form in the code is the look-ahead of the classical form",
     r"u \leftarrow \mu u - \eta \nabla L(x + \mu u), \; x \leftarrow x + u: \quad w = x + \mu u",
     "3 steps", nesterov),
    ("optimizers.momentum", "with a constant rate, the rate may stand inside the velocity",
     r"u \leftarrow \mu u + \eta g, \; w \leftarrow w - u", "3 steps", sutskever),
    ("optimizers.adam", "the corrections undo the start from zero",
     r"g_i = g \;\Rightarrow\; \hat m_t = g, \; \hat v_t = g^2 \text{ for every } t", "3 steps", bias_correction),
    ("optimizers.adam", "the paper's efficient order is the same with another epsilon",
     r"\frac{\eta \sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \frac{m_t}{\sqrt{v_t} + \hat\epsilon}, \quad "
     r"\hat\epsilon = \epsilon \sqrt{1 - \beta_2^t}", "3 steps", epsilon_hat),
    ("optimizers.adam", "amsgrad divides by the largest second moment so far",
     r"v_{max,t} = \max_{i \le t} v_i", "2 steps, the second gradient small", amsgrad),
)  # fmt: skip
