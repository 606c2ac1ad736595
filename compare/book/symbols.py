r"""What the symbols of the formulas mean, with their shapes: one example a column, m examples, layer l of n_l units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Symbol(NamedTuple):
    """A symbol in LaTeX, what it means, and its shape."""

    latex: str
    meaning: str
    shape: str


def known(*rows: tuple[str, str, str, str]) -> list[tuple[re.Pattern[str], Symbol]]:
    return [(re.compile(pattern), Symbol(*row)) for pattern, *row in rows]


def word(name: str) -> str:
    r"""Return a pattern for a name that stands by itself: m, but not max or \mu."""
    return rf"(?<![A-Za-z\\]){name}(?![A-Za-z])"


NUMBER, LIKE = "a number", "that of $w$"
COMMON = known(
    (word("Z") + "|" + word("z"), "Z", "the weighted sums of a layer, $Z = W A + b$", "$(n, m)$"),
    (word("A") + "|" + word("a"), "A", "the activations; of the last layer, the outputs", "$(n, m)$"),
    (word("X"), "X", "the inputs, one example a column", "$(n_x, m)$"),
    (word("Y") + "|" + word("y"), "Y", "the targets", "$(n_y, m)$"),
    (word("W"), "W", "the weights of a layer", "$(n_{out}, n_{in})$"),
    (word("b"), "b", "the biases of a layer", "$(n, 1)$"),
    (word("L"), "L", "the loss; as an index, the last layer", NUMBER),
    (word("dL"), "dL", "the gradient at the loss, 1 unless told", NUMBER),
    (word("dA") + "|" + word("da"), "dA", r"the gradient $\partial L / \partial A$", "$(n, m)$"),
    (word("dZ") + "|" + word("dz"), "dZ", r"the gradient $\partial L / \partial Z$", "$(n, m)$"),
    (word("dW"), "dW", r"the gradient $\partial L / \partial W$", "$(n_{out}, n_{in})$"),
    (word("db"), "db", r"the gradient $\partial L / \partial b$", "$(n, 1)$"),
    (word("N"), "N", r"the number of elements, $n_y m$", NUMBER),
    (word("m"), "m", "the number of examples", NUMBER),
    (word("n") + r"|n_", "n", r"the number of units; $n_x$ of inputs, $n_y$ of outputs, $n_l$ of layer $l$", NUMBER),
    (r"\\odot", r"\odot", "the product entry by entry", ""),
    (r"\\Phi", r"\Phi", "the distribution function of the standard normal", NUMBER),
    (r"\\varphi", r"\varphi", "its density", NUMBER),
    (r"\\sigma(?![_A-Za-z])", r"\sigma", "the logistic sigmoid", NUMBER),
    (r"\\alpha", r"\alpha", "the option `alpha`", NUMBER),
    (r"\\delta|delta", r"\delta", "the width of the quadratic part", NUMBER),
    (r"\\beta", r"\beta", "the option `beta`", NUMBER),
    (word("S"), "S", "a sum of exponentials", NUMBER),
    (word("R"), "R", r"the residuals $A - Y$", "$(n_y, m)$"),
    (word("t") + r"|\^t|_t", "t", "the step, from 1", NUMBER),
)  # fmt: skip
RULES = known(
    (word("w"), "w", "a parameter: any $W$ or $b$", "any"),
    (word("g"), "g", "the gradient the rule works with", LIKE),
    (r"\\nabla", r"\nabla L", "the gradient of the loss at $w$", LIKE),
    (r"\\eta(?![\^_])", r"\eta", "the learning rate `lr`; in Rprop a step size for each entry", NUMBER),
    (r"\\eta_t", r"\eta_t", "the learning rate at step $t$", NUMBER),
    (r"\\eta\^|eta_\{m", r"\eta^\pm, \eta_{min}, \eta_{max}", "the options `etas` and `step_sizes`", NUMBER),
    (r"\\lambda", r"\lambda", "`weight_decay`", NUMBER),
    (r"(?<![\\A-Za-z])\\mu", r"\mu", "`momentum`, or the momentum coefficient", NUMBER),
    (r"\\tau", r"\tau", "`dampening`", NUMBER),
    (word("m") + r"|hat m", "m", r"the momentum buffer, or the first moment (mean gradient); $\hat m$ corrected", LIKE),
    (word("v") + r"|hat v", "v", r"the second moment (mean squared gradient); $\hat v$ corrected", LIKE),
    (word("s") + r"|\\sqrt s", "s", "the sum, or mean, of squared gradients", LIKE),
    (word("ga"), "ga", "the mean gradient", LIKE),
    (word("u"), "u", "the infinity norm: the largest recent gradient", LIKE),
    (word("d"), "d", "the direction of the step; in Adadelta the mean squared update", LIKE),
    (r"\\Delta", r"\Delta", "the update", LIKE),
    (r"\\beta_1|\\beta_2", r"\beta_1, \beta_2", "`betas`: how long the moments remember", NUMBER),
    (r"\\alpha", r"\alpha", "`alpha`: how long the mean square remembers", NUMBER),
    (r"\\rho(?!_)", r"\rho", "`rho`: how long the mean squares remember", NUMBER),
    (r"\\rho_", r"\rho_\infty", r"what $\rho$ comes to in the end", NUMBER),
    (word("r"), "r", "the rectification", NUMBER),
    (r"\\gamma", r"\gamma", "the option `gamma`: the factor of a decay", NUMBER),
    (r"\\psi", r"\psi", "`momentum_decay`", NUMBER),
    (r"\\epsilon", r"\epsilon", "`eps`", NUMBER),
    (r"\\delta", r"\delta", "`lr_decay`", NUMBER),
    (word("prev"), "prev", "the gradient of the step before", LIKE),
    (word("t") + r"|\^t|_t", "t", "the step, from 1", NUMBER),
)  # fmt: skip
NORMS = known(
    (r"\\mu", r"\mu", "the mean of each unit over the batch", "$(n, 1)$"),
    (word("var"), "var", "its biased variance", "$(n, 1)$"),
    (word("xhat"), "xhat", "the normalised sums", "$(n, m)$"),
    (r"\\gamma", r"\gamma", "the learned scale", "$(n, 1)$"),
    (r"\\beta", r"\beta", "the learned shift", "$(n, 1)$"),
    (word("eps"), "eps", "what keeps the root from zero", NUMBER),
    (word("N"), "N", "the output", "$(n, m)$"),
    (word("z") + "|" + word("Z"), "Z", "the sums of a layer", "$(n, m)$"),
    (word("m"), "m", "the number of examples in the batch", NUMBER),
)
CLIPS = known(
    (word("norm"), "norm", "the length of all gradients together", NUMBER),
    (word("c"), "c", "the one factor for all", NUMBER),
    (r"g_k", "g_k", "the gradient of the k-th parameter", "that of the parameter"),
    (word("g") + r"(?!_)", "g", "the gradient of a parameter", "that of the parameter"),
    (r"max.?_norm", r"max\_norm", "the limit, `max_norm`", NUMBER),
    (r"clip.?_value", r"clip\_value", "the limit, `clip_value`", NUMBER),
)
WEIGHTS = known(
    (word("W"), "W", "the weights", r"$(n_{out}, n_{in})$"),
    (word("b"), "b", "the biases", r"$(n_{out}, 1)$"),
    (
        r"n_\{?in|n_\{?out",
        r"n_{in}, n_{out}",
        "the inputs and the outputs of a layer: its fans",
        NUMBER,
    ),
    (word("c"), "c", "the bound of a uniform distribution", NUMBER),
    (word("std"), "std", "the standard deviation", NUMBER),
    (word("gain"), "gain", "what makes up for the activation", NUMBER),
)
SCHEDULES = known(
    (r"\\eta_k|\\eta_t", r"\eta_k", "the learning rate at step $k$", NUMBER),
    (r"\\eta_\{min", r"\eta_{min}", "the option `eta_min`", NUMBER),
    (r"\\eta(?![\^_])", r"\eta", "the learning rate `lr`", NUMBER),
    (word("k"), "k", "the number of steps taken, from 0", NUMBER),
    (r"T_\{max", r"T_{max}", "the option `T_max`", NUMBER),
    (r"\\gamma", r"\gamma", "the option `gamma`: the factor of a decay", NUMBER),
    (r"\\delta", r"\delta", "the option `decay`", NUMBER),
    (r"\\tau", r"\tau", "the option `threshold`", NUMBER),
    (word("s"), "s", "the share of the way from one rate to the next", NUMBER),
    (r"f_0|f_1", "f_0, f_1", "the options `start_factor` and `end_factor`", NUMBER),
)
OTHERWISE: Mapping[str, Mapping[str, str]] = {  # by the formula, and by the symbol there
    "initialization.uniform": {"b": "the upper bound"},
    "initialization.trunc_normal": {"b": "the upper bound"},
    "optimizers.radam": {r"\rho": r"the length of the approximated average"},
    "optimizers.nadam": {"d": r"the denominator $\sqrt{\hat v} + \epsilon$"},
    "activations.gelu_tanh": {"t": r"$\tanh u(z)$"},
    "normalization.batch_norm_evaluation": {"var": "the running average of unbiased variances"},
}
TABLES: Mapping[str, list[tuple[re.Pattern[str], Symbol]]] = {
    "optimizers": RULES, "normalization": NORMS, "clipping": CLIPS, "initialization": WEIGHTS,
    "schedules": SCHEDULES,
}  # fmt: skip
MATHS = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$", re.DOTALL)


def symbols(group: str, text: str, name: str = "") -> list[Symbol]:
    """Return the symbols that occur in the formulas of a text; `name` is that of the formula.

    >>> [s.latex for s in symbols("optimizers", r"the rate $\\eta$ times $g$")]
    ['g', '\\\\eta']
    """
    maths = " ".join(a or b for a, b in MATHS.findall(text))
    found = [symbol for pattern, symbol in TABLES.get(group, COMMON) if pattern.search(maths)]
    here = OTHERWISE.get(f"{group}.{name}", {})
    return [s._replace(meaning=here.get(s.latex, s.meaning)) for s in found]


def chosen(latex: Iterable[str]) -> list[Symbol]:
    """Return these symbols of the net, in this order.

    >>> [s.latex for s in chosen(["X", "m"])]
    ['X', 'm']
    """
    known = {symbol.latex: symbol for _, symbol in COMMON}
    return [known[name] for name in latex]
