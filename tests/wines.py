"""Real wine for the tests: where WINE_QUALITY_DIR names the folder with both published files."""

import os
from pathlib import Path

import pytest

FILES = ("winequality-red.csv", "winequality-white.csv")
FOLDER = Path(os.environ.get("WINE_QUALITY_DIR", ""))
THERE = Path() != FOLDER and all((FOLDER / name).is_file() for name in FILES)

WINE = "wine-red" if THERE else "wine-sample"  # for what is as true of one as of the other
real_wine = pytest.mark.skipif(
    not THERE, reason=f"WINE_QUALITY_DIR names no folder with {' and '.join(FILES)}"
)
