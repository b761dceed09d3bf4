"""Schemas of an evaluation's tables: fixed key columns, any number of metrics."""

from collections.abc import Mapping

import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema

from hgt_repurposing.benchmark.protocol import FOLD, REPEAT, SCORER, SPLIT, SUITE
from hgt_repurposing.table_schema import require_schema, text

_NOT_NEGATIVE = Check.ge(0, error="be at least 0")
_SHARE = Check.in_range(0, 1 + 1e-9, error="be between 0 and 1")  # a normalised entropy may round to above 1
_INDEX = Column("int64", _NOT_NEGATIVE)
_KEY = {SPLIT: text(), SCORER: text(), REPEAT: _INDEX, FOLD: _INDEX}

_METRIC = "^(?!num_)(?!({})$)".format("|".join((SUITE, *_KEY)))
"""Every other column of the folds except counts."""

SCHEMAS: Mapping[str, DataFrameSchema] = {
    "folds": DataFrameSchema(
        {
            **_KEY,
            SUITE: text(),
            _METRIC: Column("float64", regex=True, required=False, nullable=True),
            "^num_": Column("int64", _NOT_NEGATIVE, regex=True, required=False),
        },
        unique=[SPLIT, SUITE, SCORER, REPEAT, FOLD],
    ),
    "diseases": DataFrameSchema(
        {**_KEY, "disease": _INDEX, "average_precision": Column("float64", _SHARE)},
        unique=[SPLIT, SCORER, REPEAT, FOLD, "disease"],
    ),
    "trust": DataFrameSchema(
        {
            SPLIT: text(),
            "spearman_with_degree": Column("float64", nullable=True),
            "drug_entropy": Column("float64", _SHARE),
            "top_10_overlap": Column("float64", _SHARE, nullable=True),
        },
        unique=[SPLIT],
    ),
    "frequent": DataFrameSchema(
        {
            "kind": text(Check.isin(("drug", "disease"), error="be drug or disease")),
            "name": text(),
            "num_lists": Column("float64", _NOT_NEGATIVE),
        }
    ),
}
"""By name of the table in `Evaluation`."""


def _of_grid(case: str) -> dict[str, DataFrameSchema]:
    """Schemas of what is measured on the whole grid, in cases told apart by this column."""
    key = {case: text(), FOLD: _INDEX, SCORER: text()}
    values = {
        "auroc.*|average_precision|macro_ap.*": Column("float64", _SHARE, regex=True, nullable=True),
        "found_at_.*|num_.*|expected": Column("float64", _NOT_NEGATIVE, regex=True, nullable=True),
    }
    of_positives = {
        "drug": _INDEX,
        "disease": _INDEX,
        "setting": text(),
        "weight": Column("float64", _NOT_NEGATIVE),
        "(placement|precision)(_in_setting)?": Column("float64", _SHARE, regex=True, nullable=True),
    }
    return {
        "scorers": DataFrameSchema({**key, "setting": text(), **values}, unique=[case, FOLD, SCORER, "setting"]),
        "positives": DataFrameSchema({**key, **of_positives}, unique=[case, FOLD, SCORER, "drug", "disease"]),
    }


NEW_DISEASES_SCHEMA = DataFrameSchema(
    {
        FOLD: _INDEX,
        "disease": _INDEX,
        "held_out": Column("float64", _SHARE),
        "as_new": Column("float64", _SHARE),
    },
    unique=["disease"],
)
"""Of diseases that are ranked as held out and as new."""
DEPLOYMENT_SCHEMAS: Mapping[str, DataFrameSchema] = {
    **_of_grid("assumption"),
    "bins": DataFrameSchema(
        {
            "assumption": text(),
            FOLD: _INDEX,
            "bin": _INDEX,
            "lowest": Column("float64", _SHARE),
            "(expected|observed|num_cells)": Column("float64", _NOT_NEGATIVE, regex=True),
        },
        unique=["assumption", FOLD, "bin"],
    ),
}
"""By name of the table in `WholeGrid`."""
EXTERNAL_SCHEMAS: Mapping[str, DataFrameSchema] = {
    **_of_grid("file"),
    "files": DataFrameSchema({"file": text(), "num_.*": Column("int64", _NOT_NEGATIVE, regex=True)}, unique=["file"]),
}
"""By name of the table in `ExternalResults`."""


def require_tables(tables: Mapping[str, pd.DataFrame]) -> None:
    """Check the tables of an evaluation, given by name.

    Raises:
        ValueError: If one violates its schema.
    """
    for name, schema in SCHEMAS.items():
        require_schema(tables[name], schema, what=f"the evaluation's table {name!r}")
