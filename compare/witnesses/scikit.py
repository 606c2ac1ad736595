r"""One step of scikit-learn's MLPRegressor or MLPClassifier, for the configurations it can express.

Its conventions, and what they are in ours ($c$ is our gradient over its own):

- squared error: $\frac{1}{2 n_y m} \sum (a - y)^2$ is reported, while the gradient steps along
  $(a - y) / m$: so $c = 2 / n_y$ for the mean over all elements, $2$ for the mean over examples;
- cross entropies: the sum over outputs, averaged over examples, in loss and gradient;
- L2: $(A^T \delta + \alpha W) / m$, of weights only: so $\lambda = c\,\alpha / m$, biases undecayed;
- Adam: $p - \eta \sqrt{1 - \beta_2^t} / (1 - \beta_1^t)\, m / (\sqrt v + \hat\epsilon)$, epsilon before
  the bias correction: so $\hat\epsilon = \epsilon \sqrt{1 - \beta_2^t} / c$;
- momentum: $v = \mu v - \eta g$, $p + v$, or $p + \mu v - \eta g$ with Nesterov: at a constant rate
  our step, at the first step always.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from compare.configuration import Configuration, parse
from compare.tasks import Task
from compare.tolerances import SCIKIT
from compare.traces import Array
from compare.witnesses.testimony import Answer, Case, Testimony, first_step

ACTIVATIONS = {"identity": "identity", "relu": "relu", "sigmoid": "logistic", "tanh": "tanh"}
LOSSES = {  # the output activation it goes with, and whether it is a classifier's
    "mse": ("identity", False),
    "mse_per_example": ("identity", False),
    "bce": ("sigmoid", True),
    "bce_with_logits": ("identity", True),
    "cross_entropy": ("identity", True),
    "cross_entropy_on_probabilities": ("softmax", True),
}
RULES = {
    "sgd": {"lr", "momentum", "nesterov", "weight_decay"},
    "momentum": {"lr", "momentum", "nesterov", "weight_decay"},
    "adam": {"lr", "betas", "eps", "weight_decay"},
}


def scikit(task: Task) -> Testimony:
    """Return what scikit-learn's step says of manual's; ValueError where it cannot express it."""
    refuse(task.configuration)
    case = first_step(task, examples=10**6)
    theirs = step(case)
    unit = float(np.finfo(case.batch.X.dtype).eps)
    answers = tuple(answer(case, name, x, SCIKIT * unit) for name, x in theirs.items())
    notes = "its conventions translated: 1/2 MSE, alpha/m, epsilon before bias correction"
    return Testimony("scikit-learn", answers, (notes,))


def answer(case: Case, name: str, x: Array, allowed: float) -> Answer:
    """Return the largest difference over the largest element; of parameters, over what they were too."""
    mine = case.trace[name]
    scale = max(float(np.abs(mine).max()), float(np.abs(case.state.get(name, mine)).max()))
    gap = float(np.abs(mine - x).max())
    return Answer(name, gap / scale if scale else gap and np.inf, allowed, mine.size)


def refuse(c: Configuration) -> None:
    """Raise ValueError, in one sentence, for what scikit-learn cannot express."""
    reasons = list(inexpressible(c))
    if reasons:
        raise ValueError(f"scikit-learn cannot express {' or '.join(reasons)}: ask another witness")


def inexpressible(c: Configuration) -> Iterator[str]:
    hidden, output = c.activations[:-1], c.activations[-1]
    yield from (
        f"the activation {text}" for text in dict.fromkeys(hidden) if text not in ACTIVATIONS
    )
    if len(set(hidden)) > 1:
        yield "different activations in different layers"
    if LOSSES.get(c.loss, ("", False))[0] != output:
        yield f"{c.loss} of {output}"
    known = RULES.get(c.optimizer, set())
    if not known:
        yield f"the rule {c.optimizer}"
    yield from (f"{c.optimizer}'s {name}" for name in c.options if known and name not in known)
    if c.options.get("weight_decay") and "b" not in c.undecayed:
        yield "weight decay of biases (leave it to the weights with --undecayed b)"
    others = {"clipping": c.clip, "batch norm": c.batch_norm is not None, "dropout": c.dropout,
              "accumulation": c.accumulate > 1, "frozen parameters": c.frozen}  # fmt: skip
    yield from (name for name, there in others.items() if there)


def ratio(c: Configuration, n_y: int) -> float:
    """Return our gradient over scikit-learn's."""
    name, _ = parse(c.loss)
    return {"mse": 2.0 / n_y, "mse_per_example": 2.0}.get(name, 1.0 / n_y if "bce" in name else 1.0)


