r"""The errata of cost and backpropagation: the document's line run beside the right one."""

from __future__ import annotations

from typing import Any

import numpy as np

import manual.losses
from compare.book.errata.shown import EXACT, Shown, gap, number, shape
from compare.book.nets import example


def compared(what: str, printed: Any, right: Any, torch: Any) -> tuple[str, ...]:
    """Return a row: the printed line's shape and its error, and the right line's, against autograd."""
    fits = np.shape(printed) == np.shape(torch)
    error = f"{gap(printed, torch):.2g}" if fits else "no: the shapes differ"
    return what, shape(printed), shape(torch), error, f"{gap(right, torch):.1g}"


COLUMNS = ("line", "printed: shape", "needed: shape", "printed: error", "right: error")


def squared_error() -> Shown:
    e = example(sizes=(3, 4, 3), m=5)
    A, Y = e.by_hand["A2"], e.Y
    per_example, gradient = manual.losses.mse_per_example(A, Y)
    mean, mean_gradient = manual.losses.mse(A, Y)
    ratio, slopes = (
        float(per_example / mean),
        gap(gradient() / mean_gradient(), np.full(A.shape, 3.0)),
    )
    rows = (
        (
            "sum over all, divided by m",
            number(float(per_example)),
            number(float(np.abs(gradient()).max())),
        ),
        (
            "sum over all, divided by n_y m",
            number(float(mean)),
            number(float(np.abs(mean_gradient()).max())),
        ),
        ("ratio", number(ratio), number(float(gradient()[0, 0] / mean_gradient()[0, 0]))),
    )
    return Shown(
        ("n_y = 3, m = 5", "loss", "largest gradient"),
        rows,
        "With three outputs both the loss and every gradient of the 1/m form are three times those "
        "of torch.nn.MSELoss: the learning rate is tripled without being touched.",
        abs(ratio - 3.0) < EXACT and slopes < EXACT,
    )


def trace() -> Shown:
    e = example(sizes=(3, 4, 2), m=5)
    R = e.by_hand["Z2"] - e.Y
    product = R @ R.T
    loss, backward = manual.losses.mse_per_example(e.by_hand["A2"], e.Y)
    rows = (
        ("(Z2 - Y)(Z2 - Y)^T", shape(product), "a matrix, not a number"),
        ("its trace / m", "()", number(np.trace(product) / 5, digits=8)),
        ("the loss", "()", number(float(loss), digits=8)),
        ("its off-diagonal entry / m", "()", number(product[0, 1] / 5, digits=4) + ", in no loss"),
    )
    same = abs(np.trace(product) / 5 - float(loss)) < EXACT and gap(backward(), 2 / 5 * R) < EXACT
    return Shown(
        ("n_y = 2, m = 5", "shape", "value"),
        rows,
        "The product is a scalar only for one output; in general the loss is its trace. The derivative "
        "(2/m)(Z2 - Y), with its 1/m, is what the code has.",
        same and abs(product[0, 1]) > 0,
    )


def second_layer() -> Shown:
    e = example()
    t, m, R = e.by_hand, 5, e.by_hand["Z2"] - e.Y
    slope = (t["Z1"] > 0).astype(float)
    rows = (
        compared("dW2 = 2 (Z2 - Y) / n", 2 * R / m, t["dZ2"] @ t["A1"].T, e.by_torch["dW2"]),
        compared("db2 = sum of 2 (Z2 - Y)", 2 * R.sum(1, keepdims=True),
                 t["dZ2"].sum(1, keepdims=True), e.by_torch["db2"]),
        compared("dA1 = dL/dz1 dz1/da1 = W1^T dZ1", e.state["W1"].T @ t["dZ1"],
                 e.state["W2"].T @ t["dZ2"], e.by_torch["dA1"]),
        compared("dZ1 = W2^T 2 (Z2 - Y) * g1'(Z1)", e.state["W2"].T @ (2 * R) * slope,
                 e.state["W2"].T @ t["dZ2"] * slope, e.by_torch["dZ1"]),
    )  # fmt: skip
    return Shown(
        COLUMNS,
        rows,
        "Two of the lines do not even have the shape of what they name; the two without 1/m are m = 5 "
        "times too large, an error of 4 relative to torch.autograd. The right lines agree to rounding.",
        "differ" in rows[0][3] and "differ" in rows[2][3] and rows[1][3] == rows[3][3] == "4",
    )


def first_layer() -> Shown:
    e = example()
    t = e.by_hand
    right = t["dZ1"].sum(1, keepdims=True)
    rows = (
        compared("dW1 = dZ1 X^T", t["dZ1"] @ e.X.T, t["dZ1"] @ e.X.T, e.by_torch["dW1"]),
        compared("db1 = dZ1 x", t["dZ1"] @ e.X.T, right, e.by_torch["db1"]),
        compared("db1 = sum of columns of dZ1", right, right, e.by_torch["db1"]),
    )
    return Shown(
        COLUMNS,
        rows,
        "The bias is added with factor 1, not x: its gradient is the sum of dZ1 over the examples.",
        "differ" in rows[1][3] and gap(right, e.by_torch["db1"]) < EXACT,
    )
