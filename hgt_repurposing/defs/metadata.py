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

from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.benchmark.trust import MOST_PROBABLE, Calibration
from hgt_repurposing.benchmark.whole_grid import WholeGrid, behind
from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.report.grid_plots import plot_observed_over_expected
from hgt_repurposing.report.png import to_png
from hgt_repurposing.report.whole_grid import grid_rows, score_parts, settings_table

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


def decision_metadata(decision: Decision) -> dict[str, Any]:
    """What was decided about a release, and why. Any: text and Dagster's metadata."""
    return {
        "decision": "promoted" if decision.promoted else "kept aside",
        "reason": decision.reason,
        "against": decision.against or "no release before",
        "objections": "; ".join(decision.objections) or "none",
        "how_compared": " ".join(decision.notes) or "not compared",
        "comparisons": preview(pd.DataFrame(decision.comparisons)),
        "list_changes": preview(decision.list_changes),
        "num_list_changes": number(len(decision.list_changes)),
    }


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


def whole_grid_numbers(found: WholeGrid | None) -> dict[str, dg.MetadataValue[Any]]:
    """What was measured on the whole grid, with a table and a plot by setting; nothing if it was not."""
    if found is None:
        return {}
    leads, rows = found.headline_leads, grid_rows(found)
    return {
        **{f"whole_grid_{lead.metric}": number(lead.own) for lead in leads},
        **{f"whole_grid_{lead.metric}_lead": number(lead.mean) for lead in leads},
        "whole_grid_behind": dg.MetadataValue.text(", ".join(behind(found)) or "nowhere"),
        "assumption": dg.MetadataValue.text(found.assumed),
        "by_setting": preview(settings_table(found)),
        "observed_over_expected": picture(lambda ax: plot_observed_over_expected(rows, ax=ax)),
    }


def calibration_numbers(found: Calibration) -> dict[str, dg.MetadataValue[Any]]:
    """Calibration error, and observed/expected of the whole grid, every setting and the most probable pairs."""
    parts = {**found.settings, MOST_PROBABLE: found.top}
    return {
        "expected_calibration_error": number(found.error),
        "observed_over_expected": number(found.whole.ratio),
        **{f"observed_over_expected_{name.replace(' ', '_')}": number(part.ratio) for name, part in parts.items()},
    }


def made_of(table: pd.DataFrame) -> dict[str, dg.MetadataValue[Any]]:
    """What the scores of each setting are blended from, and where baselines alone are.

    Args:
        table: As of `RepurposingModel.parts_of_score`.
    """
    found = score_parts(table)
    rows = [{"setting": parts.setting, "learned": parts.of_learned, "baselines": parts.of_baselines} for parts in found]
    alone = [parts.setting for parts in found if parts.baselines_alone]
    return {
        "score_is_made_of": preview(pd.DataFrame(rows, columns=["setting", "learned", "baselines"])),
        "baselines_alone_in": dg.MetadataValue.text(", ".join(alone) or "no setting"),
    }


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
