r"""A divergence made small and kept: one file of numbers, and a script that shows it with NumPy and torch alone."""

from compare.reproduction.shrinking import again, smallest
from compare.reproduction.writing import script_beside, write

__all__ = ["again", "script_beside", "smallest", "write"]
