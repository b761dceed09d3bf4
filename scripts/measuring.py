"""How the benchmark scripts measure: fresh processes, and resident memory watched while a block runs."""

import ctypes
import json
import os
import subprocess
import sys
import threading

import torch

from hgt_repurposing.training.device import read_memory

M_MMAP_THRESHOLD = -3
"""Number of this parameter in glibc's malloc.h."""
MIB = 2**20


class PeakWatch:
    """Samples resident memory while its block runs: the process's own peak would include making the graph."""

    def __enter__(self) -> "PeakWatch":
        """Begin to watch."""
        self._start = self._highest = self._now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._over.set()
        self._thread.join()

    @property
    def peak_above_start(self) -> float:
        """GiB."""
        return self._highest - self._start

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self._highest = max(self._highest, self._now())

    @staticmethod
    def _now() -> float:
        return read_memory(torch.device("cpu")).allocated


def return_freed_memory_from(*, bytes_at_least: int) -> None:
    """Have glibc return freed blocks of this size at once, so that resident memory follows the live tensors.

    Left alone it keeps up to 32 MiB a block for reuse, which is faster and hides what a setting needs.
    """
    if sys.platform == "linux":
        return_freed_memory()
        ctypes.CDLL("libc.so.6").mallopt(M_MMAP_THRESHOLD, bytes_at_least)


def return_freed_memory() -> None:
    """Have glibc return now what it keeps of freed blocks, and go on with its settings as they are."""
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)


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
