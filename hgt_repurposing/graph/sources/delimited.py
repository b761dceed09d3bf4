"""Read columns of a delimited text file as dictionary-encoded text, and report in one sentence what is wrong with it.

Every value is text: an id `007` stays `007`. Row numbers in errors are line numbers of the file; the header is row 1
and blank lines are not counted. Lines may end in LF, CRLF or CR. In tab-separated files, quotes are ordinary characters
unless they enclose a whole value.

Repaired, counted and logged: white space around values and column names (`cleaning.py`); blank values become missing.

Rejected with the row: a missing required value; a control character; a value that spans lines, since an unclosed quote
would swallow the rows after it; a repeated header, as in concatenated files; text that is not UTF-8; a row with too
many or too few values, or too long. Rejected as a whole: a file with a missing or repeated column, with no rows below
the header, or with compression that does not match its name (`files.py`).
"""

import csv
import logging
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from hgt_repurposing.graph.sources.cleaning import cleaned, first_row_where, trimmed, unquoted
from hgt_repurposing.graph.sources.diagnosis import unreadable_row
from hgt_repurposing.graph.sources.files import listed, require_file
from hgt_repurposing.graph.sources.lines import CountedLines

FIRST_ROW = 2
"""Line number of the first row below the header."""

_HEADER_BYTES = 1 << 16
_LISTED = 500  # characters, as a binary file may be one long column name
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

_logger = logging.getLogger(__name__)


def read_columns(
    path: Path,
    columns: Sequence[str],
    *,
    sparse: Sequence[str] = (),
    optional: Sequence[str] = (),
    others: bool = False,
) -> pd.DataFrame:
    """Read these columns, and the optional ones that exist, as categoricals.

    Args:
        path: `.csv` is comma-separated, everything else tab-separated; either may end in `.gz`.
        columns: Must exist and have a value in every row.
        sparse: Must exist, but may be missing in some rows.
        optional: May be absent, or missing in some rows.
        others: Whether all other columns that have a name are optional, too.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is rejected, see above.
    """
    require_file(path)
    header = _header(path)
    absent = [column for column in (*columns, *sparse) if column not in header]
    if absent:
        hint = _meant(absent[0], header, path)
        raise ValueError(f"{path}: column {absent[0]!r} is missing; columns found: {listed(header)[:_LISTED]}{hint}")
    wanted = [*columns, *sparse, *(column for column in optional if column in header)]
    rest = [column for column in dict.fromkeys(header) if column and column not in wanted]
    if others:
        wanted += rest
    elif rest and optional:  # the table of a graph, whose other columns somebody may expect to be kept
        _logger.info("%s: columns that are not read: %s", path, listed(rest)[:_LISTED])
    for column in wanted:
        if header.count(column) > 1:
            raise ValueError(f"{path}: column {column!r} occurs {header.count(column)} times in the header")
    table = _read(path, header, wanted)
    table = cleaned(table, file=path, first_row=FIRST_ROW, unquote=_delimiter(path) == "\t")
    _require_one_header(table, path)
    for column in columns:
        missing = table[column].isna().to_numpy()
        if missing.any():
            raise ValueError(f"{path}: row {first_row_where(missing, FIRST_ROW)} has no value in column {column!r}")
    return table


def _meant(column: str, header: Sequence[str], path: Path) -> str:
    """A guess at what went wrong with the columns of a file."""
    others = {name: sign for sign, name in (("\t", "tabs"), (",", "commas"), (";", "semicolons"), ("|", "bars"))}
    if len(header) == 1:
        for name, sign in others.items():
            if sign in header[0] and sign != _delimiter(path):
                wanted = "commas" if _delimiter(path) == "," else "tabs"
                return f"; the file looks separated by {name}, but its name implies {wanted}"
    close = get_close_matches(column, header, n=1) or [name for name in header if name.casefold() == column]
    return f"; did you mean {close[0]!r}?" if close else ""


def _require_one_header(table: pd.DataFrame, path: Path) -> None:
    """Check that the header is not repeated; a single column may hold its own name by chance."""
    columns = list(map(str, table))
    if len(columns) == 1 or not all(column in table[column].cat.categories for column in columns):
        return
    again = np.logical_and.reduce([(table[column] == column).to_numpy() for column in columns])
    if again.any():
        row = first_row_where(again, FIRST_ROW)
        raise ValueError(f"{path}: row {row} repeats the header: were two files concatenated?")


def _read(path: Path, header: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    text = pa.dictionary(pa.int32(), pa.string())
    convert = pa.csv.ConvertOptions(
        include_columns=[str(header.index(column)) for column in columns],
        column_types={str(header.index(column)): text for column in columns},
        null_values=[""],  # a gene may be called NA
        strings_can_be_null=True,
    )
    delimiter = _delimiter(path)
    quotes = delimiter == ","  # in tab-separated files, `cleaned` handles them afterwards
    parse = pa.csv.ParseOptions(delimiter=delimiter, quote_char='"' if quotes else False, double_quote=quotes)
    # Columns are selected by index, so only the requested names must be unique.
    read = pa.csv.ReadOptions(column_names=[str(place) for place in range(len(header))], skip_rows=1)
    try:
        with CountedLines(path) as lines:
            table = pa.csv.read_csv(
                pa.PythonFile(lines, "r"), read_options=read, parse_options=parse, convert_options=convert
            )
    except pa.ArrowInvalid as error:
        row = unreadable_row(path, delimiter=delimiter, num_columns=len(header))
        raise ValueError(f"{path}: {row or _reason(error)}") from error
    except OSError as error:
        raise ValueError(f"{path}: cannot be unpacked ({_reason(error)})") from error
    if lines.num_lines != len(table) + 1:
        row = unreadable_row(path, delimiter=delimiter, num_columns=len(header))
        if row:
            raise ValueError(f"{path}: {row}")
    frame: pd.DataFrame = table.rename_columns(list(columns)).to_pandas(split_blocks=True, self_destruct=True)
    return frame


def _header(path: Path) -> list[str]:
    """Column names of the first line, without white space around them."""
    try:
        with pa.input_stream(str(path)) as stream:
            head = stream.read(_HEADER_BYTES)
    except OSError as error:
        raise ValueError(f"{path}: cannot be unpacked ({_reason(error)})") from error
    if head.startswith(_UTF16):
        raise ValueError(f"{path}: row 1 is not UTF-8 text but UTF-16: save the file as UTF-8")
    line, *rest = re.split(rb"\r\n|\n|\r", head, maxsplit=1)
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: row 1 is not UTF-8 text ({error.reason} at byte {error.start})") from error
    if "\0" in text:
        raise ValueError(f"{path}: row 1 has the control character U+0000: is this UTF-16, or a binary file?")
    if not text.strip():
        raise ValueError(f"{path}: the file is empty or begins with an empty line")
    if not (rest and rest[0].strip()):
        raise ValueError(f"{path}: no rows below the header")
    written = next(csv.reader([text])) if _delimiter(path) == "," else [unquoted(name) for name in text.split("\t")]
    names = [trimmed(name) for name in written]
    spaced = sum(name != as_written for name, as_written in zip(names, written, strict=True))
    if spaced:
        _logger.warning("%s: trimmed white space around %d column names", path, spaced)
    return names


def _delimiter(path: Path) -> str:
    return "," if path.name.removesuffix(".gz").endswith(".csv") else "\t"


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0]
