r"""Where the frameworks differ: PyTorch and scikit-learn are run, the others are cited from their source or documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

CLOSE = 1e-9  # relative: the two forms that are told apart differ by far more at these numbers


@dataclass(frozen=True)
class Row:
    """What one framework does, how that is known, and, where it is run, whether it came out so."""

    where: str
    convention: str
    source: str
    executed: bool = False
    holds: bool = True


@dataclass(frozen=True)
class Table:
    """One choice in which frameworks differ."""

    title: str
    text: str
    rows: tuple[Row, ...]


def run(where: str, convention: str, what: str, check: Callable[[], bool]) -> Row:
    """Return a row that was executed."""
    return Row(where, convention, what, executed=True, holds=bool(check()))


def near(a: Any, b: Any) -> bool:
    return bool(np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=CLOSE, atol=0.0))


def stepped(name: str, gradients: list[float], *, start: float = 0.0, **options: Any) -> float:
    """Return a parameter after steps of one of torch's optimisers on these gradients."""
    import torch

    w = torch.nn.Parameter(torch.tensor([start], dtype=torch.float64))
    optimizer = getattr(torch.optim, name)([w], **options)
    for g in gradients:
        w.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
    return float(w.detach())


def default(name: str, option: str) -> Any:
    import torch

    w = torch.nn.Parameter(torch.zeros(1))
    return getattr(torch.optim, name)([w]).defaults[option]


def epsilon() -> Table:
    eps, g = 1e-2, 3e-2
    v = 0.001 * g * g
    after = -0.1 * g / (abs(g) + eps)
    before = -0.1 * 0.001**0.5 * g / (v**0.5 + eps)
    return Table(
        "Epsilon in Adam",
        r"With $\hat v = v / (1 - \beta_2^t)$: after the correction, $\sqrt{\hat v} + \epsilon$; before it, $\sqrt v + \hat\epsilon$, which acts "
        r"like an $\epsilon$ that is $1 / \sqrt{1 - \beta_2^t}$ times as large, 32 times at the first step.",
        (
            run("PyTorch", r"after the correction, $10^{-8}$", "`torch.optim.Adam`, one step", lambda: near(stepped("Adam", [g], lr=0.1, eps=eps), after) and default("Adam", "eps") == 1e-8),
            Row("Keras", r"before it ('epsilon hat'), $10^{-7}$", "`keras/src/optimizers/adam.py`: `alpha = lr * sqrt(1 - beta_2_power) / (1 - beta_1_power)`, divided by `sqrt(v) + epsilon`"),
            Row("optax", r"after it, $10^{-8}$; another, `eps_root` = 0, inside the root", "`optax/_src/transform.py`, `scale_by_adam`"),
            run("scikit-learn", r"before it, $10^{-8}$", "`sklearn.neural_network._stochastic_optimizers.AdamOptimizer`, one step", lambda: near(sklearn_adam(g, eps), before)),
            Row("paper", r"algorithm 1 after it; the efficient order of section 2 before it", "Kingma and Ba 2015"),
        ),
    )  # fmt: skip


def sklearn_adam(g: float, eps: float) -> float:
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

    w = [np.zeros(1)]
    try:
        AdamOptimizer(w, 0.1, epsilon=eps).update_params(w, [np.array([g])])
    except TypeError:  # releases that take the parameters once
        AdamOptimizer(w, 0.1, epsilon=eps).update_params([np.array([g])])
    return float(w[0][0])


def roots() -> Table:
    g, eps = 2e-4, 1e-6
    s = 0.01 * g * g
    return Table(
        "Epsilon in RMSprop, Adagrad, Adadelta",
        r"Inside the root, $\epsilon$ acts like $\sqrt\epsilon$ outside.",
        (
            run("PyTorch", r"RMSprop outside, $10^{-8}$; $\alpha = 0.99$", "`torch.optim.RMSprop`, one step", lambda: near(stepped("RMSprop", [g], lr=0.1, eps=eps), -0.1 * g / (s**0.5 + eps)) and default("RMSprop", "alpha") == 0.99),
            run("PyTorch", r"Adagrad outside, $10^{-10}$; the sum starts at 0", "`torch.optim.Adagrad`, one step", lambda: near(stepped("Adagrad", [g], lr=0.1, eps=eps), -0.1 * g / (g + eps)) and default("Adagrad", "eps") == 1e-10),
            run("PyTorch", r"Adadelta inside both roots, $10^{-6}$", "`torch.optim.Adadelta`, one step", lambda: near(stepped("Adadelta", [g], lr=1.0, eps=eps), -((eps / (0.1 * g * g + eps)) ** 0.5) * g) and default("Adadelta", "eps") == 1e-6),
            Row("Keras", r"RMSprop inside, $10^{-7}$; `rho` = 0.9", "`keras/src/optimizers/rmsprop.py`: `sqrt(velocity + epsilon)`"),
            Row("optax", r"RMSprop inside unless `eps_in_sqrt=False`, $10^{-8}$; `decay` = 0.9", "`optax/_src/transform.py`, `scale_by_rms`"),
            Row("optax", r"Adagrad inside, $10^{-7}$; the sum starts at 0.1", "`optax/_src/transform.py`, `scale_by_rss`"),
            Row("paper", "Adagrad: $G^{-1/2}$, with $\\delta I$ added to $G^{1/2}$: outside. Adadelta: inside both", "Duchi et al. 2011, figure 1; Zeiler 2012, algorithm 1"),
        ),
    )  # fmt: skip


