r"""The same formulas as PyTorch computes them: torch.nn, torch.nn.functional, torch.autograd, torch.optim.

File for file and name for name the mirror of `manual`. Inside, one example is a row, as torch has it;
`reference.stepping` and `reference.conversion` are the door at which arrays are transposed.
"""
