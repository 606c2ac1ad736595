r"""Large arrays made and dropped many times a second: the allocator is asked to keep their memory.

By default glibc gives every array of more than 128 KiB (at most 32 MiB, adapting) back to the system,
and each new one starts with a page fault for every 4 KiB: half the time of judging a wide net.
"""

from __future__ import annotations

import ctypes
import sys

TRIM, MMAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of <malloc.h>
LARGEST = 2**25  # bytes: the highest threshold glibc takes
KEPT = 2**29  # bytes


def keep() -> None:
    """Let the allocator of this process keep up to half a GiB of freed memory, where it is glibc's.

    >>> keep()
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP, LARGEST)
        mallopt(TRIM, KEPT)
