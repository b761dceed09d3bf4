"""How the benchmark scripts measure: in fresh processes, with an allocator that hides nothing, or by turns."""

import ctypes
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from torch_geometric.data import HeteroData

from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.training.device import ComputeDevice

CPU = ComputeDevice.pick("cpu")
MIB = 2**20
M_MMAP_THRESHOLD = -3
"""Number of this parameter in glibc's malloc.h."""


class Ratios(NamedTuple):
    """Quotients of several pairs of measurements."""

    median: float
    low: float
    high: float
    num_pairs: int

    @classmethod
    def of(cls, quotients: Sequence[float]) -> Self:
        """At least one."""
        return cls(statistics.median(quotients), min(quotients), max(quotients), len(quotients))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f}, {self.num_pairs} pairs)"


def synthetic_data(preset: str) -> HeteroData:
    """The message graph of a synthetic graph, as training is given it."""
    graph = synthetic_knowledge_graph(SyntheticConfig.model_validate({"preset": preset, "mechanism": "module"}))
    return to_hetero_data(message_graph(graph))


def cpu_seconds(run: Callable[[], object]) -> float:
    """User and system seconds of this process, all threads together."""
    started = time.process_time()
    run()
    return time.process_time() - started


def cpu_ratios(one: Callable[[], None], other: Callable[[], None], *, num_pairs: int) -> Ratios:
    """CPU-seconds of one over those of the other.

    They take turns, also in who begins, so that what else the machine does falls on both. Each has run once before.
    """
    one()
    other()
    quotients = []
    for pair in range(num_pairs):
        if pair % 2:
            below, above = cpu_seconds(other), cpu_seconds(one)
        else:
            above, below = cpu_seconds(one), cpu_seconds(other)
        quotients.append(above / below)
    return Ratios.of(quotients)


def return_freed_memory_from(*, bytes_at_least: int) -> None:
    """Have glibc return freed blocks of this size at once, so that resident memory follows the live tensors.

    Left alone it keeps up to 32 MiB a block for reuse, which is faster and hides what a setting needs.
    """
    if sys.platform == "linux":
        CPU.release()
        ctypes.CDLL("libc.so.6").mallopt(M_MMAP_THRESHOLD, bytes_at_least)


def in_fresh_process(script: str, arguments: list[str], *, num_threads: int | None = None) -> dict[str, float]:
    """Run a script once more in a process of its own, for what one run leaves in memory must not count for the next.

    Args:
        script: Prints its figures as JSON on the last line.
        arguments: Of its command line.
        num_threads: For OpenMP and numba; None leaves them all.

    Raises:
        RuntimeError: If the script fails; the message ends with what it wrote to stderr.
    """
    limits = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), str(num_threads)) if num_threads else {}
    call = [sys.executable, script, *arguments]
    done = subprocess.run(call, check=False, capture_output=True, text=True, env=os.environ | limits)  # noqa: S603  (our own script)
    if done.returncode:
        raise RuntimeError(f"{' '.join(call)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result
