"""How many lines a file has, counted while somebody else reads it.

A quote that is left open swallows the rows behind it, up to the end of a block, and the reader says nothing of it where
the column is not asked for. The number of rows that come out then falls short of the number of lines that went in.
"""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_LF = ord("\n")


class CountedLines:
    """A file, unpacked where its name says that it is packed, as a stream for pyarrow."""

    def __init__(self, path: Path) -> None:
        self._stream = pa.input_stream(str(path))
        self._ends, self._last = 0, _LF
        # Written over block by block: fresh arrays of this size would cost four times the counting.
        self._is_end = self._is_empty = np.empty(0, dtype=np.bool_)
        self.closed = False

    @property
    def num_lines(self) -> int:
        """Lines read so far that are not empty, as far as LF ends them."""
        return self._ends + (self._last != _LF)

    def read(self, size: int = -1) -> pa.Buffer:
        """Next bytes."""
        block = self._stream.read_buffer(size)
        if block.size:
            self._count(np.frombuffer(block, dtype=np.uint8))
        return block

    def _count(self, block: npt.NDArray[np.uint8]) -> None:
        size = len(block)
        if size > len(self._is_end):
            self._is_end, self._is_empty = np.empty((2, size), dtype=np.bool_)
        end = np.equal(block, _LF, out=self._is_end[:size])
        empty = np.logical_and(end[1:], end[:-1], out=self._is_empty[: size - 1])
        self._ends += int(np.count_nonzero(end)) - int(np.count_nonzero(empty)) - bool(end[0] and self._last == _LF)
        self._last = int(block[-1])

    def readable(self) -> bool:
        """For pyarrow."""
        return True

    def close(self) -> None:
        """Let go of the file."""
        self.closed = True
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
