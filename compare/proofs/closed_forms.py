r"""The closed form of each update rule, and other things its derivation says, as identities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from compare.proofs.arithmetic import Exact, Piece
from compare.proofs.proof import Identity, equal
from compare.proofs.rules import ZERO, Walk, average, corrected, root, squares, weighted
from compare.proofs.sources import Sources

Check = Callable[[Sources, Piece], Iterator[Identity]]


def rate(piece: Piece) -> Exact:
    return piece.symbol("eta", 0.1)


def betas(piece: Piece) -> tuple[Exact, Exact]:
    return piece.symbol("beta_1", 0.9), piece.symbol("beta_2", 0.999)


def sgd(sources: Sources, piece: Piece) -> Iterator[Identity]:
    eta, decay = rate(piece), piece.symbol("lambda", 0.01)
    walk = Walk(sources, piece, "sgd", lr=eta, weight_decay=decay)
    shrink = 1 - eta * decay
    for t, moved in enumerate(weighted(shrink, walk.g), 1):
        yield from equal(f"w after step {t}", walk.w[t], shrink**t * walk.w[0] - eta * moved)


def momentum(sources: Sources, piece: Piece) -> Iterator[Identity]:
    eta, mu, tau = rate(piece), piece.symbol("mu", 0.9), piece.symbol("tau", 0.25)
    walk = Walk(sources, piece, "momentum", lr=eta, momentum=mu, dampening=tau)
    first, *rest = walk.g
    m = weighted(mu, [first, *((1 - tau) * g for g in rest)])
    yield from walk.equal("m", m)
    yield from walk.moves([-eta * x for x in m])
    plain = Walk(sources, piece, "momentum", lr=eta, momentum=mu)
    weights = [(1 - mu ** (len(plain.g) - i)) / (1 - mu) for i in range(len(plain.g))]
    total = sum((c * g for c, g in zip(weights, plain.g, strict=True)), ZERO)
    yield from equal("w after all steps", plain.w[-1], plain.w[0] - eta * total)


def adagrad(sources: Sources, piece: Piece) -> Iterator[Identity]:
    eta, decay, eps = rate(piece), piece.symbol("delta", 0.1), piece.symbol("epsilon", 0.01)
    start = piece.symbol("s_0", 0.5)
    walk = Walk(sources, piece, "adagrad", lr=eta, lr_decay=decay, eps=eps,
                initial_accumulator_value=start)  # fmt: skip
    s = [start + x for x in weighted(ZERO + 1, squares(walk.g))]
    yield from walk.equal("s", s)
    rates = [eta / (1 + (t - 1) * decay) for t in (1, 2, 3)]
    yield from walk.moves(
        [-r * g / (root(x) + eps) for r, g, x in zip(rates, walk.g, s, strict=True)]
    )


def rmsprop(sources: Sources, piece: Piece) -> Iterator[Identity]:
    eta, alpha, eps = rate(piece), piece.symbol("alpha", 0.99), piece.symbol("epsilon", 0.01)
    mu = piece.symbol("mu", 0.5)
    for centered in (False, True):
        walk = Walk(sources, piece, "rmsprop", lr=eta, alpha=alpha, eps=eps, centered=centered,
                    momentum=mu, steps=2)  # fmt: skip
        s, ga = average(alpha, squares(walk.g)), average(alpha, walk.g)
        yield from walk.equal("s", s)
        variance = [x - a * a for x, a in zip(s, ga, strict=True)] if centered else s
        d = [g / (root(x) + eps) for g, x in zip(walk.g, variance, strict=True)]
        yield from walk.moves([-eta * x for x in weighted(mu, d)])


def rmsprop_eps_inside(sources: Sources, piece: Piece) -> Iterator[Identity]:
    eta, alpha, eps = rate(piece), piece.symbol("alpha", 0.9), piece.symbol("epsilon", 0.01)
    walk = Walk(sources, piece, "rmsprop_eps_inside", lr=eta, alpha=alpha, eps=eps)
    s = average(alpha, squares(walk.g))
    yield from walk.equal("s", s)
    yield from walk.moves([-eta * g / root(x + eps) for g, x in zip(walk.g, s, strict=True)])


def adam(sources: Sources, piece: Piece) -> Iterator[Identity]:
    eta, (beta1, beta2), eps = rate(piece), betas(piece), piece.symbol("epsilon", 0.01)
    walk = Walk(sources, piece, "adam", lr=eta, betas=(beta1, beta2), eps=eps)
    m, v = average(beta1, walk.g), average(beta2, squares(walk.g))
    yield from walk.equal("m", m)
    yield from walk.equal("v", v)
    yield from walk.moves([-eta * x for x in adams(m, v, beta1, beta2, eps)])


def adams(m: list[Exact], v: list[Exact], beta1: Exact, beta2: Exact, eps: Exact) -> list[Exact]:
    r"""Return $\hat m / (\sqrt{\hat v} + \epsilon)$ for each step."""
    corrections = zip(corrected(beta1, m), corrected(beta2, v), strict=True)
    return [a / (root(b) + eps) for a, b in corrections]


def adamw(sources: Sources, piece: Piece) -> Iterator[Identity]:
    eta, (beta1, beta2), eps = rate(piece), betas(piece), piece.symbol("epsilon", 0.01)
    decay = piece.symbol("lambda", 0.05)
    walk = Walk(sources, piece, "adamw", lr=eta, betas=(beta1, beta2), eps=eps, weight_decay=decay)
    m, v = average(beta1, walk.g), average(beta2, squares(walk.g))
    for t, x in enumerate(adams(m, v, beta1, beta2, eps), 1):
        shrunk = (1 - eta * decay) * walk.w[t - 1]
        yield from equal(f"w after step {t}", walk.w[t], shrunk - eta * x)


def adamax(sources: Sources, piece: Piece) -> Iterator[Identity]:
    eta, eps = rate(piece), piece.symbol("epsilon", 0.01)
    beta1, beta2 = piece.symbol("beta_1", 0.9), piece.symbol("beta_2", 0.75)
    walk = Walk(sources, piece, "adamax", lr=eta, betas=(beta1, beta2), eps=eps)
    size = [abs(g) + eps for g in walk.g]
    u = [max(beta2 ** (t - i) * x for i, x in enumerate(size[:t], 1)) for t in (1, 2, 3)]
    yield from walk.equal("u", u)
    hats = corrected(beta1, average(beta1, walk.g))
    yield from walk.moves([-eta * a / b for a, b in zip(hats, u, strict=True)])


def nadam(sources: Sources, piece: Piece) -> Iterator[Identity]:
    eta, (beta1, beta2), eps = rate(piece), betas(piece), piece.symbol("epsilon", 0.01)
    psi = piece.symbol("psi", 0.004)
    slots = {"t": 0, "mu": ZERO + 1, "m": ZERO, "v": ZERO}
    walk = Walk(sources, piece, "nadam", lr=eta, betas=(beta1, beta2), eps=eps, momentum_decay=psi,
                slots=slots, steps=2)  # fmt: skip
    mu = [beta1 * (1 - (ZERO + 0.96) ** (t * psi) / 2) for t in (1, 2, 3)]
    m, v = average(beta1, walk.g), corrected(beta2, average(beta2, squares(walk.g)))
    moves, product = [], ZERO + 1
    for t, g in enumerate(walk.g):
        product = product * mu[t]
        now, ahead = (1 - mu[t]) / (1 - product), mu[t + 1] / (1 - product * mu[t + 1])
        moves.append(-eta * (now * g + ahead * m[t]) / (root(v[t]) + eps))
    yield from walk.moves(moves)


def radam(sources: Sources, piece: Piece) -> Iterator[Identity]:
    r"""Two steps without rectification from the start, then one with it from any state at t = 9."""
    eta, (beta1, beta2), eps = rate(piece), betas(piece), piece.symbol("epsilon", 0.01)
    options: dict[str, Any] = {"lr": eta, "betas": (beta1, beta2), "eps": eps}
    early = Walk(sources, piece, "radam", steps=2, **options)
    yield from early.moves([-eta * x for x in corrected(beta1, average(beta1, early.g))])
    m, v = piece.symbol("m", 0.5), piece.symbol("v", 0.25)
    late = Walk(sources, piece, "radam", slots={"t": 9, "m": m, "v": v}, steps=1, **options)
    g, t = late.g[0], 10
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    most = 2 / (1 - beta2) - 1
    rho = most - 2 * t * beta2**t / (1 - beta2**t)
    r = root((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    scale = r * root(1 - beta2**t) / (root(v) + eps)
    yield from late.moves([-eta * m / (1 - beta1**t) * scale])


def adadelta(sources: Sources, piece: Piece) -> Iterator[Identity]:
    eta, rho, eps = rate(piece), piece.symbol("rho", 0.9), piece.symbol("epsilon", 0.01)
    walk = Walk(sources, piece, "adadelta", lr=eta, rho=rho, eps=eps, steps=2)
    v = average(rho, squares(walk.g))
    first = root(eps) / root(v[0] + eps) * walk.g[0]
    second = root((1 - rho) * first * first + eps) / root(v[1] + eps) * walk.g[1]
    yield from walk.equal("v", v)
    yield from walk.equal("d", average(rho, [first * first, second * second]))
    yield from walk.moves([-eta * first, -eta * second])


def rprop(sources: Sources, piece: Piece) -> Iterator[Identity]:
    """The signs + + - +: a longer step, a turn that shortens it and rests, and a fresh start."""
    eta, minus, plus = rate(piece), piece.symbol("eta^-", 0.5), piece.symbol("eta^+", 1.2)
    g = [piece.symbol(f"g_{k}", x) for k, x in enumerate((0.75, 0.5, -0.25, 0.5), 1)]
    walk = Walk(sources, piece, "rprop", lr=eta, etas=(minus, plus), gradients=g)
    longer = eta * plus
    yield from walk.equal("eta", [eta, longer, longer * minus, longer * minus])
    yield from walk.moves([-eta, -longer, ZERO, -longer * minus])


CLOSED: dict[str, tuple[str, Check]] = {
    "sgd": (
        r"w_T = (1 - \eta\lambda)^T w_0 - \eta \sum_{t=1}^{T} (1 - \eta\lambda)^{T-t} g_t",
        sgd,
    ),
    "momentum": (
        r"m_t = \mu^{t-1} g_1 + (1 - \tau) \sum_{i=2}^{t} \mu^{t-i} g_i, \qquad "
        r"\tau = 0:\; w_T = w_0 - \eta \sum_{i=1}^{T} \frac{1 - \mu^{T-i+1}}{1 - \mu}\,g_i",
        momentum,
    ),
    "adagrad": (
        r"s_t = s_0 + \sum_{i=1}^{t} g_i^2, \qquad "
        r"w_t - w_{t-1} = -\frac{\eta}{1 + (t - 1)\delta} \frac{g_t}{\sqrt{s_t} + \epsilon}",
        adagrad,
    ),
    "rmsprop": (
        r"s_t = (1 - \alpha) \sum_{i=1}^{t} \alpha^{t-i} g_i^2, \qquad "
        r"w_t - w_{t-1} = -\eta \sum_{i=1}^{t} \mu^{t-i} \frac{g_i}{\sqrt{s_i - ga_i^2} + \epsilon}",
        rmsprop,
    ),
    "rmsprop_eps_inside": (
        r"s_t = (1 - \alpha) \sum_{i=1}^{t} \alpha^{t-i} g_i^2, \qquad "
        r"w_t - w_{t-1} = -\eta \frac{g_t}{\sqrt{s_t + \epsilon}}",
        rmsprop_eps_inside,
    ),
    "adam": (
        r"m_t = (1 - \beta_1) \sum_{i=1}^{t} \beta_1^{t-i} g_i, \quad "
        r"v_t = (1 - \beta_2) \sum_{i=1}^{t} \beta_2^{t-i} g_i^2, \quad "
        r"w_t - w_{t-1} = -\eta \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}",
        adam,
    ),
    "adamw": (
        r"w_t = (1 - \eta\lambda) w_{t-1} - \eta \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}, "
        r"\quad \hat m_t, \hat v_t \text{ of } g_1, \dots, g_t \text{ alone}",
        adamw,
    ),
    "adamax": (
        r"u_t = \max_{i \le t} \beta_2^{t-i} (|g_i| + \epsilon), \qquad "
        r"w_t - w_{t-1} = -\eta \frac{\hat m_t}{u_t}",
        adamax,
    ),
    "nadam": (
        r"w_t - w_{t-1} = -\eta \Big( \frac{1 - \mu_t}{1 - \prod_{i \le t} \mu_i}\,g_t + "
        r"\frac{\mu_{t+1}}{1 - \prod_{i \le t+1} \mu_i}\,m_t \Big) \Big/ \big( \sqrt{\hat v_t} + \epsilon \big)",
        nadam,
    ),
    "radam": (
        r"w_t - w_{t-1} = -\eta\,\hat m_t \; (\rho_t \le 5), \qquad "
        r"-\eta\,\hat m_t\,r_t \frac{\sqrt{1 - \beta_2^t}}{\sqrt{v_t} + \epsilon} \; (\rho_t > 5)",
        radam,
    ),
    "adadelta": (
        r"\Delta_t = \sqrt{\frac{\epsilon + (1 - \rho) \sum_{i < t} \rho^{t-1-i} \Delta_i^2}"
        r"{\epsilon + (1 - \rho) \sum_{i \le t} \rho^{t-i} g_i^2}}\; g_t",
        adadelta,
    ),
    "rprop": (
        r"g: {+}\,{+}\,{-}\,{+} \quad \Rightarrow \quad w_T = w_0 - \eta - \eta\eta^+ - 0 - \eta\eta^+\eta^-",
        rprop,
    ),
}