def options(c: Configuration, n_y: int, m: int) -> dict[str, Any]:
    """Return the estimator's options for the rule: those that make its first step ours."""
    given, k = c.options, ratio(c, n_y)
    alpha = given.get("weight_decay", 0.0) * m / k
    if c.optimizer == "adam":
        b1, b2 = given.get("betas", (0.9, 0.999))
        epsilon = given.get("eps", 1e-8) * math.sqrt(1.0 - b2) / k
        own = {
            "solver": "adam",
            "learning_rate_init": given.get("lr", 1e-3),
            "beta_1": b1,
            "beta_2": b2,
        }
        return {**own, "epsilon": epsilon, "alpha": alpha}
    momentum = given.get("momentum", 0.9 if c.optimizer == "momentum" else 0.0)
    nesterov = bool(given.get("nesterov", False))
    own = {"solver": "sgd", "momentum": momentum, "nesterovs_momentum": nesterov}
    return {**own, "learning_rate_init": given.get("lr", 1e-3) * k, "alpha": alpha}


def step(case: Case) -> dict[str, Array]:
    """Return scikit-learn's loss, where it is comparable, and its parameters after one step."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    c, X, Y = case.configuration, case.batch.X, case.batch.Y
    L, (n_y, m) = len(c.activations), Y.shape
    if (n_y > 1 and "bce" in c.loss) or (n_y == 2 and "cross_entropy" in c.loss):
        raise ValueError(
            f"scikit-learn cannot express {c.loss} of {n_y} outputs: ask another witness"
        )
    classifier = LOSSES[c.loss][1]
    hidden = tuple(case.state[f"W{l}"].shape[0] for l in range(1, L))
    estimator = (MLPClassifier if classifier else MLPRegressor)(
        hidden_layer_sizes=hidden,
        activation=ACTIVATIONS[c.activations[0]] if L > 1 else "identity",
        batch_size=m,
        shuffle=False,
        random_state=0,
        **options(c, n_y, m),
    )
    once(estimator, X, Y, classifier)
    for l in range(1, L + 1):
        estimator.coefs_[l - 1][:] = case.state[f"W{l}"].T
        bias = case.state.get(f"b{l}")
        estimator.intercepts_[l - 1][:] = 0.0 if bias is None else bias[:, 0]
    del estimator._optimizer  # the next step starts a rule without a past
    once(estimator, X, Y, classifier)
    return dict(shown(case, estimator, n_y))


def once(estimator: Any, X: Array, Y: Array, classifier: bool) -> None:
    """Take one step on the whole batch, which the first time also makes the weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not classifier:
            estimator.partial_fit(X.T, Y.T if Y.shape[0] > 1 else Y[0])
        elif Y.shape[0] == 1:
            estimator.partial_fit(X.T, Y[0].astype(int), classes=[0, 1])
        else:
            estimator.partial_fit(X.T, Y.argmax(axis=0), classes=range(Y.shape[0]))


def shown(case: Case, estimator: Any, n_y: int) -> Iterator[tuple[str, Array]]:
    c = case.configuration
    if not c.options.get("weight_decay"):  # its loss includes the penalty
        name, _ = parse(c.loss)
        times = {"mse": 2.0, "mse_per_example": 2.0 * n_y}.get(name, 1.0)
        yield "loss", np.asarray(times * estimator.loss_)
    for l in range(1, len(c.activations) + 1):
        yield f"W{l}", estimator.coefs_[l - 1].T
        if f"b{l}" in case.state:
            yield f"b{l}", estimator.intercepts_[l - 1][:, None]
