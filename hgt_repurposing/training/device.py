"""Which device to train on, and how much memory it holds."""

import gc
import resource
import sys
from typing import NamedTuple

import psutil
import torch

from hgt_repurposing.training.params import DeviceChoice

GIB = 2**30


class MemoryReading(NamedTuple):
    """Memory in GiB. On the CPU the process stands for the device: resident, its limit of the moment, and peak."""

    allocated: float
    """Held by live tensors; on the CPU, resident memory of the process."""
    cached: float
    """Held by the allocator for reuse; the CPU has no such pool that can be read."""
    peak: float
    """Highest so far: of the tensors on CUDA, of the process on the CPU and, for want of a counter, on MPS."""

    def __str__(self) -> str:
        return f"{self.allocated:.2f} / {self.cached:.2f} / {self.peak:.2f} GiB"


def pick_device(choice: DeviceChoice) -> torch.device:
    """The device asked for; `auto` is MPS, else CUDA, else CPU.

    Raises:
        ValueError: If the device asked for is not there.
    """
    available = {"mps": torch.backends.mps.is_available(), "cuda": torch.cuda.is_available(), "cpu": True}
    if choice == "auto":
        return torch.device(next(name for name, there in available.items() if there))
    if not available[choice]:
        there = ", ".join(name for name, yes in available.items() if yes)
        raise ValueError(f"device {choice!r} is not available on this machine (available: {there})")
    return torch.device(choice)


def read_memory(device: torch.device) -> MemoryReading:
    """Memory in use on the device."""
    if device.type == "cuda":
        return MemoryReading(
            torch.cuda.memory_allocated(device) / GIB,
            torch.cuda.memory_reserved(device) / GIB,
            torch.cuda.max_memory_allocated(device) / GIB,
        )
    peak_unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes on macOS and kilobytes on Linux
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * peak_unit / GIB
    if device.type == "mps":
        allocated, pool = torch.mps.current_allocated_memory() / GIB, torch.mps.driver_allocated_memory() / GIB
        return MemoryReading(allocated, pool, peak)
    resident = psutil.Process().memory_info().rss / GIB
    return MemoryReading(resident, 0.0, max(peak, resident))  # the kernel's peak may lag behind by some pages


def release_memory(device: torch.device) -> None:
    """Give what no tensor holds back to the device."""
    if device.type == "cpu":
        return
    gc.collect()
    (torch.cuda if device.type == "cuda" else torch.mps).empty_cache()
