"""Read columns of a table as text, from Parquet or from a delimited file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import is_float_dtype

from hgt_repurposing.graph.naming import did_you_mean
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.sources.cleaning import cleaned, first_row_where
from hgt_repurposing.graph.sources.delimited import FIRST_ROW, read_columns
from hgt_repurposing.graph.sources.files import listed, require_file


class TextTable(NamedTuple):
    """Columns of a file, as they were read."""

    columns: pd.DataFrame
    """Categoricals of text. Shape [num_rows, num_columns]."""
    first_row: int
    """Number of the first row in the file: lines of a delimited file, the header being 1, or rows of Parquet from 1."""
    path: Path

    @property
    def row_numbers(self) -> IntArray:
        """Number of each row in the file. Shape [num_rows]."""
        return np.arange(len(self.columns)) + self.first_row


def read_text_columns(
    path: Path,
    columns: Sequence[str],
    *,
    sparse: Sequence[str] = (),
    optional: Sequence[str] = (),
    others: bool = False,
) -> TextTable:
    """Read these columns as text; white space around values is trimmed and counted in the log.

    Args:
        path: `.parquet`, or a delimited file for `read_columns`.
        columns: Must exist and have a value in every row; a blank one is missing.
        sparse: Must exist, but may be missing in some rows; those among `columns` may not.
        optional: May be absent, or missing in some rows.
        others: Whether all other columns that have a name are optional, too.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is empty, malformed, or lacks a column or a value.
    """
    sparse = [column for column in sparse if column not in columns]
    if path.suffix != ".parquet":
        return TextTable(read_columns(path, columns, sparse=sparse, optional=optional, others=others), FIRST_ROW, path)
    require_file(path)
    try:
        table = pd.read_parquet(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path}: cannot be read as Parquet ({error})") from error
    absent = [column for column in (*columns, *sparse) if column not in table]
    if absent:
        there = list(map(str, table))
        raise ValueError(
            f"{path}: column {absent[0]!r} is missing; columns found: {listed(there)}{did_you_mean(absent[0], there)}"
        )
    if table.empty:
        raise ValueError(f"{path}: no rows")
    further = map(str, table) if others else optional
    wanted = [*columns, *sparse, *(column for column in further if column in table)]
    texts = _as_texts({column: table[column] for column in dict.fromkeys(wanted)})
    texts = cleaned(texts, file=path, first_row=1)
    for column in columns:
        missing = texts[column].isna().to_numpy()
        if missing.any():
            raise ValueError(f"{path}: row {first_row_where(missing, 1)} has no value in column {column!r}")
    return TextTable(texts, 1, path)


def _as_texts(columns: Mapping[str, "pd.Series[Any]"]) -> pd.DataFrame:  # Any: columns of any type
    """Columns as categorical text; integers stay integers though a missing one made them floats."""
    texts = {}
    for name, column in columns.items():
        whole = is_float_dtype(column) and bool((column.dropna() % 1 == 0).all())
        texts[name] = (column.astype("Int64") if whole else column).astype("str").astype("category")
    return pd.DataFrame(texts, copy=False)
