"""Core values to Dagster metadata: numbers that serialise, preview tables, pictures."""

import base64
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import dagster as dg
import pandas as pd
from matplotlib.axes import Axes

from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.report.png import to_png

PREVIEW_ROWS = 20


def number(value: Any) -> dg.MetadataValue[Any]:
    """A number as metadata; numpy's own scalars would fail only after the step has run. Any: some number."""
    if isinstance(value, Integral):
        return dg.MetadataValue.int(int(value))
    if isinstance(value, Real):
        return dg.MetadataValue.float(float(value))
    raise TypeError(f"not a number: {value!r}")


def preview(table: pd.DataFrame, *, rows: int = PREVIEW_ROWS) -> dg.MetadataValue[Any]:
    """The first rows of a table, as Markdown."""
    cells = [[_cell(value) for value in row] for row in table.head(rows).itertuples(index=False)]
    lines = [[str(name) for name in table.columns], ["---"] * table.shape[1], *cells]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in lines))


def picture(draw: Callable[[Axes], Axes]) -> dg.MetadataValue[Any]:
    """A small PNG inside Markdown, for Dagster has no image type; it stays in the event log for ever."""
    encoded = base64.b64encode(to_png(draw, width=6, height=3.6, dpi=80)).decode()
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{encoded})")


def validation_numbers(report: ValidationReport) -> dict[str, dg.MetadataValue[Any]]:
    """The measures that decide whether embeddings collapsed; those that could not be taken are left out."""
    measured = {
        "mean_cosine_similarity": report.overall.mean_cosine,
        "components_for_90_percent": report.overall.num_components,
        "components_within_a_type": report.within_type_components,
        "type_separation": report.type_separation,
        "non_finite_rows": report.overall.num_non_finite,
        "missing_rows": report.overall.num_missing,
    }
    return {name: number(value) for name, value in measured.items() if value is not None}


def _cell(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
