r"""The verifier: runs `manual` and `reference` side by side and proves that every number agrees."""
