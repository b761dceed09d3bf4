"""How the benchmark scripts measure: fresh processes, and an allocator that hides nothing."""

import ctypes
import json
import os
import subprocess
import sys

from hgt_repurposing.training.device import ComputeDevice

CPU = ComputeDevice.pick("cpu")
MIB = 2**20
M_MMAP_THRESHOLD = -3
"""Number of this parameter in glibc's malloc.h."""


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
