"""How the benchmark scripts measure: in fresh processes, with an allocator that returns freed memory."""

import ctypes
import json
import os
import subprocess
import sys

from hgt_repurposing.training.device import ComputeDevice

CPU = ComputeDevice.pick("cpu")
MIB = 2**20
M_MMAP_THRESHOLD = -3
"""Value of this parameter in glibc's malloc.h."""


def return_freed_memory_from(*, bytes_at_least: int) -> None:
    """Make glibc return freed blocks of at least this size at once, so that resident memory follows the live tensors.

    By default, it keeps blocks of up to 32 MiB for reuse, which is faster but hides how much memory a setting needs.
    """
    if sys.platform == "linux":
        CPU.release()
        ctypes.CDLL("libc.so.6").mallopt(M_MMAP_THRESHOLD, bytes_at_least)


def in_fresh_process(script: str, arguments: list[str], *, num_threads: int | None = None) -> dict[str, float]:
    """Run a script in a new process, so that memory left over from one run does not count towards the next.

    Args:
        script: Path of a script that prints its figures as JSON on the last line.
        arguments: Its command-line arguments.
        num_threads: Threads for OpenMP and numba; None: no limit.

    Raises:
        RuntimeError: If the script fails; the message ends with its stderr.
    """
    limits = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), str(num_threads)) if num_threads else {}
    call = [sys.executable, script, *arguments]
    done = subprocess.run(call, check=False, capture_output=True, text=True, env=os.environ | limits)  # noqa: S603  (our own script)
    if done.returncode:
        raise RuntimeError(f"{' '.join(call)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result
