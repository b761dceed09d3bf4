"""Which row of a delimited file cannot be read, and why: looked for line by line, once reading has failed.

The fast reader works in blocks and threads, and knows neither.
"""

import csv
import io
from pathlib import Path

import pyarrow as pa

LONGEST_ROW = 1 << 20
"""Bytes of a block of the fast reader; what is longer may not fit it, and is no row of a graph."""

_OPEN_QUOTE = "unexpected end of data"  # how the csv module says it


def unreadable_row(path: Path, *, delimiter: str, num_columns: int) -> str | None:
    """A clause on the first row that is not text, too long, or of another number of columns; None if there is none."""
    with pa.input_stream(str(path)) as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline=None)
        row = 0
        for ended in lines:
            line = ended.rstrip("\n")
            row += bool(line)
            wrong = _wrong(line, delimiter, num_columns) if line else None
            if wrong:
                return f"row {row} {wrong}"
    return None


def _wrong(line: str, delimiter: str, num_columns: int) -> str | None:
    if not line.isascii():
        try:
            line.encode()
        except UnicodeEncodeError as error:
            return (
                f"is not UTF-8 text (byte 0x{ord(line[error.start]) - 0xDC00:02x} after {line[: error.start][-20:]!r})"
            )
    quoted = delimiter == "," and '"' in line
    if quoted and _opens_a_quote(line):
        return "opens a quote that its line does not close"
    if len(line) > LONGEST_ROW:
        return f"is {len(line):,} characters long, and no value of a graph is: was a quote left open?"
    if quoted:
        return None
    count = line.count(delimiter) + 1
    return None if count == num_columns else f"has the wrong number of values ({count} for {num_columns} columns)"


def _opens_a_quote(line: str) -> bool:
    try:
        list(csv.reader([line], strict=True))
    except csv.Error as error:
        return _OPEN_QUOTE in str(error)
    return False
