"""The device to train on, and its memory: reading, releasing and limiting it."""

import ctypes
import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Self

import psutil
import torch

from hgt_repurposing.process_memory import GIB, peak_gb
from hgt_repurposing.training.params import DeviceChoice

OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "not enough memory")
"""Messages of torch's allocators for CPU, MPS and CUDA, in lower case; only CUDA's error has its own class."""
WORTH_A_TEAM = 5_000_000
"""Size of a typical tensor above which multiple threads pay off: between Hetionet at width 64 and at width 128."""


class MemoryReading(NamedTuple):
    """Memory in GiB; on the CPU, that of the process."""

    allocated: float
    """Used by live tensors; on the CPU, resident memory of the process."""
    cached: float
    """Kept by the allocator for reuse; not available on the CPU."""
    peak: float
    """Highest so far: of tensors on CUDA; of the process on the CPU and, lacking a counter, on MPS."""

    def __str__(self) -> str:
        return f"{self.allocated:.2f} / {self.cached:.2f} / {self.peak:.2f} GiB"


@dataclass(frozen=True)
class ComputeDevice:
    """One of cpu, cuda and mps."""

    torch: torch.device

    @classmethod
    def pick(cls, choice: DeviceChoice) -> Self:
        """The requested device; `auto` is MPS, else CUDA, else CPU.

        Raises:
            ValueError: If the requested device is not available.
        """
        available = {"mps": torch.backends.mps.is_available(), "cuda": torch.cuda.is_available(), "cpu": True}
        if choice == "auto":
            return cls(torch.device(next(name for name, there in available.items() if there)))
        if not available[choice]:
            there = ", ".join(name for name, yes in available.items() if yes)
            raise ValueError(f"device {choice!r} is not available on this machine (available: {there})")
        return cls(torch.device(choice))

    @property
    def name(self) -> str:
        """cpu, cuda or mps."""
        return self.torch.type

    @property
    def wants_fixed_shapes(self) -> bool:
        """Whether few tensor shapes are better: MPS compiles and caches a graph per shape (pytorch#181485)."""
        return self.name == "mps"

    def synchronize(self) -> None:
        """Wait for all pending work on the device."""
        if self.name != "cpu":
            (torch.cuda if self.name == "cuda" else torch.mps).synchronize()

    def release(self) -> None:
        """Release unused memory to the device; on the CPU, memory cached by glibc to the system."""
        if self.name != "cpu":
            gc.collect()
            (torch.cuda if self.name == "cuda" else torch.mps).empty_cache()
        elif sys.platform == "linux":
            libc = ctypes.CDLL(None)
            if hasattr(libc, "malloc_trim"):  # not in musl
                libc.malloc_trim(0)

    def read_memory(self) -> MemoryReading:
        """Read memory use; on MPS, that of tensors and of the driver's pool."""
        if self.name == "cuda":
            return MemoryReading(
                torch.cuda.memory_allocated(self.torch) / GIB,
                torch.cuda.memory_reserved(self.torch) / GIB,
                torch.cuda.max_memory_allocated(self.torch) / GIB,
            )
        peak = peak_gb()
        if self.name == "mps":
            allocated, pool = torch.mps.current_allocated_memory() / GIB, torch.mps.driver_allocated_memory() / GIB
            return MemoryReading(allocated, pool, peak)
        resident = psutil.Process().memory_info().rss / GIB
        return MemoryReading(resident, 0.0, max(peak, resident))  # the kernel's peak may lag by some pages

    def free_gb(self) -> float:
        """Currently available memory, GiB."""
        if self.name == "cuda":
            return torch.cuda.mem_get_info(self.torch)[0] / GIB
        free = psutil.virtual_memory().available / GIB
        if self.name == "mps":
            return min(free, torch.mps.recommended_max_memory() / GIB)
        return free

    def limit(self, gigabytes: float) -> None:
        """Make allocations above this fail instead of swapping. Not possible on the CPU: see `training/loop.py`."""
        if self.name == "cuda":
            total = torch.cuda.get_device_properties(self.torch).total_memory / GIB
            torch.cuda.set_per_process_memory_fraction(min(1.0, gigabytes / total), self.torch)
        if self.name == "mps":
            torch.mps.set_per_process_memory_fraction(min(2.0, gigabytes * GIB / torch.mps.recommended_max_memory()))


class PeakWatch:
    """Peak memory use of a device while its block runs, above the use at the start, GiB.

    From the allocator's counter on CUDA; elsewhere by sampling, since a process's peak counter cannot be reset.
    """

    def __init__(self, device: ComputeDevice, *, interval: float = 0.005) -> None:
        self._device = device
        self._interval = interval
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Start watching."""
        if self._device.name == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device.torch)
        self.start = self._highest = self._now()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._over.set()
        self._thread.join()

    @property
    def above_start(self) -> float:
        """Current use above the start, GiB."""
        return self._now() - self.start

    @property
    def peak_above_start(self) -> float:
        """GiB."""
        if self._device.name == "cuda":
            return self._device.read_memory().peak - self.start
        self._highest = max(self._highest, self._now())
        return self._highest - self.start

    def _watch(self) -> None:
        while self._device.name != "cuda" and not self._over.wait(self._interval):
            self._highest = max(self._highest, self._now())

    def _now(self) -> float:
        return self._device.read_memory().allocated


@contextmanager
def threads_for(numbers: int) -> Iterator[None]:
    """Limit torch to one thread if tensors are smaller than `WORTH_A_TEAM`, otherwise use all.

    OpenMP threads wait for each other after every operation. If another process holds a core for some milliseconds,
    thousands of small operations take ten times as long as with one thread; even on an idle machine the gain is
    negligible.

    Args:
        numbers: Size of a typical tensor, such as nodes times width.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(before if numbers >= WORTH_A_TEAM else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is an out-of-memory error, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in OUT_OF_MEMORY)
