"""Columns are read as text alike from Parquet and from delimited files."""

from pathlib import Path

import pandas as pd
import pytest

from hgt_repurposing.graph.sources.text_columns import read_text_columns

TABLE = pd.DataFrame({"a": ["x", " y", "x"], "b": [1, 2, 3], "c": [4.0, None, 5.0]})
every_format = pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])


def write(folder: Path, ending: str, table: pd.DataFrame) -> Path:
    path = folder / f"table{ending}"
    if ending == ".parquet":
        table.to_parquet(path)
    else:
        table.astype({"c": "Int64"}).to_csv(path, index=False, sep="," if ending == ".csv" else "\t")
    return path


@every_format
def test_values_are_trimmed_text_and_integers_stay_integers(tmp_path: Path, ending: str) -> None:
    found = read_text_columns(write(tmp_path, ending, TABLE), ["b", "a"], sparse=["c", "a"])
    assert found.columns.astype("object").where(found.columns.notna(), None).to_dict("list") == {
        "b": ["1", "2", "3"],
        "a": ["x", "y", "x"],
        "c": ["4", None, "5"],
    }
    assert (found.columns.dtypes == "category").all()


@every_format
def test_rows_are_numbered_as_in_the_file(tmp_path: Path, ending: str) -> None:
    found = read_text_columns(write(tmp_path, ending, TABLE), ["a"])
    assert found.row_numbers.tolist() == ([1, 2, 3] if ending == ".parquet" else [2, 3, 4])


@every_format
def test_a_value_may_be_missing_in_a_sparse_column_only(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path, ending, TABLE)
    with pytest.raises(ValueError, match=r"row [23] has no value in column 'c'"):
        read_text_columns(path, ["c"])
    with pytest.raises(ValueError, match=r"row [23] has no value in column 'c'"):
        read_text_columns(path, ["c"], sparse=["c"])


@every_format
def test_a_column_that_is_absent_is_named_with_the_one_that_was_meant(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path, ending, TABLE.rename(columns={"a": "area"}))
    with pytest.raises(ValueError, match=r"column 'areas' is missing; columns found: 'area', 'b', 'c'.*'area'"):
        read_text_columns(path, ["b"], sparse=["areas"])
