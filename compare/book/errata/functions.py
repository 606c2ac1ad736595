r"""The errata of activations, losses and the chain through many layers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import manual.activations
import manual.losses
from compare.book.errata.shown import EXACT, Shown, number


def kink() -> Shown:
    import torch

    def slope(f: Callable[[torch.Tensor], torch.Tensor]) -> float:
        z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        torch.autograd.backward(f(z).sum())
        assert z.grad is not None
        return float(z.grad)

    ours = float(manual.activations.relu(np.zeros((1, 1)))[1](np.ones((1, 1)))[0, 0])
    found = {
        "manual.activations.relu": ours,
        "torch.relu": slope(torch.relu),
        "z.clamp(min=0)": slope(lambda z: z.clamp(min=0)),
        "torch.maximum(z, zeros)": slope(lambda z: torch.maximum(z, torch.zeros_like(z))),
    }
    rows = tuple((name, number(x)) for name, x in found.items())
    return Shown(
        ("function", "slope taken at z = 0"),
        rows,
        "At 0 there is no slope; each program takes one of the subgradients between 0 and 1.",
        tuple(found.values()) == (0.0, 0.0, 1.0, 0.5),
    )


def open_interval() -> Shown:
    rows, held = [], []
    for dtype, points in (("float64", (36.7, 36.74, -720.0)), ("float32", (16.6, 16.64, -95.0))):
        z = np.array(points, dtype)
        a = manual.activations.sigmoid(z[None])[0][0]
        with np.errstate(over="ignore"):
            naive = 1 / (1 + np.exp(-z))
        rows += [
            (dtype, number(x), *(f"{v:.17g}" if dtype == "float64" else f"{v:.9g}" for v in (y, n)))
            for x, y, n in zip(points, a, naive, strict=True)
        ]
        held.append(bool(a[0] < 1.0 and a[1] == 1.0 and a[2] > 0.0 == naive[2]))
    t = manual.activations.tanh(np.array([[20.0]]))[0].item()
    rows.append(("float64", "20, of tanh", number(t), ""))
    return Shown(
        ("precision", "z", "a by the code", "1 / (1 + exp(-z))"),
        tuple(rows),
        "In floating point the interval is closed: $a$ is exactly 1 from $z = 36.74$ on, 16.64 in "
        "float32, and there the gradient $a (1 - a)$ is exactly 0. On the other side the naive form "
        "overflows to 0 where the value is still positive. Tanh reaches 1 as well.",
        all(held) and t == 1.0,
    )


def products() -> Shown:
    W = np.full((50, 50), 0.1)
    v, rows = np.ones((50, 1)), []
    for k in range(11):
        if k in (0, 1, 2, 5, 10):
            rows.append((str(k), number(float(np.linalg.norm(v)) / 50**0.5, digits=6)))
        v = W.T @ v
    sigma = float(np.linalg.svd(W, compute_uv=False)[0])
    rows.append(("largest singular value", number(sigma, digits=6)))
    return Shown(
        ("layers of 50 units, every weight 0.1", "length of the gradient, the last being 1"),
        tuple(rows),
        "Every factor is below one, and the gradient grows nearly ten million times over ten layers: "
        "singular values of the Jacobians decide, not entries. Sigmoid's slope is at most 1/4; tanh's reaches 1, and it "
        "vanishes by saturation.",
        abs(sigma - 5.0) < EXACT * 100,
    )


def logarithm_of_zero() -> Shown:
    z, y = np.array([[37.0]]), np.array([[0.0]])
    a, through = manual.activations.sigmoid(z)
    loss, backward = manual.losses.bce(a, y)
    right, on_logits = manual.losses.bce_with_logits(z, y)
    found = float(loss), float(through(backward()).item())
    true = float(right), float(on_logits().item())
    return Shown(
        ("z = 37, y = 0", "loss", "dz"),
        (
            (
                "sigmoid, then BCE with its logarithms clamped at -100",
                number(found[0]),
                number(found[1]),
            ),
            ("BCE on the logit", number(true[0]), number(true[1])),
        ),
        "At $a = 1$ the formula asks for $\\log 0$. Clamped, as in torch, the loss is 100 and the gradient 0: the unit "
        "that is most wrong learns nothing. On the logit it is 37 and 1.",
        found == (100.0, 0.0) and abs(true[0] - 37.0) < 1e-9 and abs(true[1] - 1.0) < 1e-9,
    )
