r"""Loss functions by hand: each returns $L(A, Y)$ and the function that takes $dL$ to $dA$.

    mse(A, Y) -> (L, backward),    backward() -> dA,    backward(dL) -> dL * dA

Shapes: A, Y and dA $(n_y, m)$, one example a column; L is 0-d. $N = n_y m$ is the number of
elements. Write $dA$ for $\partial L / \partial A$. L and dA have the dtype of A and Y, which must
be the same floating type.

All but `cross_entropy` treat each element by itself: with $L = \frac1N \sum_{ij}
\ell(a_{ij}, y_{ij})$,

- one example, one output: $da = \ell'(a, y)$, with $N = 1$;
- all examples: $dA = \frac1N \ell'(A, Y)$, element by element. The factor $1/N$ enters here, once,
  and every gradient before inherits it.

`mse_per_example`, `cross_entropy` and `cross_entropy_on_probabilities` divide by the number of
examples $m$ instead of $N$.

Raises ValueError, all of them, if A and Y differ in shape or dtype, are not two-dimensional, not
floating, or empty: $(m,)$ or $(1, m)$ against $(m, 1)$ would broadcast to an $(m, m)$ loss, and
unsigned integers wrap around in $a - y$.
"""

from manual.losses.absolutes import huber, l1, smooth_l1
from manual.losses.binary import bce, bce_with_logits
from manual.losses.multiclass import cross_entropy, cross_entropy_on_probabilities
from manual.losses.squares import mse, mse_per_example

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
