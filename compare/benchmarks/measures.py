r"""What is measured: steps, verified steps, memory, start-up; each a list of rows of one form."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from compare.benchmarks import loops
from compare.benchmarks.loops import Size
from compare.benchmarks.timing import Block, Ratio, interleaved, ratio
from compare.stacking import settle, verify_ahead


@dataclass(frozen=True)
class Effort:
    """How much is measured: the sizes of the grid, rounds, and the least seconds of a block."""

    sizes: Sequence[Size]
    rounds: int = 9
    seconds: float = 0.05
    steps: Sequence[int] = (128, 1024)  # of the runs whose memory is measured


@dataclass(frozen=True)
class Row:
    """One contestant at one size: its median seconds a step, its ratio to the baseline, or its peak memory."""

    section: str
    case: Mapping[str, int | str]
    name: str
    baseline: str
    seconds: float | None = None
    ratio: Ratio | None = None
    bytes: int | None = None


Contestants = Mapping[str, Callable[[Size], Block]]
STEPS: Contestants = {
    "torch eager": loops.torch_eager,
    "torch fused": partial(loops.torch_eager, fused=True),
    "scikit-learn": loops.scikit,
    "manual": loops.by_hand,
    "manual training": loops.in_buffers,
}
VERIFIED: Contestants = {
    "manual + torch": loops.both,
    "verified as a whole": partial(loops.verified, run=partial(verify_ahead, level="step")),
    "verified": loops.verified,
    "verified in a sweep": partial(loops.verified, run=settle),
}
WIDEST_VERIFIED = 512 * 1599  # units times examples: beyond it a verified step takes seconds


def small(size: Size) -> bool:
    return size.n_h * size.m <= WIDEST_VERIFIED


def rows(effort: Effort) -> Iterator[Row]:
    """Yield every row, section by section, as it is measured."""
    for size in effort.sizes:
        yield from compared("step", size, STEPS, effort)
    for size in filter(small, effort.sizes):
        least = loops.together(size)
        yield from compared("verified step", size, VERIFIED, effort, least)
    yield from memory(effort.steps)
    yield from starting(effort)


def compared(
    section: str, size: Size, contestants: Contestants, effort: Effort, least: int = 1
) -> Iterator[Row]:
    """Yield a row for each contestant; the first is the baseline."""
    blocks = {name: make(size) for name, make in contestants.items()}
    samples = interleaved(blocks, rounds=effort.rounds, seconds=effort.seconds, least=least)
    yield from told(section, case(size), samples)


def told(
    section: str, case: Mapping[str, int | str], samples: Mapping[str, Sequence[float]]
) -> Iterator[Row]:
    baseline = next(iter(samples))
    for name, seconds in samples.items():
        middle = sorted(seconds)[len(seconds) // 2]
        yield Row(section, case, name, baseline, middle, ratio(samples, name, baseline))


def case(size: Size) -> dict[str, int | str]:
    return {"n_h": size.n_h, "m": size.m, "layers": size.layers, "dtype": size.dtype}


def memory(counts: Sequence[int]) -> Iterator[Row]:
    """Yield the peak of NumPy's memory over verified steps: against steps, width, batch and depth."""
    shapes = [(k, Size(8, 32)) for k in counts]
    wide = [Size(32, 32), Size(128, 32), Size(8, 256), Size(8, 1599)]
    shapes += [(64, size) for size in (*wide, Size(8, 32, layers=2), Size(8, 32, layers=4))]
    for steps, size in shapes:
        block = loops.verified(size)
        block(loops.together(size))
        tracemalloc.start()
        block(steps)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        yield Row("memory", {"steps": steps, **case(size)}, "verified", "", bytes=peak)


def starting(effort: Effort) -> Iterator[Row]:
    """Yield what `parity --help` costs against `import torch`, each in a process of its own."""
    commands = {"import torch": ["-c", "import torch"], "parity --help": ["-m", "compare"]}
    blocks = {name: partial(started, arguments) for name, arguments in commands.items()}
    samples = interleaved(blocks, rounds=(effort.rounds + 1) // 2, seconds=0.0, clock=children_time)
    yield from told("start-up", {}, samples)


def started(arguments: Sequence[str], times: int) -> None:
    for _ in range(times):
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def children_time() -> float:
    """Return the processor time of the child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system
