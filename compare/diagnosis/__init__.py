r"""From "this formula is wrong" to "this is the mistake": variants of the formula, tried on the program's own numbers."""

from compare.diagnosis.naming import diagnose, misshapen, suspected, told
from compare.diagnosis.outcome import Diagnosis, Explained
from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.variant import Variant

__all__ = [
    "Diagnosis",
    "Explained",
    "Scene",
    "Shown",
    "Variant",
    "diagnose",
    "misshapen",
    "suspected",
    "told",
]
