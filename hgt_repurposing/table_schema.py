"""Validate tables against a schema; violations are reported in one sentence."""

import pandas as pd
from pandas.api.types import is_string_dtype
from pandera.errors import SchemaError, SchemaErrorReason
from pandera.pandas import Check, Column, DataFrameSchema


def text(*checks: Check) -> Column:
    """A text column without missing values, of any pandas string type."""
    return Column(checks=[Check(is_string_dtype, error="hold text"), *checks])


def require_schema(table: pd.DataFrame, schema: DataFrameSchema, *, what: str) -> None:
    """Check a table against a schema.

    Args:
        table: Not modified.
        schema: Its checks complete the sentence "column 'rank' must …" by their `error`.
        what: The table's name in that sentence.

    Raises:
        ValueError: If the table violates the schema; states column, rule and value, with rows counted from 1.
    """
    table = table.reset_index(drop=True)  # pandera fails on duplicate index labels
    try:
        schema.validate(table)
    except SchemaError as error:
        raise ValueError(f"{what}{_said(error, table, schema)}") from None


def _said(error: SchemaError, table: pd.DataFrame, schema: DataFrameSchema) -> str:
    if error.reason_code is SchemaErrorReason.COLUMN_NOT_IN_DATAFRAME:
        wanted = [str(name) for name, column in schema.columns.items() if column.required]
        return f" must have the columns {', '.join(wanted)} (got none called {error.failure_cases!r})"
    if error.reason_code is SchemaErrorReason.DUPLICATES:
        names = [str(name) for name in schema.unique or ()]
        row = int(table.duplicated(names).argmax())
        twice = ", ".join(map(str, table.loc[row, names]))
        return f" must have each {', '.join(names)} once (got {twice} again in row {row + 1})"
    name = error.schema.name
    if error.reason_code is SchemaErrorReason.WRONG_DATATYPE:
        return f": column {name!r} must be {error.schema.dtype} (got {table[name].dtype})"
    if error.reason_code is SchemaErrorReason.SERIES_CONTAINS_NULLS:
        return f": column {name!r} must have no missing value (got one in row {int(table[name].isna().argmax()) + 1})"
    if error.reason_code is SchemaErrorReason.INVALID_COLUMN_NAME:
        return f" must have a column whose name fits {name!r} (got {', '.join(map(str, table.columns))})"
    return f": column {name!r} must {error.check.error} (got {_first_failure(error, table)})"


def _first_failure(error: SchemaError, table: pd.DataFrame) -> str:
    if not isinstance(error.failure_cases, pd.DataFrame):
        return str(table[error.schema.name].dtype)
    first = error.failure_cases.iloc[0]
    value = first["failure_case"]
    return f"{repr(value) if isinstance(value, str) else value} in row {int(first['index']) + 1}"