def momentum() -> Table:
    return Table(
        "The form of momentum",
        r"With a constant rate $m \leftarrow \mu m + g$, $w \leftarrow w - \eta m$ and $u \leftarrow \mu u - \eta g$, $w \leftarrow w + u$ are the same walk. "
        "They part when the rate changes: in the second form the old rate lives on in $u$.",
        (
            run("PyTorch", "the rate outside the buffer", "`torch.optim.SGD`, two steps at two rates", rate_outside),
            run("PyTorch", r"the first step sets $m = g$: no dampening", "`torch.optim.SGD(dampening=0.5)`, one step", lambda: near(stepped("SGD", [1.0], lr=0.1, momentum=0.9, dampening=0.5), -0.1)),
            Row("Keras", "the rate inside the velocity", "`keras/src/optimizers/sgd.py`: `velocity = momentum * velocity - learning_rate * g`"),
            run("scikit-learn", "the rate inside; Nesterov's form by default", "`SGDOptimizer`, its source", lambda: "self.learning_rate * grad" in sklearn_source() and "nesterov=True" in sklearn_source()),
            Row("optax", "`trace` keeps $g + \\mu m$; the rate is applied after it: outside", "`optax.sgd`: `trace`, then `scale_by_learning_rate`"),
            Row("paper", "the rate inside", "Sutskever et al. 2013, equation 1"),
        ),
    )  # fmt: skip


def rate_outside() -> bool:
    import torch

    w = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
    for lr in (0.1, 0.01):
        optimizer.param_groups[0]["lr"] = lr
        w.grad = torch.ones_like(w)
        optimizer.step()
    return near(w.detach().numpy(), [-0.1 - 0.01 * 1.9])


def sklearn_source() -> str:
    import inspect

    from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

    return inspect.getsource(SGDOptimizer)


def decay() -> Table:
    return Table(
        "Weight decay",
        r"Inside the gradient, $g + \lambda w$, or apart, $w \leftarrow (1 - \eta\lambda) w$. The same for plain gradient descent, not for Adam.",
        (
            run("PyTorch", "`Adam(weight_decay=...)`: inside", "`torch.optim.Adam`: one step with a gradient of 0 has the length of the rate", lambda: near(stepped("Adam", [0.0], start=1.0, lr=0.1, weight_decay=0.5, eps=0.0), 0.9)),
            run("PyTorch", "`AdamW`: apart, multiplied by the rate; 0.01 by default", "`torch.optim.AdamW`: one step with a gradient of 0", lambda: near(stepped("AdamW", [0.0], start=1.0, lr=0.1, weight_decay=0.5), 0.95) and default("AdamW", "weight_decay") == 0.01),
            Row("Keras", "`weight_decay` of every optimiser: apart, multiplied by the rate", "`keras/src/optimizers/base_optimizer.py`, `_apply_weight_decay`"),
            Row("optax", "`optax.adamw`: apart, multiplied by the rate; $10^{-4}$ by default", "its source: `add_decayed_weights` before `scale_by_learning_rate`"),
            Row("scikit-learn", r"`alpha` inside, divided by the number of examples", "`MLPClassifier`: `coef_grads += alpha * coefs; coef_grads /= n_samples`"),
            Row("paper", "apart, multiplied by the schedule's factor, not by the rate", "Loshchilov and Hutter 2019, algorithm 2"),
        ),
    )  # fmt: skip


def reductions() -> Table:
    import torch
    from torch.nn import functional as F

    A = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 5.0]], dtype=torch.float64)
    Y = torch.zeros_like(A)
    return Table(
        "What a mean is taken over",
        "",
        (
            run("PyTorch", "`F.mse_loss`: over all $n_y m$ elements", "2 examples with 3 outputs", lambda: near(F.mse_loss(A, Y), float((A**2).sum()) / 6)),
            run("PyTorch", "`F.cross_entropy`: over the examples", "the same, of class 0", lambda: near(F.cross_entropy(A, torch.tensor([0, 0])), float(-torch.log_softmax(A, 1)[:, 0].mean()))),
            run("scikit-learn", "`squared_loss`: half the mean over all elements; its gradient a mean over examples alone, so $n_y$ times that of its loss", "`sklearn.neural_network._base`", sklearn_half),
            Row("Keras", "`MeanSquaredError`: over the outputs, then over the examples: all elements", "`keras.losses.MeanSquaredError`, reduction `sum_over_batch_size`"),
            Row("optax", "`squared_error` and `l2_loss` (half of it): no reduction", "`optax.losses`"),
            Row("source document", r"$\frac1m$: over the examples", "its section on the cost"),
        ),
    )  # fmt: skip


