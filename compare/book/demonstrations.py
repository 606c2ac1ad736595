r"""The computed demonstrations of the errata: the document's line run beside the right one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import manual.activations
import manual.losses
import manual.optimizers
from compare.book.nets import example
from compare.book.shown import Shown, number, shape

EXACT = 1e-12  # relative: both sides compute the same formula, but for rounding


def gap(a: Any, b: Any) -> float:
    """Return the largest difference of two arrays over the largest entry of the second."""
    a, b = np.asarray(a), np.asarray(b)
    return float(np.abs(a - b).max() / np.abs(b).max())


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


def epsilon_inside() -> Shown:
    g, rows, steps = np.array([1e-4]), [], []
    for rule in ("rmsprop", "rmsprop_eps_inside"):
        f = getattr(manual.optimizers, rule)
        slots = {"s": np.array([1e-8]), **({"t": np.array(9)} if rule == "rmsprop" else {})}
        w, _ = f(np.array([0.0]), g, slots, lr=1.0, alpha=1.0, eps=1e-8)
        steps.append(-float(w[0]))
        rows.append((rule, "s = 1e-8, eps = 1e-8", number(steps[-1], digits=6)))
    first = [float(manual.optimizers.rmsprop(g, g, {}, alpha=a)[1]["s"][0]) for a in (0.9, 0.99)]
    rows.append(("ratio", "inside / outside", number(steps[1] / steps[0], digits=6)))
    rows.append(
        ("s after one step", "beta 0.9 / alpha 0.99", number(first[0] / first[1], digits=6))
    )
    return Shown(
        ("rule", "at", "step"),
        tuple(rows),
        "Inside the root, eps = 1e-8 acts like 1e-4 outside: where s equals eps the step is 0.707 of torch's. "
        "The document's 0.9 makes s ten times torch's default at the first step.",
        abs(steps[1] / steps[0] - 2**-0.5) < 2e-4 and abs(first[0] / first[1] - 10) < 1e-9,
    )


def adam() -> Shown:
    import torch

    from reference.optimizers import adam as by_torch

    w, g = np.array([0.3, -1.2]), np.array([0.02, -3.0])
    slots: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    mine, other = w, torch.tensor(w)
    for _ in range(5):
        mine, slots = manual.optimizers.adam(mine, g, slots)
        other, theirs = by_torch(other, torch.tensor(g), theirs)
    m, v, t = slots["m"], slots["v"], 5
    c = np.sqrt(1 - 0.999**t)
    document = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    hat = c / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
    scaled = c / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8 * c)
    rows = (
        ("parameters after 5 steps, document against torch.optim.Adam", f"{gap(mine, other):.1g}"),
        ("step, efficient form with the same eps", f"{gap(hat, document):.1g}"),
        ("step, efficient form with eps sqrt(1 - beta2^t)", f"{gap(scaled, document):.1g}"),
    )
    return Shown(
        ("compared", "relative difference"),
        rows,
        "The document's Adam is torch's, t counting from 1. The paper's efficient order is the same rule "
        "only with its own epsilon.",
        gap(mine, other) < EXACT < gap(hat, document) and gap(scaled, document) < EXACT,
    )


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
        "torch.maximum(z, 0)": slope(lambda z: torch.maximum(z, torch.zeros_like(z))),
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
            (dtype, number(x), f"{y:.17g}" if dtype == "float64" else f"{y:.9g}", f"{n:.9g}")
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


def small_steps() -> Shown:
    rows, ends = [], []
    for lr, steps in ((0.1, 200), (0.001, 20_000), (1.99, 2_000), (2.01, 2_000)):
        w = np.array([1.0])
        for _ in range(steps):
            w, _ = manual.optimizers.sgd(w, w, {}, lr=lr)
        ends.append(abs(float(w[0])))
        rows.append((number(lr), f"{steps:,}", number(ends[-1])))
    stuck = float(manual.optimizers.sgd(np.array([1.0]), np.array([1.0]), {}, lr=1e-17)[0][0])
    rows.append(("1e-17", "1", f"{stuck:.17g}, unmoved"))
    return Shown(
        ("learning rate times curvature", "steps", "distance from the minimum"),
        tuple(rows),
        "For a convex loss of curvature at most $\\ell$ every rate $0 < \\eta < 2 / \\ell$ converges, however slowly; it "
        "fails only by its budget, or once $|\\eta g|$ is below half the spacing of the numbers at $w$: then nothing moves.",
        max(ends[:3]) < 1e-3 < 1e3 < ends[3] and stuck == 1.0,
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


@dataclass(frozen=True)
class Erratum:
    """A line of the source document, the right one, and the run that shows the difference."""

    name: str
    title: str
    document: str
    right: str
    demonstrate: Callable[[], Shown]


ERRATA = (
    Erratum(
        "mse", "The mean of the squared error",
        r"$$MSE = \frac1m \sum_{i=1}^{N} (y_i - \hat y_i)^2$$ The sum runs to $N$ and is divided by $m$.",
        r"$$L = \frac{1}{n_y m} \sum_{i=1}^{n_y} \sum_{j=1}^{m} (a_{ij} - y_{ij})^2$$ as `torch.nn.MSELoss` has it, or $\frac1m$ on purpose; "
        r"the two differ by the factor $n_y$.",
        squared_error,
    ),
    Erratum(
        "trace", "A product that is a matrix",
        r"$$L = \frac1m (Z_2 - Y)(Z_2 - Y)^T$$ 'all the terms are scalar'; one line of the derivation drops $\frac1m$, the next has it again.",
        r"$$L = \frac1m \mathrm{tr}\,(Z_2 - Y)(Z_2 - Y)^T, \qquad dZ_2 = \frac2m (Z_2 - Y)$$ A number only for $n_y = 1$. The result holds for an identity output.",
        trace,
    ),
    Erratum(
        "layer2", "The gradients of the second layer (figure 2)",
        r"$$dW_2 = \frac{2 (Z_2 - Y)}{n}, \qquad db_2 = \sum 2 (Z_2 - Y), \qquad \frac{dL}{da_1} = \frac{dL}{dz_1} \frac{dz_1}{da_1}, \qquad "
        r"dZ_1 = W_2^T\,2 (Z_2 - Y) \odot g_1'(Z_1)$$",
        r"$$dW_2 = dZ_2 A_1^T, \qquad db_2 = \sum_j dZ_{2,j}, \qquad dA_1 = W_2^T dZ_2, \qquad dZ_1 = (W_2^T dZ_2) \odot g_1'(Z_1)$$ with $dZ_2 = \frac2m (Z_2 - Y)$.",
        second_layer,
    ),
    Erratum(
        "layer1", "The bias of the first layer (figure 3)",
        r"$$dW_1 = dZ_1 X^T, \qquad dw_1 = dZ_1\,x$$ The second is meant for $b_1$ and labelled $w$.",
        r"$$dW_1 = dZ_1 X^T, \qquad db_1 = \sum_j dZ_{1,j}$$ The bias has the factor 1, not $x$; its shape is $(n_h, 1)$.",
        first_layer,
    ),
    Erratum(
        "rmsprop", "RMSprop's epsilon and decay",
        r"$$w \leftarrow w - \frac{\eta\,g}{\sqrt{s + \epsilon}}, \qquad \beta = 0.9$$",
        r"$$w \leftarrow w - \frac{\eta\,g}{\sqrt s + \epsilon}, \qquad \alpha = 0.99$$ in PyTorch. Neither is wrong; they are two rules, and Keras has the document's.",
        epsilon_inside,
    ),
    Erratum(
        "adam", "Adam: no error, but two epsilons",
        r"$$\hat m = \frac{m}{1 - \beta_1^t}, \qquad \hat v = \frac{v}{1 - \beta_2^t}, \qquad w \leftarrow w - \frac{\eta\,\hat m}{\sqrt{\hat v} + \epsilon}$$",
        r"The same as `torch.optim.Adam`, $t$ from 1. The paper's efficient order $\eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \frac{m}{\sqrt v + \hat\epsilon}$ "
        r"is the same only with $\hat\epsilon = \epsilon \sqrt{1 - \beta_2^t}$.",
        adam,
    ),
    Erratum(
        "relu", "ReLU's slope at zero",
        r"'The slope is either 0 or 1.'",
        r"At $z = 0$ there is none; any number in $[0, 1]$ is a subgradient, and programs differ in which they take.",
        kink,
    ),
    Erratum(
        "sigmoid", "The range of the sigmoid",
        r"The sigmoid maps into $(0, 1)$.",
        r"Of real numbers, yes. In floating point its values include 1, and the naive formula 0.",
        open_interval,
    ),
    Erratum(
        "vanishing", "What makes gradients vanish",
        r"'Terms less than one shrink the gradient.'",
        r"$$\sigma_{min}(J) \lVert d \rVert \le \lVert J^T d \rVert \le \sigma_{max}(J) \lVert d \rVert$$ Singular values of the layers' Jacobians decide.",
        products,
    ),
    Erratum(
        "rate", "A learning rate that is too small",
        r"'Too small a learning rate never minimises the loss.'",
        r"For a convex loss with curvature at most $\ell$, any $0 < \eta < 2 / \ell$ converges.",
        small_steps,
    ),
    Erratum(
        "bce", "Binary cross-entropy at 0 and 1",
        r"$$L = -\frac1m \sum \big( y \log a + (1 - y) \log (1 - a) \big)$$",
        r"At $a \in \{0, 1\}$ it asks for $\log 0$. Compute it from the logit: $\max(z, 0) - z y + \log(1 + e^{-|z|})$.",
        logarithm_of_zero,
    ),
)  # fmt: skip


def named(name: str) -> Callable[[], Shown]:
    """Return the demonstration of an erratum."""
    return next(e.demonstrate for e in ERRATA if e.name == name)
