"""Find which row of a delimited file cannot be read, and why: a line-by-line scan after the fast reader failed.

The fast reader works in blocks and threads and reports neither.
"""

import csv
import io
from pathlib import Path

import pyarrow as pa

LONGEST_ROW = 1 << 20
"""Block size of the fast reader in bytes; a longer line may not fit, and is not a row of a graph."""

_OPEN_QUOTE = "unexpected end of data"  # the csv module's message


def unreadable_row(path: Path, *, delimiter: str, num_columns: int) -> str | None:
    """Describe the first row that is not text, is too long or has a wrong number of columns; None if there is none."""
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
        return "opens a quote that is not closed on the same line"
    if len(line) > LONGEST_ROW:
        return f"is {len(line):,} characters long, too long for a row of a graph: was a quote left open?"
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
