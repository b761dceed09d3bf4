"""Core values as Dagster shows them: every cell is something that JSON knows."""

import json
import math

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.defs.metadata import column_schema, made_of, preview, whole_grid_numbers
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing_tests.benchmark.grids_by_hand import whole_grid
from hgt_repurposing_tests.report.test_whole_grid import PARTS

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


def test_the_whole_grid_is_shown_with_its_leads_and_a_row_for_every_setting() -> None:
    found = whole_grid_numbers(whole_grid(num_positives={"cold pair": 0}))
    assert found["whole_grid_auroc"].value == 0.9
    assert found["whole_grid_average_precision_lead"].value == pytest.approx(0.1)
    assert found["whole_grid_behind"].value == "nowhere"
    assert str(found["assumption"].value).startswith("It is assumed that the graph misses 10%")
    table = found["by_setting"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data["setting"] for record in table.records] == [
        "whole grid", "warm pair", "cold disease", "cold drug", "cold pair",
    ]  # fmt: skip
    assert table.records[-1].data["auroc"] is None
    assert str(found["observed_over_expected"].value).startswith("![plot](data:image/png;base64,")


def test_settings_in_which_the_model_is_behind_are_named() -> None:
    found = whole_grid_numbers(whole_grid(lead=-0.1, num_positives=dict.fromkeys(("cold drug", "cold pair"), 0)))
    assert found["whole_grid_behind"].value == (
        "whole grid, auroc, whole grid, average_precision, warm pair, auroc, warm pair, average_precision, "
        "cold disease, auroc, cold disease, average_precision"
    )


def test_without_the_whole_grid_nothing_is_shown_of_it() -> None:
    assert whole_grid_numbers(None) == {}


def test_what_scores_are_made_of_is_a_row_per_setting_and_baselines_alone_are_named() -> None:
    found = made_of(PARTS)
    table = found["score_is_made_of"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data for record in table.records] == [
        {"setting": "warm pair", "learned": "nothing", "baselines": "drug kNN 60 %; baselines, stacked 40 %"},
        {"setting": "cold pair", "learned": "trees 75 %; linear 25 %", "baselines": "nothing"},
    ]
    assert found["baselines_alone_in"].value == "warm pair"
    assert made_of(PARTS[PARTS["setting"] == "cold pair"])["baselines_alone_in"].value == "no setting"
