r"""One seed, two derivations: what both sides draw from it must be equal, and where it may not be to the bit.

torch's kernels decide how its uniform and normal numbers are rounded. With those of SHOWN, on Linux
x86-64, `manual.random` has their bits; elsewhere the weights may be a few roundings apart, and both
sides start from manual's. Dropout masks and batch order are made of whole words, equal everywhere.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import torch

from compare.pacing import Unequal
from compare.tolerances import SEED_ULP
from compare.traces import Array

SHOWN = ("AVX2", "AVX512")
ONE_SIDED = ("orthogonal",)  # another QR, other bits: both sides take manual's, checked by property


def kernels() -> str:
    """Return which of its kernels torch runs here: DEFAULT, AVX2, AVX512, or another processor's."""
    return str(torch.backends.cpu.get_cpu_capability())


def exact() -> bool:
    """Tell whether both sides' weights are equal to the bit here."""
    here = sys.platform, platform.machine()
    return kernels() in SHOWN and here == ("linux", "x86_64")


def generator(package: ModuleType, seed: int) -> Any:
    """Return the package's generator, its arithmetic as this machine's torch kernels have it."""
    return package.random.Generator(seed, fused=kernels() in SHOWN)


def equal(mine: Mapping[str, Any], theirs: Mapping[str, Any], what: str) -> None:
    """Raise Unequal unless both hold the same names with bit-identical arrays."""
    for name in {*mine, *theirs}:
        if not np.array_equal(np.asarray(mine.get(name)), np.asarray(theirs.get(name))):
            raise Unequal(f"{what}: manual and reference derived different {name}")


def alike(mine: Mapping[str, Array], theirs: Mapping[str, Array], what: str) -> None:
    """Raise Unequal unless both are equal: to the bit where that was shown, elsewhere but for rounding."""
    if exact():
        equal(mine, theirs, what)
        return
    equal({n: x.shape for n, x in mine.items()}, {n: x.shape for n, x in theirs.items()}, what)
    for name, x in mine.items():
        spacing = np.spacing(np.abs(x).max(initial=0.0))
        if not np.abs(x - theirs[name]).max(initial=0.0) <= SEED_ULP * spacing:
            raise Unequal(f"{what}: manual and reference derived different {name}")


def said(scheme: str, *, masks: bool, order: bool) -> str:
    """Return what a run says of the draws that its two sides made from the seed.

    >>> said("orthogonal", masks=False, order=False)
    "weights are manual's on both sides: an orthogonal start is a QR factorisation, rounded otherwise by torch"
    """
    drawn = ["masks"] * masks + ["batch order"] * order
    if scheme in ONE_SIDED:
        qr = "an orthogonal start is a QR factorisation, rounded otherwise by torch"
        rest = f"; {listed(drawn)} derived independently on both sides: equal" if drawn else ""
        return f"weights are manual's on both sides: {qr}{rest}"
    text = f"{listed(['weights', *drawn])} derived independently on both sides: equal"
    if exact():
        return f"{text}, bit for bit ({kernels()} kernels)"
    return (
        f"{text}, weights but for {SEED_ULP:g} units in the last place of the largest, and both start "
        f"from manual's: bit for bit was shown for {' and '.join(SHOWN)} kernels on Linux x86-64; "
        f"these are {kernels()}"
    )


def listed(names: list[str]) -> str:
    """Return the names as in a sentence.

    >>> listed(["weights", "masks", "batch order"])
    'weights, masks and batch order'
    """
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])
