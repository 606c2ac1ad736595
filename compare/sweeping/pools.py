r"""Many cells on many processes: joblib's, on this machine or, through dask, on a cluster."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread
from typing import Any

from compare import memory
from compare.sweeping.grid import Cell
from compare.sweeping.outcomes import Outcome, verified


def spread(cells: Iterator[Cell], *, jobs: int, cluster: bool = False) -> Iterator[Outcome]:
    """Yield the outcome of every cell as it comes, from `jobs` processes or the dask cluster we are connected to.

    joblib gathers cells into tasks of about a second. Each process computes on one thread.
    """
    from joblib import Parallel, delayed, parallel_config

    if jobs == 1 and not cluster:
        yield from map(alone, cells)
        return
    where: dict[str, Any] = {"backend": "loky", "n_jobs": jobs, "inner_max_num_threads": 1}
    work = followed
    if cluster:
        where, work = {"backend": "dask", "n_jobs": -1}, alone
    with parallel_config(**where), surviving():
        yield from Parallel(return_as="generator_unordered")(delayed(work)(c) for c in cells)


@contextmanager
def surviving() -> Iterator[None]:
    """Tell of a process that died in one sentence."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    try:
        yield
    except Exception as error:
        if isinstance(error, BrokenProcessPool) or type(error).__name__ == "KilledWorker":
            raise ValueError(
                "a process that verified cells died (killed, or out of memory); what was found is "
                "kept: go on with --resume, with fewer --jobs if memory is short"
            ) from None
        raise


def followed(cell: Cell) -> Outcome:
    """Return the outcome of a cell, in a process that ends when its parent does, even by kill -9.

    Ctrl-C is the parent's to answer, which ends its processes.
    """
    follow(os.getppid())
    return alone(cell)


@cache
def follow(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def alone(cell: Cell) -> Outcome:
    """Return the outcome of a cell, computed on one thread."""
    import torch

    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)
    memory.keep()
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
