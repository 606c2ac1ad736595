r"""What somebody's program raised, and the line of its own where it did."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = f"{Path(__file__).parents[1]}{os.sep}"  # compare
INSTALLED = tuple(sysconfig.get_paths()[n] + os.sep for n in ("purelib", "platlib", "stdlib"))


def place(error: BaseException) -> str:
    """Return the last line that is neither of this package nor of a library; "" where there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not f.filename.startswith((HERE, *INSTALLED, "<"))]
    return f" ({Path(own[-1].filename).name}:{own[-1].lineno}, in {own[-1].name})" if own else ""


def complained(error: Exception, state: Mapping[str, Any]) -> str:
    """Return what an error says and where; of a name that the state lacks, those that it has."""
    where = place(error)
    said = str(error) if isinstance(error, ValueError) and not where else spoken(error)
    asked = error.args[0] if isinstance(error, KeyError) and error.args else None
    if state and where and isinstance(asked, str) and asked not in state:
        return f"{said}{where}; the state holds {', '.join(state)}"
    return f"{said}{where}"


def spoken(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
