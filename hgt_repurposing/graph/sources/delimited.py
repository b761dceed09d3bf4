"""Reads columns of a delimited text file as dictionary-encoded text, and says in one sentence what is wrong with it.

Every value is text: an id `007` stays `007`. Row numbers in errors are line numbers of the file, the header being 1 and
blank lines not counted. No value spans lines: a quote that was left open would swallow the rows behind it.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from hgt_repurposing.graph.schema import BoolArray

FIRST_ROW = 2
"""Line on which the first row below the header stands."""

_GZIP_MAGIC = b"\x1f\x8b"
_HEADER_BYTES = 1 << 16
_LISTED = 500  # characters: a binary file is one long column name


def find_file(folder: Path, names: Sequence[str]) -> Path:
    """Return the first of these files that the folder holds.

    Raises:
        FileNotFoundError: If the folder does not exist or holds none of them.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder (looked there for {_listed(names)})")
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder}: holds no file named {_listed(names)}")


def read_columns(path: Path, columns: Sequence[str], *, optional: Sequence[str] = ()) -> pd.DataFrame:
    """Read these columns, and those of the optional ones that exist, as categoricals.

    Args:
        path: `.csv` is separated by commas, every other name by tabs; `.gz` behind either is unpacked.
        columns: Must exist and have a value in every row.
        optional: May be absent, or empty in some rows (missing there).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is empty, malformed, not UTF-8, or lacks a column or a value.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    found = _header(path)
    absent = [column for column in columns if column not in found]
    if absent:
        raise ValueError(f"{path}: column {absent[0]!r} is missing; columns found: {_listed(found)[:_LISTED]}")
    table = _read(path, [*columns, *(column for column in optional if column in found)])
    for column in columns:
        missing = table[column].isna().to_numpy()
        if missing.any():
            raise ValueError(f"{path}: row {_first_row(missing)} has no value in column {column!r}")
    for column in map(str, table):
        values = table[column].cat
        broken = values.categories.str.contains("\n", regex=False)
        if broken.any():
            row = _first_row(np.isin(values.codes, np.flatnonzero(broken)))
            raise ValueError(f"{path}: row {row} has a line break in column {column!r}: was a quote left open?")
    return table


def _first_row(offending: BoolArray) -> int:
    return int(offending.argmax()) + FIRST_ROW


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    text = pa.dictionary(pa.int32(), pa.string())
    convert = pa.csv.ConvertOptions(
        include_columns=columns,
        column_types=dict.fromkeys(columns, text),
        null_values=[""],  # a gene may be called NA
        strings_can_be_null=True,
    )
    parse = pa.csv.ParseOptions(delimiter=_delimiter(path))
    try:
        return _parse(path, parse, convert)
    except pa.ArrowInvalid:
        # Reading once more, in one thread, is the only way to learn the number of the offending row.
        try:
            return _parse(path, parse, convert, use_threads=False)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path}: {_reason(error)}") from error
    except OSError as error:
        raise ValueError(f"{path}: cannot be unpacked ({_reason(error)})") from error


def _parse(path: Path, parse: object, convert: object, *, use_threads: bool = True) -> pd.DataFrame:
    read = pa.csv.ReadOptions(use_threads=use_threads)
    table = pa.csv.read_csv(str(path), read_options=read, parse_options=parse, convert_options=convert)
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    return frame


def _header(path: Path) -> list[str]:
    """Column names of the first line."""
    with path.open("rb") as raw:
        magic = raw.read(len(_GZIP_MAGIC))
    if magic and path.suffix == ".gz" and magic != _GZIP_MAGIC:
        raise ValueError(f"{path}: is named .gz but is not gzip-compressed")
    try:
        with pa.input_stream(str(path)) as stream:
            line, _, rest = stream.read(_HEADER_BYTES).partition(b"\n")
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: row 1 is not UTF-8 text ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise ValueError(f"{path}: cannot be unpacked ({_reason(error)})") from error
    if not text.strip():
        raise ValueError(f"{path}: the file is empty, or begins with an empty line")
    if not rest.strip():
        raise ValueError(f"{path}: there is no row below the header")
    return next(csv.reader([text], delimiter=_delimiter(path)))


def _delimiter(path: Path) -> str:
    return "," if path.name.removesuffix(".gz").endswith(".csv") else "\t"


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
