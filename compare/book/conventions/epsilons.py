r"""Where epsilon stands, and what is corrected."""

from __future__ import annotations

import numpy as np

from compare.book.conventions.row import Row, Table, default, near, run, stepped


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
    AdamOptimizer(w, 0.1, epsilon=eps).update_params(w, [np.array([g])])
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
            Row("Keras", r"RMSprop inside, $10^{-7}$; `rho` = 0.9", "`keras/src/optimizers/rmsprop.py`: the root of `velocity + epsilon`"),
            Row("optax", r"RMSprop inside unless `eps_in_sqrt=False`, $10^{-8}$; `decay` = 0.9", "`optax/_src/transform.py`, `scale_by_rms`"),
            Row("optax", r"Adagrad inside, $10^{-7}$; the sum starts at 0.1", "`optax/_src/transform.py`, `scale_by_rss`"),
            Row("paper", "Adagrad: $G^{-1/2}$, with $\\delta I$ added to $G^{1/2}$: outside. Adadelta: inside both", "Duchi et al. 2011, figure 1; Zeiler 2012, algorithm 1"),
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
            Row("optax", "`optax.adam`: both; `optax.rmsprop`: none unless `bias_correction=True`", "`optax/_src/transform.py`, `alias.py`"),
            Row("paper", "Adam: both, section 3", "Kingma and Ba 2015"),
        ),
    )  # fmt: skip
