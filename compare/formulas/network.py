r"""The whole step as stated: every entry of a trace, in the order it is computed, from the operands it names.

`read(name)` gives an operand, `before(name)` one of the state the step started from. Whoever calls
decides what they are: the program's own values, taken as exact (each formula is judged on its own
inputs), or the tracked results of the formulas before (the whole step is judged). The formulas are
the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import maximum, minimum, sqrt, total

Read = Callable[[str], Tracked]
Expected = Iterator[tuple[str, Tracked]]
Gradient = Callable[[Tracked, Tracked, Tracked], Tracked]
Activation = tuple[Callable[[Tracked], Tracked], Gradient]


def forward(
    read: Read,
    before: Read,
    has: Callable[[str], bool],
    activations: Sequence[Activation],
    batch_norm: Mapping[str, Any] | None,
    dropout: float,
) -> Expected:
    """Yield Z1, (batch norm,) A1, (D1,) Z2, A2, ..."""
    source, L = "X", len(activations)
    for l, (g, _) in enumerate(activations, 1):
        product = before(f"W{l}") @ read(source)
        yield f"Z{l}", total(product, before(f"b{l}")) if has(f"b{l}") else product
        z = f"Z{l}"
        if batch_norm is not None and l < L:
            yield from normalized(read, before, has, l, **batch_norm)
            z = f"N{l}"
        yield f"A{l}", g(read(z))
        source = f"A{l}"
        if dropout and l < L:
            yield f"D{l}", kept(read(source), before(f"mask{l}"), dropout)
            source = f"D{l}"


def kept(x: Tracked, mask: Tracked, p: float) -> Tracked:
    return x * mask * (1.0 / (1.0 - p) if p < 1.0 else 0.0)


def normalized(
    read: Read,
    before: Read,
    has: Callable[[str], bool],
    l: int,
    *,
    eps: float = 1e-5,
    momentum: float | None = 0.1,
) -> Expected:
    Z = read(f"Z{l}")
    m = Z.shape[-1]
    yield f"mu{l}", Z.sum(axis=1) / float(m)
    mu = mean_known(read, l)
    centred = Z - mu
    yield f"var{l}", (centred * centred).sum(axis=1) / float(m)
    yield f"xhat{l}", centred / sqrt(variance_known(read, l) + eps)
    xhat = normalized_known(read, l, eps)
    affine = has(f"gamma{l}")
    yield f"N{l}", total(before(f"gamma{l}") * xhat, before(f"beta{l}")) if affine else xhat
    yield from running(read, before, l, momentum)


def mean_known(read: Read, l: int) -> Tracked:
    """Return mu as far as a program knows it that forms it anew: to the rounding of its sum."""
    Z = read(f"Z{l}")
    return read(f"mu{l}").known_as(4.0 * Z.sum(axis=1) / float(Z.shape[-1]))


def variance_known(read: Read, l: int) -> Tracked:
    """Return the biased variance as far as a program knows it that forms it anew."""
    centred = read(f"Z{l}") - mean_known(read, l)
    known = (centred * centred).sum(axis=1) / float(centred.shape[-1])
    return read(f"var{l}").known_as(known)


def normalized_known(read: Read, l: int, eps: float) -> Tracked:
    """Return xhat as far as a program knows it that keeps mu and the deviation instead."""
    centred = read(f"Z{l}") - mean_known(read, l)
    return read(f"xhat{l}").known_as(centred / sqrt(variance_known(read, l) + eps))


def running(read: Read, before: Read, l: int, momentum: float | None) -> Expected:
    m = read(f"Z{l}").shape[-1]
    batches = before(f"batches{l}") + 1.0
    factor = momentum if momentum is not None else 1.0 / one(batches)
    unbiased = variance_known(read, l) * (m / (m - 1.0))
    mean = total((1.0 - factor) * before(f"running_mean{l}"), factor * mean_known(read, l))
    yield f"running_mean{l}", mean
    yield f"running_var{l}", total((1.0 - factor) * before(f"running_var{l}"), factor * unbiased)
    yield f"batches{l}", Tracked(batches.value, None, batches.u)


def one(x: Tracked) -> float:
    """Return a count, the same in every step of a stack."""
    return float(x.value.flat[0])


def backward(
    read: Read,
    before: Read,
    has: Callable[[str], bool],
    activations: Sequence[Activation],
    batch_norm: Mapping[str, Any] | None,
    dropout: float,
) -> Expected:
    """Yield dZL, dWL, dbL, dA(L-1), ..., dZ1, dW1, db1; the loss has given dAL."""
    L = len(activations)
    for l in range(L, 0, -1):
        hidden = l < L
        if dropout and hidden:
            yield f"dA{l}", kept(read(f"dD{l}"), before(f"mask{l}"), dropout)
        z = "N" if batch_norm is not None and hidden else "Z"
        gradient = activations[l - 1][1]
        yield f"d{z}{l}", gradient(read(f"{z}{l}"), read(f"A{l}"), read(f"dA{l}"))
        if z == "N":
            eps = (batch_norm or {}).get("eps", 1e-5)
            yield from normalized_gradient(read, before, has, l, eps)
        below = source(l, dropout)
        yield f"dW{l}", read(f"dZ{l}") @ read(below).T
        if has(f"b{l}"):
            yield f"db{l}", read(f"dZ{l}").sum(axis=1)
        if l > 1:
            yield f"d{below}", before(f"W{l}").T @ read(f"dZ{l}")


def source(l: int, dropout: float) -> str:
    """Return the name of the input of layer l.

    >>> source(1, 0.0), source(2, 0.0), source(2, 0.5)
    ('X', 'A1', 'D1')
    """
    return "X" if l == 1 else f"{'D' if dropout else 'A'}{l - 1}"


def normalized_gradient(
    read: Read, before: Read, has: Callable[[str], bool], l: int, eps: float
) -> Expected:
    r"""Yield dgamma, dbeta, dZ."""
    dN = read(f"dN{l}")
    xhat = normalized_known(read, l, eps)
    d = dN
    if has(f"gamma{l}"):
        yield f"dgamma{l}", (dN * xhat).sum(axis=1)
        yield f"dbeta{l}", dN.sum(axis=1)
        d = before(f"gamma{l}") * dN
    m = float(dN.shape[-1])
    s = sqrt(variance_known(read, l) + eps)
    yield f"dZ{l}", total(d, -(d.sum(axis=1) / m), -(xhat * ((d * xhat).sum(axis=1) / m))) / s


def clipped_by_norm(
    gradients: Mapping[str, Tracked],
    read: Read,
    *,
    max_norm: float,
    error_if_nonfinite: bool = False,
) -> Expected:
    norms = [sqrt((g * g).sum()) for g in gradients.values()]  # each rounded, as torch has it
    yield "norm", sqrt(total(*(norm * norm for norm in norms)))
    c = minimum(max_norm / (read("norm").rounded() + 1e-6), 1.0)
    for name, g in gradients.items():
        yield f"g.{name}", g * c


def clipped_by_value(
    gradients: Mapping[str, Tracked], read: Read, *, clip_value: float
) -> Expected:
    for name, g in gradients.items():
        yield f"g.{name}", maximum(minimum(g, clip_value), -clip_value)
