r"""Errata of the source document: every error and ambiguity, with a run that shows the difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from compare.book.errata.functions import kink, logarithm_of_zero, open_interval, products
from compare.book.errata.gradients import first_layer, second_layer, squared_error, trace
from compare.book.errata.rules import adam, epsilon_inside, small_steps
from compare.book.errata.shown import Shown


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
