"""Core values as Dagster shows them: every cell is something that JSON knows."""

import json
import math

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.defs.metadata import column_schema, preview
from hgt_repurposing.embeddings.table import Embeddings

TABLE = pd.DataFrame(
    {
        "disease_id": ["007", None],
        "edge_type": [("drug", "treats", "disease"), "a|b"],
        "rank": np.array([1, 2], dtype=np.int32),
        "score": np.array([0.123456, np.nan], dtype=np.float32),
        "ratio": [math.inf, 12345.6],
        "known": [True, False],
    }
)


def test_a_column_has_the_type_of_its_numbers() -> None:
    assert {column.name: column.type for column in column_schema(TABLE).columns} == {
        "disease_id": "string",
        "edge_type": "string",
        "rank": "int",
        "score": "float",
        "ratio": "float",
        "known": "bool",
    }


def test_a_preview_holds_plain_values_and_leaves_blank_what_is_missing() -> None:
    first, second = (dict(record.data) for record in preview(TABLE).records)
    assert first == {
        "disease_id": "007",
        "edge_type": "('drug', 'treats', 'disease')",
        "rank": 1,
        "score": 0.1235,
        "ratio": "inf",
        "known": True,
    }
    assert second == {
        "disease_id": None,
        "edge_type": "a|b",
        "rank": 2,
        "score": None,
        "ratio": 12350.0,
        "known": False,
    }
    assert json.loads(json.dumps([first, second], allow_nan=False)) == [first, second]


@pytest.mark.parametrize(("rows", "shown"), [(0, 0), (1, 1), (5, 2)])
def test_a_preview_has_no_more_rows_than_asked_for_and_all_columns(rows: int, shown: int) -> None:
    made = preview(TABLE, rows=rows)
    assert isinstance(made, dg.TableMetadataValue)
    assert len(made.records) == shown
    assert [column.name for column in made.schema.columns] == list(TABLE.columns)


def test_a_preview_of_nothing_keeps_its_columns() -> None:
    made = preview(TABLE.iloc[:0])
    assert (made.records, made.schema) == ([], column_schema(TABLE))


def test_the_columns_of_embeddings_are_those_on_disk() -> None:
    nodes = pd.DataFrame({"node_id": ["1"], "node_type": ["drug"], "node_name": ["Velotinib"]})
    embeddings = Embeddings(nodes, np.ones((1, 2), dtype=np.float32))
    on_disk = embeddings.to_parts()["hgt_embeddings.parquet"]
    assert column_schema(embeddings.to_table(rows=0)) == column_schema(on_disk)
    assert [column.name for column in column_schema(on_disk).columns] == [*nodes.columns, "emb_0", "emb_1"]
