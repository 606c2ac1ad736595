r"""Experiments: what the source document claims of deep nets, learning rates and optimisers, measured.

Each trains by hand and by PyTorch side by side, every step verified as in `parity run`, and draws
both sides: gradients that vanish and explode and what helps, learning rates too large and too
small, and the optimisers raced.
"""
