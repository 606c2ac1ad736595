r"""The root of squares that a step is divided by, as people get it wrong: epsilon, its place, the average."""

from __future__ import annotations

from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.terms import OTHERS

ROOTS = (
    Mistake({"epsilon": "none"}, "epsilon left out", "g / np.sqrt(s)", "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "maximum"}, "epsilon as a floor", "g / np.maximum(np.sqrt(s), eps)",
            "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "maximum inside"}, "epsilon as a floor of the squares",
            "g / np.sqrt(np.maximum(s, eps))", "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "no root"}, "the square root left out", "g / (s + eps)",
            "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "bare"}, "the square root left out, and epsilon", "g / s", "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "both"}, "epsilon both inside and outside the root",
            "g / (np.sqrt(s + eps) + eps)", "g / (np.sqrt(s) + eps)"),
    Mistake({"epsilon": "inside, squared"}, "the square of epsilon inside the square root",
            "g / np.sqrt(s + eps**2)", "g / (np.sqrt(s) + eps)"),
    Mistake({"start": "stale"}, "divided by the root of the old squares", "g / (np.sqrt(s_old) + eps)",
            "g / (np.sqrt(s) + eps), s of this step"),
)  # fmt: skip
NEAR = tuple(
    Mistake({"epsilon": f"inside {x:g}"}, f"epsilon inside the square root, and {x:g}",
            f"g / np.sqrt(s + {x:g})", "g / (np.sqrt(s) + eps)")
    for x in OTHERS
)  # fmt: skip
INSIDE = Mistake({"epsilon": "inside"}, "epsilon inside the square root", "g / np.sqrt(s + eps)",
                 "g / (np.sqrt(s) + eps)", "Keras, optax and many texts; torch outside")  # fmt: skip
OUTSIDE = Mistake({"epsilon": "outside"}, "epsilon outside the square root", "g / (np.sqrt(s) + eps)",
                  "g / np.sqrt(s + eps)", "torch.optim.RMSprop; the source document inside")  # fmt: skip
AVERAGES = (
    Mistake({"form": "swapped"}, "the weights of the average swapped",
            "s = (1 - alpha) * s + alpha * g**2", "s = alpha * s + (1 - alpha) * g**2",
            same_as="alpha -> 1 - alpha"),
    Mistake({"form": "sum"}, "the new square not weighted", "s = alpha * s + g**2",
            "s = alpha * s + (1 - alpha) * g**2"),
    Mistake({"form": "unweighted"}, "squares summed, as in Adagrad", "s = s + g**2",
            "s = alpha * s + (1 - alpha) * g**2"),
    Mistake({"form": "growing"}, "the old average not decayed", "s = s + (1 - alpha) * g**2",
            "s = alpha * s + (1 - alpha) * g**2"),
    Mistake({"form": "first whole"}, "the average starts with the first square whole",
            "s_1 = g**2", "s_1 = (1 - alpha) * g**2"),
)  # fmt: skip
