"""The memory of this process, as the operating system counts it."""

import resource
import sys

GIB = 2**30


def peak_gb() -> float:
    """Highest memory use of this process since it began, libraries included, GiB."""
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes on macOS and kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB
