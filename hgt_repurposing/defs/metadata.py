"""Core values as Dagster metadata: numbers, preview tables, plots."""

import base64
import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.report.png import to_png

PREVIEW_ROWS = 20


def number(value: Any) -> dg.MetadataValue[Any]:
    """A number as metadata; NumPy scalars are converted, as they would fail after the step has run. Any: a number."""
    if isinstance(value, Integral):
        return dg.MetadataValue.int(int(value))
    if isinstance(value, Real):
        return dg.MetadataValue.float(float(value))
    raise TypeError(f"not a number: {value!r}")


def preview(table: pd.DataFrame, *, rows: int = PREVIEW_ROWS) -> dg.TableMetadataValue:
    """The first rows of a table; numbers to four digits, missing values blank."""
    names = [str(name) for name in table.columns]
    cells = table.head(rows).itertuples(index=False, name=None)
    records = [dg.TableRecord(dict(zip(names, map(_cell, row), strict=True))) for row in cells]
    return dg.MetadataValue.table(records, schema=column_schema(table))


def column_schema(table: pd.DataFrame) -> dg.TableSchema:
    """Names and Dagster types of a table's columns."""
    return dg.TableSchema([dg.TableColumn(str(name), _type(dtype)) for name, dtype in table.dtypes.items()])


def picture(draw: Callable[[Axes], Axes]) -> dg.MetadataValue[Any]:
    """A plot as a small PNG in Markdown, as Dagster has no image type; the event log keeps it forever."""
    encoded = base64.b64encode(to_png(draw, width=6, height=3.6, dpi=80)).decode()
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{encoded})")


def validation_numbers(report: ValidationReport) -> dict[str, dg.MetadataValue[Any]]:
    """The measures that decide whether embeddings collapsed; unavailable ones are left out."""
    measured = {
        "mean_cosine_similarity": report.overall.mean_cosine,
        "components_for_90_percent": report.overall.num_components,
        "components_within_a_type": report.within_type_components,
        "type_separation": report.type_separation,
        "non_finite_rows": report.overall.num_non_finite,
        "missing_rows": report.overall.num_missing,
    }
    return {name: number(value) for name, value in measured.items() if value is not None}


def _type(dtype: Any) -> str:
    """Dagster's name for a dtype. Any: a dtype of NumPy or pandas."""
    if is_bool_dtype(dtype):
        return "bool"
    if is_integer_dtype(dtype):
        return "int"
    return "float" if is_float_dtype(dtype) else "string"


def _cell(value: object) -> str | int | float | bool | None:
    """A JSON value: JSON has no NumPy scalars, NaN or infinity."""
    match value:
        case None:
            return None
        case bool() | np.bool_():
            return bool(value)
        case Integral():
            return int(value)
        case Real() if math.isnan(value):
            return None
        case Real() if math.isfinite(value):
            return float(f"{value:.4g}")
        case _:
            return str(value)
