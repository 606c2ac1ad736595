r"""Many cells on many processes: joblib's, on this machine or, through dask, on a cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from compare.sweeping.grid import Cell
from compare.sweeping.outcomes import Outcome, verified


def spread(cells: Iterator[Cell], *, jobs: int, scheduler: str | None = None) -> Iterator[Outcome]:
    """Yield the outcome of every cell as it comes, from `jobs` processes or from a dask cluster.

    joblib gathers cells into tasks of about a second. Each process computes on one thread.
    """
    from joblib import Parallel, delayed, parallel_config

    if jobs == 1 and scheduler is None:
        yield from map(alone, cells)
        return
    where: dict[str, Any] = {"backend": "loky", "n_jobs": jobs, "inner_max_num_threads": 1}
    if scheduler is not None:
        where = {"backend": "dask", "n_jobs": -1}
    with connected(scheduler), parallel_config(**where):
        yield from Parallel(return_as="generator_unordered")(delayed(alone)(c) for c in cells)


def alone(cell: Cell) -> Outcome:
    """Return the outcome of a cell, computed on one thread."""
    import torch

    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)
    return verified(cell)


@contextmanager
def connected(scheduler: str | None) -> Iterator[None]:
    """Connect to a dask scheduler for the time being; ValueError where there is none."""
    if scheduler is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError:
        raise ValueError(
            "--backend dask needs the package distributed; run pip install 'parity[cluster]'"
        ) from None
    try:
        client: Any = Client(scheduler, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no dask scheduler answers at {scheduler} ({error}); start one with dask scheduler"
        ) from None
    with client:
        yield


def cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