def sklearn_half() -> bool:
    from sklearn.neural_network import _base

    loss = getattr(_base, "squared_loss", None)
    return loss is not None and near(loss(np.zeros((2, 3)), np.full((2, 3), 2.0)), 2.0)


def variances() -> Table:
    import torch

    Z = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    layer = torch.nn.BatchNorm1d(1, dtype=torch.float64)
    N = layer(Z)
    assert layer.running_var is not None
    running = float(layer.running_var)
    return Table(
        "Variances in batch norm",
        "",
        (
            run("PyTorch", "normalises by the biased variance", "`BatchNorm1d` of 0 and 2", lambda: near(N.detach().numpy()[1], [1 / (1 + 1e-5) ** 0.5])),
            run("PyTorch", r"stores the unbiased one; momentum 0.1 is the weight of the new value; $\epsilon = 10^{-5}$", "its `running_var` after one batch", lambda: near(running, 0.9 + 0.1 * 2.0)),
            Row("Keras", r"stores the biased one; momentum 0.99 is the weight of the old value; $\epsilon = 10^{-3}$", "`keras/src/layers/normalization/batch_normalization.py`"),
            Row("Flax", r"stores the biased one; momentum 0.99 is the weight of the old value; $\epsilon = 10^{-5}$", "`flax.linen.BatchNorm`"),
            Row("paper", "unbiased in evaluation: $Var[x] = \\frac{m}{m - 1} E[\\sigma^2]$", "Ioffe and Szegedy 2015, algorithm 2"),
        ),
    )  # fmt: skip


def gains() -> Table:
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        W = torch.nn.Linear(400, 300).weight.detach()
    he = torch.nn.init.kaiming_normal_(
        torch.empty(300, 400), nonlinearity="relu", generator=generator
    )
    return Table(
        "Initial weights of a dense layer",
        "",
        (
            run("PyTorch", r"`nn.Linear`: uniform on $\pm 1 / \sqrt{n_{in}}$, weights and biases", "the largest of 120,000 weights", lambda: 0.99 < float(W.abs().max()) * 20 <= 1.0),
            run("PyTorch", r"`kaiming_normal_`: normal with $\sqrt{2 / n_{in}}$", "the deviation of 120,000 weights, within 1 %", lambda: abs(float(he.std()) / (2 / 400) ** 0.5 - 1) < 0.01),
            Row("Keras", r"`Dense`: `glorot_uniform`, biases 0; `HeNormal` is a truncated normal", "`keras.layers.Dense`, `keras.initializers.HeNormal`"),
            Row("Flax", r"`Dense`: LeCun's truncated normal, $\sqrt{1 / n_{in}}$, biases 0", "`flax.linen.Dense`"),
            Row("scikit-learn", r"uniform, Glorot's bound $\sqrt{6 / (n_{in} + n_{out})}$, for logistic $\sqrt{2 / \dots}$; biases too", "`BaseMultilayerPerceptron._init_coef`"),
            Row("paper", r"Glorot $\sqrt{6 / (n_{in} + n_{out})}$; He $\sqrt{2 / n_{in}}$, biases 0", "Glorot and Bengio 2010; He et al. 2015"),
        ),
    )  # fmt: skip


def corrections() -> Table:
    return Table(
        "Bias correction",
        "",
        (
            run("PyTorch", "`Adam`: both moments, $t$ from 1", "`torch.optim.Adam`: the first step has the length of the rate", lambda: near(stepped("Adam", [3.0], lr=0.1, eps=0.0), -0.1)),
            run("PyTorch", r"`RMSprop`: none; its first step is $\eta / \sqrt{1 - \alpha}$", "`torch.optim.RMSprop`, one step", lambda: near(stepped("RMSprop", [3.0], lr=0.1, eps=0.0), -1.0)),
            Row("Keras", "`Adam`: both; `RMSprop`: none", "`keras/src/optimizers/adam.py`, `rmsprop.py`"),
            Row("optax", "`optax.adam`: both; `optax.rmsprop`: none unless `bias_correction=True`", "`optax/_src/transform.py`"),
            Row("paper", "Adam: both, section 3", "Kingma and Ba 2015"),
        ),
    )  # fmt: skip


def tables() -> list[Table]:
    """Return every table, PyTorch's rows executed now."""
    return [
        epsilon(),
        roots(),
        corrections(),
        momentum(),
        decay(),
        reductions(),
        variances(),
        gains(),
    ]
