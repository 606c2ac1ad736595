r"""The agreement of a formula, measured while the book is built: by hand and torch against the stated formula."""

from compare.book.measurement.draws import drawn
from compare.book.measurement.functions import activation, loss
from compare.book.measurement.measured import Measured
from compare.book.measurement.rules import rule
from compare.book.measurement.steps import start, steps

__all__ = ["Measured", "activation", "drawn", "loss", "rule", "start", "steps"]
