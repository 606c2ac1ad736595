r"""Means, variances and initial weights."""

from __future__ import annotations

import numpy as np

from compare.book.conventions.row import Row, Table, near, run


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
            Row("Keras", "`MeanSquaredError`: over the outputs, then over the examples: all elements", "`keras/src/losses/losses.py`, `loss.py`: reduction `sum_over_batch_size`"),
            Row("optax", "`squared_error` and `l2_loss` (half of it): no reduction", "`optax/losses/_regression.py`"),
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
            Row("Flax", r"stores the biased one; momentum 0.99 is the weight of the old value; $\epsilon = 10^{-5}$", "`flax/linen/normalization.py`, `BatchNorm`"),
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
            Row("Keras", r"`Dense`: `glorot_uniform`, biases 0; `HeNormal` is a truncated normal", "`keras/src/layers/core/dense.py`, `keras/src/initializers/random_initializers.py`"),
            Row("Flax", r"`Dense`: LeCun's truncated normal, $\sqrt{1 / n_{in}}$, biases 0", "`flax/linen/linear.py`: `default_kernel_init`"),
            Row("scikit-learn", r"uniform, Glorot's bound $\sqrt{6 / (n_{in} + n_{out})}$, for logistic $\sqrt{2 / \dots}$; biases too", "`BaseMultilayerPerceptron._init_coef`"),
            Row("paper", r"Glorot $\sqrt{6 / (n_{in} + n_{out})}$; He $\sqrt{2 / n_{in}}$, biases 0", "Glorot and Bengio 2010; He et al. 2015"),
        ),
    )  # fmt: skip
