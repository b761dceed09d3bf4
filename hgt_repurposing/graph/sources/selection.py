"""Which rows of a file of external pairs count, and which of them are known negatives.

Rejected: a column or a value that is named but absent, and a row to keep without a readable date where dates are asked
for. Row numbers in errors are those of the file: lines with the header as row 1, or rows of a Parquet file from 1.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.naming import did_you_mean, listed_names
from hgt_repurposing.graph.schema import BoolArray, IntArray
from hgt_repurposing.graph.sources.cleaning import first_row_where
from hgt_repurposing.graph.sources.external import ExternalFile, Period
from hgt_repurposing.graph.sources.text_columns import TextTable, read_text_columns


class SelectedRows(NamedTuple):
    """The rows of a file that count."""

    drugs: "pd.Series[str]"
    """As they are called in the file. Shape [num_selected], as all that follow."""
    diseases: "pd.Series[str]"
    negative: BoolArray
    """True for known negatives."""
    row_numbers: IntArray
    """Numbers of the rows in the file."""
    num_rows: int
    """Rows of the file."""
    num_not_kept: int
    """Rows without a value to keep."""
    num_not_after: int
    """Other rows that are not dated later than the given day."""


def selected_rows(file: ExternalFile) -> SelectedRows:
    """Read a file and select its rows.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is empty or malformed, lacks a column or a value that is named, has a row without a readable
            date, or no row is left.
    """
    table = read_text_columns(
        Path(file.path).expanduser(), (file.drug_column, file.disease_column), sparse=file.selecting
    )
    num_rows = len(table.columns)
    kept = np.ones(num_rows, dtype=bool)
    for column, values in file.keep.items():
        kept &= _has_one_of(table, column, values, setting="keep")
    if not kept.any():
        wanted = " and ".join(f"{' or '.join(map(repr, values))} in column {c!r}" for c, values in file.keep.items())
        raise ValueError(f"{table.path}: no row to keep has {wanted} (setting `keep`)")
    negative = np.zeros(num_rows, dtype=bool)
    for column, values in file.negative.items():
        negative |= _has_one_of(table, column, values, setting="negative")
    late = _later(table, kept, file)
    rows = np.flatnonzero(kept & late)
    return SelectedRows(
        drugs=table.columns[file.drug_column].iloc[rows].astype("str"),
        diseases=table.columns[file.disease_column].iloc[rows].astype("str"),
        negative=negative[rows],
        row_numbers=table.row_numbers[rows],
        num_rows=num_rows,
        num_not_kept=int(np.sum(~kept)),
        num_not_after=int(np.sum(kept & ~late)),
    )


def _has_one_of(table: TextTable, column: str, values: Sequence[str], *, setting: str) -> BoolArray:
    """Whether each row has one of these values. Shape [num_rows].

    Raises:
        ValueError: If a value does not occur.
    """
    there = set(table.columns[column].cat.categories)
    for value in values:
        if value not in there:
            raise ValueError(
                f"{table.path}: no row has {value!r} in column {column!r} (setting `{setting}`)"
                f"{did_you_mean(value, there)}; values found: {listed_names(there) or 'none'}"
            )
    return np.asarray(table.columns[column].isin(values), dtype=bool)


def _later(table: TextTable, kept: BoolArray, file: ExternalFile) -> BoolArray:
    """Whether each row is surely dated later than asked for; all are if nothing is asked. Shape [num_rows].

    Raises:
        ValueError: If a row to keep has no readable date, or none is later.
    """
    if not file.after:
        return np.ones(len(kept), dtype=bool)
    after, column = Period.of(file.after).last, table.columns[file.date_column]
    missing: BoolArray = np.asarray(column.isna(), dtype=bool) & kept
    if missing.any():
        row = first_row_where(missing, table.first_row)
        raise ValueError(
            f"{table.path}: row {row} has no value in column {file.date_column!r}: leave the row out, or date it"
        )
    periods: dict[str, Period] = {}
    for text in pd.unique(column[kept].astype("str")):
        try:
            periods[text] = Period.of(text)
        except ValueError as error:
            row = first_row_where(np.asarray(column == text, dtype=bool) & kept, table.first_row)
            raise ValueError(f"{table.path}: row {row}, column {file.date_column!r}: {error}") from None
    late = [text for text, period in periods.items() if period.first > after]
    if not late:
        latest = max(periods, key=lambda text: periods[text].last)
        raise ValueError(f"{table.path}: no row is dated after {file.after} (the latest is dated {latest})")
    return np.asarray(column.isin(late), dtype=bool)
