r"""The form of momentum and of weight decay."""

from __future__ import annotations

import numpy as np

from compare.book.conventions.row import Row, Table, default, near, run, stepped


def momentum() -> Table:
    return Table(
        "The form of momentum",
        r"With a constant rate $m \leftarrow \mu m + g$, $w \leftarrow w - \eta m$ and $u \leftarrow \mu u - \eta g$, $w \leftarrow w + u$ are the same walk. "
        "They part when the rate changes: in the second form the old rate lives on in $u$.",
        (
            run("PyTorch", "the rate outside the buffer", "`torch.optim.SGD`, two steps at two rates", rate_outside),
            run("PyTorch", r"the first step sets $m = g$: no dampening", "`torch.optim.SGD(dampening=0.5)`, one step", lambda: near(stepped("SGD", [1.0], lr=0.1, momentum=0.9, dampening=0.5), -0.1)),
            Row("Keras", "the rate inside the velocity", "`keras/src/optimizers/sgd.py`: `velocity = momentum * velocity - learning_rate * g`"),
            run("scikit-learn", "the rate inside; Nesterov's form by default", "`SGDOptimizer`, two steps at two rates", sklearn_inside),
            Row("optax", "`trace` keeps $g + \\mu m$; the rate is applied after it: outside (in `optax.rmsprop` before it: inside)", "`optax/_src/alias.py`, `sgd`: `trace`, then `scale_by_learning_rate`"),
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


def sklearn_inside() -> bool:
    from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

    w = [np.zeros(1)]
    optimizer = SGDOptimizer(w, 0.1, momentum=0.9, nesterov=False)
    for lr in (0.1, 0.01):
        optimizer.learning_rate = lr
        optimizer.update_params(w, [np.ones(1)])
    return near(w[0], [-0.1 - (0.9 * 0.1 + 0.01)]) and SGDOptimizer(w).nesterov


def decay() -> Table:
    return Table(
        "Weight decay",
        r"Inside the gradient, $g + \lambda w$, or apart, $w \leftarrow (1 - \eta\lambda) w$. The same for plain gradient descent, not for Adam.",
        (
            run("PyTorch", "`Adam(weight_decay=...)`: inside", "`torch.optim.Adam`: one step with a gradient of 0 has the length of the rate", lambda: near(stepped("Adam", [0.0], start=1.0, lr=0.1, weight_decay=0.5, eps=0.0), 0.9)),
            run("PyTorch", "`AdamW`: apart, multiplied by the rate; 0.01 by default", "`torch.optim.AdamW`: one step with a gradient of 0", lambda: near(stepped("AdamW", [0.0], start=1.0, lr=0.1, weight_decay=0.5), 0.95) and default("AdamW", "weight_decay") == 0.01),
            Row("Keras", "`weight_decay` of every optimiser: apart, multiplied by the rate", "`keras/src/optimizers/base_optimizer.py`, `_apply_weight_decay`"),
            Row("optax", "`optax.adamw`: apart, multiplied by the rate; $10^{-4}$ by default", "`optax/_src/alias.py`: `add_decayed_weights` before `scale_by_learning_rate`"),
            Row("scikit-learn", r"`alpha` inside, on the weights alone, divided by the number of examples in the batch", "`BaseMultilayerPerceptron._compute_loss_grad`: `coef_grads += alpha * coefs; coef_grads /= sw_sum`"),
            Row("paper", "apart, multiplied by the schedule's factor, not by the rate", "Loshchilov and Hutter 2019, algorithm 2"),
        ),
    )  # fmt: skip
