import re
from pathlib import Path

import pandas as pd
import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.sources.pairs import ExternalPairs, load_external_pairs

# The toy graph: D1 treats 1 and 2, D2 treats 2. D3-1, D2-3 are new, D9 and 9 unknown; one new pair stands twice.
ROWS = [("D3", "1"), ("D1", "1"), ("D2", "3"), ("D3", "1"), ("D9", "1"), ("D1", "9")]


def write(path: Path, rows: list[tuple[str, str]], columns: tuple[str, str] = ("drug_id", "disease_id")) -> str:
    """A file in the format that its name says; one column more than is read."""
    table = pd.DataFrame(rows, columns=list(columns)).assign(source="somewhere")
    if path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="," if path.suffix == ".csv" else "\t")
    return str(path)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_new_pairs_are_kept_once_and_others_counted(toy_graph: KnowledgeGraph, tmp_path: Path, ending: str) -> None:
    found = load_external_pairs(write(tmp_path / f"pairs{ending}", ROWS), toy_graph)
    assert found.pairs.tolist() == [[1, 2], [2, 0]]
    assert (found.num_known, found.num_unknown) == (1, 2)


def test_without_a_file_there_are_none(toy_graph: KnowledgeGraph) -> None:
    found = load_external_pairs("", toy_graph)
    assert isinstance(found, ExternalPairs)
    assert found.pairs.shape == (2, 0)


def test_rows_with_unknown_ids_are_said(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load_external_pairs(write(tmp_path / "pairs.csv", ROWS), toy_graph)
    assert re.search(
        r"pairs\.csv: 2 of 6 rows have an unknown id; 1 unknown in column 'drug_id': 'D9'; 1 unknown in column "
        r"'disease_id': '9'",
        caplog.text,
    )


def test_what_becomes_of_every_row_is_counted(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [
        ("D1", "1"),
        ("D2", "3"),
        ("D2", "3"),
        ("D3", "1"),
        ("D9", "1"),
    ]  # known, new, again, contraindicated, unknown
    with caplog.at_level("INFO"):
        load_external_pairs(write(tmp_path / "pairs.csv", rows), toy_graph)
    assert (
        "5 rows, 2 pairs to evaluate on; 1 duplicate rows, 1 pairs that are indications of the graph, 1 rows with"
    ) in caplog.text
    assert "1 of the 2 pairs are contraindications of the graph, but count as treatments" in caplog.text


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (
            [(f"X{i}", "1") for i in range(5)],
            ("drug_id", "disease_id"),
            r"no row has both a drug and a disease of the graph; 5 unknown in column 'drug_id': 'X0', 'X1', 'X2', ",
        ),
        ([("D1", "1"), ("D2", "2")], ("drug_id", "disease_id"), r"all 2 pairs are indications of the graph"),
        ([("D3", "1")], ("drug", "disease_id"), r"column 'drug_id' is missing; columns found: 'drug'"),
        ([], ("drug_id", "disease_id"), r"no rows"),
        ([("D3", "1"), ("D3", None)], ("drug_id", "disease_id"), r"row \d has no value in column 'disease_id'"),
    ],
    ids=["unknown", "known", "column", "empty", "missing"],
)
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_what_cannot_be_evaluated_on_is_an_error(
    toy_graph: KnowledgeGraph,
    tmp_path: Path,
    rows: list[tuple[str, str]],
    columns: tuple[str, str],
    message: str,
    ending: str,
) -> None:
    path = write(tmp_path / f"pairs{ending}", rows, columns)
    with pytest.raises(ValueError, match=rf"pairs\{ending}: {message}"):
        load_external_pairs(path, toy_graph)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_missing_file_is_an_error(toy_graph: KnowledgeGraph, tmp_path: Path, ending: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.\w+: no such file"):
        load_external_pairs(str(tmp_path / f"absent{ending}"), toy_graph)


def test_a_file_that_is_no_parquet_is_an_error(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    path.write_text("drug_id,disease_id")
    with pytest.raises(ValueError, match=r"pairs\.parquet: cannot be read as Parquet"):
        load_external_pairs(str(path), toy_graph)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_white_space_around_ids_is_trimmed_and_counted(
    toy_graph: KnowledgeGraph, tmp_path: Path, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / f"pairs{ending}", [("D3 ", "1"), ("D2", "\u00a03")])
    assert load_external_pairs(path, toy_graph).pairs.tolist() == [[1, 2], [2, 0]]
    assert [found for message in caplog.messages if (found := message.partition("around ")[2])] == [
        "1 value of 'drug_id'",
        "1 value of 'disease_id'",
    ]


def test_a_path_may_begin_with_the_home_folder(
    toy_graph: KnowledgeGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    write(tmp_path / "pairs.csv", ROWS)
    assert load_external_pairs("~/pairs.csv", toy_graph).pairs.shape == (2, 2)
