"""How files of external pairs are described in a configuration."""

import re
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from hgt_repurposing.graph.sources.external import ExternalFile, Period
from hgt_repurposing.graph.split import SplitConfig


def test_text_is_one_file_and_empty_text_none() -> None:
    assert SplitConfig().external_files == ()
    (file,) = SplitConfig(external_pairs="/a/approved.csv").external_files
    assert file == ExternalFile(path="/a/approved.csv")


def test_a_list_holds_paths_or_entries() -> None:
    config = SplitConfig.model_validate(
        {"external_pairs": ["/a/approved.csv", {"path": "/b", "keep": {"phase": [3, "4"]}}]}
    )
    assert [file.path for file in config.external_files] == ["/a/approved.csv", "/b"]
    assert config.external_files[1].keep == {"phase": ["3", "4"]}


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/a/b.csv", "b"),
        ("/a/b.tsv.gz", "b"),
        ("/a/b", "b"),
        ("/a/.b", ".b"),
        ("C:\\a\\b.csv", "b"),
        ("b.v2.csv", "b.v2"),
    ],
)
def test_results_are_named_after_the_file(path: str, label: str) -> None:
    assert ExternalFile(path=path).label == label
    assert ExternalFile(path=path, name="mine").label == "mine"


def test_columns_to_read_are_named_once() -> None:
    file = ExternalFile(path="a", keep={"x": ["1"], "y": ["2"]}, negative={"x": ["1"]}, date_column="y", after="2020")
    assert file.selecting == ("x", "y")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"path": ""}, "path: String should have at least 1 character"),
        ({}, "path: Field required"),
        ({"path": "a", "kep": {}}, "there is no setting 'kep' of a file: did you mean 'keep'?"),
        ({"path": "a", "zzz": 1}, "there is no setting 'zzz' of a file; settings: 'after', 'date_column', "),
        ({"path": "a", "ids": "id"}, "ids: Input should be 'ids' or 'names'"),
        ({"path": "a", "keep": {"c": []}}, "keep: name at least one value of column 'c'"),
        ({"path": "a", "keep": {"c": [""]}}, "keep: name at least one value of column 'c', and no empty ones"),
        ({"path": "a", "keep": {"c": "x"}}, "keep.c: Input should be a valid list"),
        ({"path": "a", "keep": {"c": [True]}}, "keep.c.0: Input should be a valid string"),
        ({"path": "a", "keep": ["c"]}, "keep: Input should be a valid dictionary"),
        ({"path": "a", "after": "2020"}, "after needs date_column: set both for a split by time, or neither"),
        ({"path": "a", "date_column": "d"}, "date_column needs after: set both"),
        ({"path": "a", "date_column": "d", "after": "soon"}, "after: 'soon' is not a date: expected 2021, 2021-05 or "),
        ({"path": "a", "date_column": "d", "after": "2021-13"}, "after: '2021-13' is not a date"),
        ({"path": "a", "drug_column": "x", "disease_column": "x"}, r"must be two columns \(got 'x' for both\)"),
        (
            {"path": "a", "keep": {"c": ["x"]}, "negative": {"c": ["x", "y"]}},
            "rows with 'y' in column 'c' are to be known negatives, but keep drops them: add 'y' to the values of 'c'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ExternalFile.model_validate(given)
    (error,) = caught.value.errors()
    said = ": ".join([*filter(None, [".".join(map(str, error["loc"]))]), error["msg"].removeprefix("Value error, ")])
    assert re.search(message, said), said


def test_a_year_may_be_written_as_a_number() -> None:
    assert ExternalFile.model_validate({"path": "a", "date_column": "d", "after": 2020}).after == "2020"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2020", date(2020, 1, 1), date(2020, 12, 31)),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2020-02-03", date(2020, 2, 3), date(2020, 2, 3)),
        ("2020-02-03 00:00:00", date(2020, 2, 3), date(2020, 2, 3)),
        ("2020-02-03T12:30:00Z", date(2020, 2, 3), date(2020, 2, 3)),
    ],
)
def test_a_date_stands_for_a_period(text: str, first: date, last: date) -> None:
    assert Period.of(text) == Period(first, last)


@pytest.mark.parametrize("text", ["", "20", "0000", "2020-00", "2020-02-30", "3 May 2020", "2020-2"])
def test_other_texts_are_no_dates(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not a date: expected 2021, 2021-05 or 2021-05-31"):
        Period.of(text)
