"""Whatever is wrong with a table is said in one sentence: the column, the rule and the value."""

import re

import numpy as np
import pandas as pd
import pytest
from pandera.pandas import Check, Column, DataFrameSchema

from hgt_repurposing.table_schema import require_schema, text

SCHEMA = DataFrameSchema(
    {
        "name": text(Check.isin(("a", "b"), error="be a or b")),
        "rank": Column("int64", Check.ge(1, error="be at least 1")),
        "^score_": Column("float64", regex=True, required=False, nullable=True),
    },
    unique=["name", "rank"],
)
GOOD = pd.DataFrame({"name": ["a", "b", "a"], "rank": [1, 1, 2], "score_x": [0.5, np.nan, 1.0]})


@pytest.mark.parametrize(
    "table",
    [
        GOOD,
        GOOD.iloc[:0],
        GOOD.drop(columns="score_x"),
        GOOD.assign(further="x"),
        GOOD.astype({"name": object}),
        GOOD.set_index(pd.Index([7, 7, 7])),
    ],
    ids=["whole", "without rows", "without what it may lack", "with more", "text as objects", "labels that repeat"],
)
def test_a_table_that_is_as_it_should_be_passes(table: pd.DataFrame) -> None:
    before = table.copy()
    require_schema(table, SCHEMA, what="a list")
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (GOOD.drop(columns="rank"), "a list must have the columns name, rank (got none called 'rank')"),
        (GOOD.assign(rank=[1, 0, 2]), "a list: column 'rank' must be at least 1 (got 0 in row 2)"),
        (GOOD.assign(rank=[1.0, 1.0, 2.0]), "a list: column 'rank' must be int64 (got float64)"),
        (GOOD.assign(score_x="high"), "a list: column 'score_x' must be float64 (got str)"),
        (GOOD.assign(name=[1, 2, 3]), "a list: column 'name' must hold text (got int64)"),
        (
            GOOD.assign(name=GOOD["name"].where(GOOD.index < 2)),
            "a list: column 'name' must have no missing value (got one in row 3)",
        ),
        (GOOD.assign(name=["a", "c", "a"]), "a list: column 'name' must be a or b (got 'c' in row 2)"),
        (GOOD.assign(rank=1), "a list must have each name, rank once (got a, 1 again in row 3)"),
        (
            GOOD.assign(rank=[1, 1, -1]).set_index(pd.Index([7, 7, 7])),
            "a list: column 'rank' must be at least 1 (got -1 in row 3)",
        ),
    ],
)
def test_a_table_that_is_not_is_refused_in_one_sentence(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        require_schema(table, SCHEMA, what="a list")


def test_a_column_of_a_pattern_that_is_not_there_is_named() -> None:
    wanted = DataFrameSchema({"^found_at_": Column("float64", regex=True)})
    said = "a list must have a column whose name fits '^found_at_' (got name, rank, score_x)"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        require_schema(GOOD, wanted, what="a list")
