r"""Make wine-sample.csv: synthetic red wines, drawn from published statistics. No wine is in it.

    python data/make_wine_sample.py [FILE]

Each of the 11 properties x is drawn on its own from a beta distribution stretched over
[low, high], with the mean $\mu$ and the standard deviation $\sigma$ of the published red wines:

$$u = (\mu - low) / (high - low), \quad s = \sigma / (high - low), \quad k = u (1 - u) / s^2 - 1,$$
$$(x - low) / (high - low) \sim \mathrm{Beta}(k u, k (1 - u)).$$

Free sulfur dioxide is a part of the total, so rows with more of it than there is in all are drawn
again. The quality follows a linear rule in standardised properties z and a noise $\epsilon$,

$$score = 0.8\, z_{alcohol} - 0.6\, z_{volatile\ acidity} + 0.4\, z_{sulphates} + 0.6\, \epsilon,
\quad \epsilon \sim N(0, 1),$$

and the rows are graded from the lowest score to the highest in the published proportions. The
properties are otherwise independent, which real wines' are not.

**Source:** P. Cortez, A. Cerdeira, F. Almeida, T. Matos, J. Reis, "Modeling wine preferences by
data mining from physicochemical properties", Decision Support Systems 47(4), 547-553, 2009, and
its data set in the UCI archive (CC BY 4.0), whose red wines these are the summary statistics of.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 2009
ROWS = 320

# property: low, high, mean, standard deviation, decimals written
STATISTICS = {
    "fixed acidity": (4.6, 15.9, 8.32, 1.74, 1),
    "volatile acidity": (0.12, 1.58, 0.528, 0.179, 2),
    "citric acid": (0.0, 1.0, 0.271, 0.195, 2),
    "residual sugar": (0.9, 15.5, 2.54, 1.41, 1),
    "chlorides": (0.012, 0.611, 0.0875, 0.0471, 3),
    "free sulfur dioxide": (1.0, 72.0, 15.9, 10.5, 0),
    "total sulfur dioxide": (6.0, 289.0, 46.5, 32.9, 0),
    "density": (0.99007, 1.00369, 0.99675, 0.00189, 5),
    "pH": (2.74, 4.01, 3.31, 0.154, 2),
    "sulphates": (0.33, 2.0, 0.658, 0.17, 2),
    "alcohol": (8.4, 14.9, 10.4, 1.07, 1),
}
GRADES = {3: 10, 4: 53, 5: 681, 6: 638, 7: 199, 8: 18}  # quality: how many of the 1599 wines
RULE = {"alcohol": 0.8, "volatile acidity": -0.6, "sulphates": 0.4}
NOISE = 0.6


def draw_wine(random: np.random.RandomState) -> list[float]:
    r"""One wine's properties; drawn again until its free sulfur dioxide is within the total."""
    while True:
        wine = {name: draw_property(random, name) for name in STATISTICS}
        if wine["free sulfur dioxide"] <= wine["total sulfur dioxide"]:
            return list(wine.values())


def draw_property(random: np.random.RandomState, name: str) -> float:
    r"""One property from its stretched beta distribution, rounded as it is written."""
    low, high, mean, deviation, decimals = STATISTICS[name]
    u, s = (mean - low) / (high - low), deviation / (high - low)
    k = u * (1 - u) / s**2 - 1
    return round(low + (high - low) * random.beta(k * u, k * (1 - u)), decimals)


def grade(wines: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.int_]:
    r"""Qualities (m,) of wines (m, 11): ranked by score, graded in the published proportions."""
    score = NOISE * noise
    for name, weight in RULE.items():
        mean, deviation = STATISTICS[name][2:4]
        score = score + weight * (wines[:, list(STATISTICS).index(name)] - mean) / deviation
    share = np.cumsum(list(GRADES.values())) / sum(GRADES.values())
    rank = np.argsort(np.argsort(score))
    return np.array(list(GRADES))[np.searchsorted(share, (rank + 0.5) / len(score))]


def make_sample() -> str:
    r"""The file's text, the same on every machine: RandomState's stream is frozen by NumPy."""
    random = np.random.RandomState(SEED)
    wines = np.array([draw_wine(random) for _ in range(ROWS)])
    qualities = grade(wines, random.standard_normal(ROWS))
    decimals = [row[-1] for row in STATISTICS.values()]
    lines = [";".join(f'"{name}"' for name in (*STATISTICS, "quality"))]
    for wine, quality in zip(wines, qualities, strict=True):
        cells = [f"{x:.{int(d)}f}" for x, d in zip(wine, decimals, strict=True)]
        lines.append(";".join([*cells, str(quality)]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    default = Path(__file__).with_name("wine-sample.csv")
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    file.write_text(make_sample(), encoding="utf-8", newline="\n")
