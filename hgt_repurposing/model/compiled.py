"""Loops compiled with numba for the CPU, run in threads."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from llvmlite import ir  # type: ignore[import-untyped]  # ships no types
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from torch import Tensor

from hgt_repurposing.threads import in_threads

Array = npt.NDArray[Any]
"""float32 or float64, or integers that are indices."""
Arrays = tuple[Array, ...]

WORTH_A_THREAD = 2_000_000
"""Number of values read below which starting threads costs more than it saves."""
CACHE_LINE = 64
"""Bytes."""

compiled: Callable[..., Any] = njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"}
)
"""Compiled on first use, then loaded from numba's cache. Sums may be reordered for vector units, but deterministically;
infinities and NaN are respected."""


def arrays(*tensors: Tensor) -> Arrays:
    """View tensors as arrays without copying.

    All are contiguous, since every other memory layout would be compiled separately.
    """
    assert all(tensor.is_contiguous() for tensor in tensors)
    return tuple(tensor.detach().numpy() for tensor in tensors)


def run_in_threads(loop: Callable[..., None], ptr: Tensor, width: int, *arguments: Any) -> None:
    """Run `loop(first, last, *arguments)` over all rows, in threads with about the same number of entries each.

    Uses as many threads as torch, whose own are idle meanwhile.

    Args:
        loop: Compiled; rows must be independent of each other.
        ptr: First entry of each row, then the number of entries. Shape [num_rows + 1].
        width: Values read per entry.
        arguments: Arguments of `loop` after `first` and `last` (Any: of many types).
    """
    bounds = ptr.numpy()
    total = int(bounds[-1])
    num_threads = min(torch.get_num_threads(), max(1, total * width // WORTH_A_THREAD))
    if num_threads == 1:
        loop(0, len(bounds) - 1, *arguments)
        return
    shares = np.searchsorted(bounds, np.linspace(0, total, num_threads + 1)[1:-1])
    cuts = [0, *shares.tolist(), len(bounds) - 1]
    in_threads(lambda rows: loop(*rows, *arguments), list(pairwise(cuts)), num_threads=num_threads)


def _prefetch(_: Any, array: Any, row: Any) -> Any:
    """Generate code for `prefetch(array, row)`. Any: numba's types at compile time."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held = context.make_array(signature.args[0])(context, builder, value=arguments[0])
        word, byte_pointer = ir.IntType(64), ir.IntType(8).as_pointer()
        number = context.cast(builder, arguments[1], signature.args[1], types.int64)
        num_bytes = builder.extract_value(held.strides, 0)
        start = builder.gep(builder.bitcast(held.data, byte_pointer), [builder.mul(number, num_bytes)])
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte_pointer, flag, flag, flag])
        call = builder.module.declare_intrinsic("llvm.prefetch", (byte_pointer,), kind)
        to_read, to_second_level, data = flag(0), flag(2), flag(1)
        with cgutils.for_range_slice(builder, word(0), num_bytes, word(CACHE_LINE), inc=True) as (offset, _):
            builder.call(call, [builder.gep(start, [offset]), to_read, to_second_level, data])
        return context.get_dummy_value()

    return types.void(array, row), generate


prefetch: Any = intrinsic(_prefetch)
"""prefetch(array, row) loads a row ahead of use: access is random, so the processor cannot predict it.
Any: only compiled code can call it. Without it a step takes 1.12 times the CPU-seconds on a full graph of 3.4 million
edges (1.05 to 1.26, 9 pairs, one thread), 1.24 if other processes share the cache; on batches of the default size 1.04
and 1.10, within the noise (`scripts/bench_prefetch.py`)."""
