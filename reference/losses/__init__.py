r"""The losses of torch.nn.functional, each with the gradient that autograd gives it.

`backward(dL=1.0)` returns dA. Elementwise losses take any layout; mse_per_example,
cross_entropy and cross_entropy_on_probabilities have one example a row, (m, n_y).
"""

from reference.losses.absolutes import huber, l1, smooth_l1
from reference.losses.binary import bce, bce_with_logits
from reference.losses.multiclass import cross_entropy, cross_entropy_on_probabilities
from reference.losses.squares import mse, mse_per_example

__all__ = [
    "bce",
    "bce_with_logits",
    "cross_entropy",
    "cross_entropy_on_probabilities",
    "huber",
    "l1",
    "mse",
    "mse_per_example",
    "smooth_l1",
]
