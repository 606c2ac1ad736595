r"""Backpropagation and gradient-based optimisation by hand: NumPy and the standard library only.

One example is a column: $X$ is $(n_x, m)$, $W_l$ is $(n_l, n_{l-1})$, $b_l$ is $(n_l, 1)$.
"""
