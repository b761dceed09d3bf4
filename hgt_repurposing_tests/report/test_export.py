"""Files of candidate lists: read back by other programs, with where they come from, and no formula in them."""

import csv
import io
import json
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow.parquet
import pytest

from hgt_repurposing.graph.attributes import attributes_of, no_attributes
from hgt_repurposing.graph.sources.published import title_of
from hgt_repurposing.report import export
from hgt_repurposing.report.export import FOR_RESEARCH, Links, Source, as_csv, as_json, with_attributes, write_rows
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing_tests.repurposing.lists import candidates_of

SOURCE = Source("20261127T120000Z-run", "Hetionet", "abc", "see there", "drugs for gout", "all")
FORMULAS = ("=cmd()", "+1", "-1", "@x", "\tx")
ROWS = pd.DataFrame(
    {
        "rank": [1, 2, 3, 4, 5],
        "drug_id": ["DB00945", "D2", "D3", "D4", "D5"],
        "drug_name": FORMULAS,
        "disease_id": ["DOID:1"] * 5,
        "score": [0.9, 0.5, 0.5, 0.1, 1 / 3],
        "contraindication_score": [0.1, float("nan"), 0.3, 0.2, 0.1],
        "known": [True, False, False, False, False],
    }
)
LINKS = Links(no_attributes())


def test_a_csv_says_where_it_comes_from_in_every_row_and_holds_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(ROWS, SOURCE))))
    assert [row["drug_name"] for row in rows] == [f"'{name}" for name in FORMULAS]
    assert [float(row["score"]) for row in rows] == ROWS["score"].tolist()
    for row in rows:
        assert {name: row[name] for name in SOURCE.of_every_row} == SOURCE.of_every_row
    hostile = as_csv(ROWS.rename(columns={"rank": "=x"}), SOURCE._replace(release="=y"))
    assert hostile.startswith("'=x,")
    assert ",'=y," in hostile


def test_pandas_reads_a_csv_without_any_option(tmp_path: Path) -> None:
    write_rows(tmp_path / "list.csv", ROWS, SOURCE, LINKS)
    found = pd.read_csv(tmp_path / "list.csv")
    pd.testing.assert_frame_equal(
        found[["rank", "drug_id", "score", "known"]], ROWS[["rank", "drug_id", "score", "known"]]
    )
    assert set(found["graph"]) == {"Hetionet"}


def test_json_says_it_once_with_links_and_leaves_texts_as_they_are() -> None:
    value = json.loads(as_json(ROWS, SOURCE, LINKS))
    assert {name: value[name] for name in SOURCE._fields} == SOURCE._asdict()
    assert [row["drug_name"] for row in value["rows"]] == list(FORMULAS)
    assert value["rows"][1]["contraindication_score"] is None
    assert value["rows"][0]["drug_link"] == "https://go.drugbank.com/drugs/DB00945"
    assert value["rows"][1]["drug_link"] is None


def test_parquet_says_it_in_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "new" / "list.parquet"
    write_rows(path, ROWS, SOURCE, LINKS)
    found = pd.read_parquet(path)
    pd.testing.assert_frame_equal(found, ROWS, check_dtype=False)
    assert found.attrs == SOURCE._asdict()
    metadata = pyarrow.parquet.read_schema(path).metadata
    assert metadata[b"licence"] == b"see there"
    assert metadata[b"note"] == FOR_RESEARCH.encode()


def test_a_workbook_has_the_rows_on_one_sheet_and_says_it_on_another(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    write_rows(path, ROWS, SOURCE, LINKS)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["candidates", "about"]
    names = [book["candidates"].cell(row, 3) for row in range(2, 7)]
    assert [cell.data_type for cell in names] == ["s"] * 5
    assert [cell.value for cell in names] == list(FORMULAS)
    about = dict(book["about"].iter_rows(values_only=True))
    assert {name: about[name] for name in SOURCE._fields} == SOURCE._asdict()
    found = pd.read_excel(path)  # the first sheet, without any option
    assert found["score"].tolist() == ROWS["score"].tolist()
    assert found["contraindication_score"].isna().tolist() == ROWS["contraindication_score"].isna().tolist()


def test_what_a_sheet_cannot_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MAX_SHEET_ROWS", 4)
    with pytest.raises(ValueError, match=r"a sheet holds 4 rows, and there are 5: choose fewer with --top, or write"):
        write_rows(tmp_path / "list.xlsx", ROWS, SOURCE, LINKS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["list.xls", "list"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"the ending must be one of .csv, .json, .parquet, .xlsx"):
        write_rows(tmp_path / name, ROWS, SOURCE, LINKS)


def test_attributes_are_columns_whatever_they_are_called() -> None:
    known = pd.DataFrame(
        [("drug", "D2", "odd", "a"), ("drug", "D2", "odd", "b"), ("disease", "DOID:1", None, None)],
        columns=["node_type", "node_id", "name", "class"],
    )
    lists = Candidates(candidates_of(listed()).table, candidates_of(listed()).by_drug, attributes_of(known))
    found = with_attributes(ROWS, lists)
    assert found["drug: class"].tolist() == ["", "a; b", "", "", ""]
    assert found["drug_name"].tolist() == list(FORMULAS)
    assert "disease: class" not in found


def listed() -> pd.DataFrame:
    return pd.DataFrame(
        {"disease_id": ["1"], "disease_name": ["a"], "rank": [1], "drug_id": ["D2"], "drug_name": ["b"], "score": [0.5]}
    ).assign(contraindication_score=0.5, known=False, status="new")


def test_a_graph_is_called_what_is_set_or_else_by_its_format() -> None:
    assert title_of({"source": "hetionet"}).name == "Hetionet"
    assert "CC0" in title_of({"source": "hetionet", "licence": "", "name": ""}).licence
    assert title_of({"source": "primekg"}).licence.startswith("see the publisher's licence")
    assert title_of({"source": "tables", "name": "ours", "licence": "internal"}) == ("ours", "internal")
    assert title_of({}) == ("graph without a name", "not stated")
