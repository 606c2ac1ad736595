r"""The data both packages train on: found, checked, split, standardised, one example a column.

`load` is all a user needs; the modules follow the data's way: `sources` (where a file lies),
`reading` (CSV to a checked table), `embedded` (scikit-learn's own sets), `labels` (target to Y),
`preparation` (split and standardise), `catalogue` (the names).
"""

from compare.datasets.catalogue import DEFAULT, NAMES, load
from compare.datasets.dataset import TASKS, Dataset

__all__ = ["DEFAULT", "NAMES", "TASKS", "Dataset", "load"]
