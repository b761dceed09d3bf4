"""Count the lines of a file while another reader reads it.

An unclosed quote swallows the rows after it, up to the end of a block, and the reader does not report it in columns
that were not requested. The number of rows is then lower than the number of lines.
"""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_LF = ord("\n")


class CountedLines:
    """A file as a stream for pyarrow, decompressed if its name says so."""

    def __init__(self, path: Path) -> None:
        self._stream = pa.input_stream(str(path))
        self._ends, self._last = 0, _LF
        # Reused for every block: allocating arrays of this size would cost four times as much as counting.
        self._is_end = self._is_empty = np.empty(0, dtype=np.bool_)
        self.closed = False

    @property
    def num_lines(self) -> int:
        """Number of non-empty lines read so far that end in LF."""
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
        """Required by pyarrow."""
        return True

    def close(self) -> None:
        """Close the file."""
        self.closed = True
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
