r"""The stream: PyTorch's CPU generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import DTypeLike

FUSING = ("AVX2", "AVX512")  # capabilities whose kernels round a * b + c once


def Generator(seed: int, *, fused: bool = True) -> torch.Generator:
    r"""Return PyTorch's CPU generator seeded with `seed`.

    Args:
        seed: an integer in $[-2^{63}, 2^{64})$.
        fused: whether this machine's kernels fuse multiply-adds, which PyTorch decides: it is
            checked, so that both sides of a comparison say the same.

    Raises:
        ValueError: `fused` is not what PyTorch's kernels do here.

    >>> Generator(7, fused=torch.backends.cpu.get_cpu_capability() in FUSING).initial_seed()
    7
    """
    capability = torch.backends.cpu.get_cpu_capability()
    if fused != (capability in FUSING):
        raise ValueError(
            f"fused={fused}, but PyTorch's {capability} kernels run here; pass fused={not fused}"
        )
    return torch.Generator().manual_seed(seed)


@contextmanager
def as_global(generator: torch.Generator) -> Iterator[None]:
    r"""Let `generator` be PyTorch's global generator for a while, for functions that take none.

    >>> with as_global(torch.Generator().manual_seed(7)):
    ...     round(torch.rand(1).item(), 4)
    0.5349
    """
    with torch.random.fork_rng(devices=[]):
        torch.random.set_rng_state(generator.get_state())
        yield
        generator.set_state(torch.random.get_rng_state())


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> torch.Tensor:
    r"""Return a tensor to be filled, of the given NumPy dtype.

    >>> empty((2,), "float32").dtype
    torch.float32
    """
    kind: torch.dtype = getattr(torch, np.dtype(dtype).name)
    return torch.empty(shape, dtype=kind)
