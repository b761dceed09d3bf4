import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hgt_repurposing.graph.external_pairs import UNKNOWN_COLUMNS, ExternalPairs, ExternalSet
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import TherapeuticRelations
from hgt_repurposing.graph.sources.external import ExternalFile
from hgt_repurposing.graph.sources.pairs import load_external_pairs

# The toy graph: D1 treats 1 and 2, D2 treats 2. D3-1, D2-3 are new, D9 and 9 unknown; one new pair stands twice.
ROWS = [("D3", "1"), ("D1", "1"), ("D2", "3"), ("D3", "1"), ("D9", "1"), ("D1", "9")]
PAIRS = ("drug_id", "disease_id")
every_format = pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])


def write(path: Path, rows: list[Any], columns: tuple[str, ...] = PAIRS) -> str:
    """A file in the format that its name says; one column more than is read. Any: a row."""
    table = pd.DataFrame(rows, columns=list(columns)).assign(source="somewhere")
    if path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="," if path.suffix == ".csv" else "\t")
    return str(path)


def load(path: str, graph: KnowledgeGraph, **settings: Any) -> ExternalSet:
    """The pairs of one file. Any: settings of the file."""
    (found,) = load_external_pairs([ExternalFile(path=path, **settings)], graph).sets
    return found


@every_format
def test_new_pairs_are_kept_once_and_others_counted(toy_graph: KnowledgeGraph, tmp_path: Path, ending: str) -> None:
    found = load(write(tmp_path / f"pairs{ending}", ROWS), toy_graph)
    assert (found.name, found.positives.tolist(), found.negatives.shape) == ("pairs", [[1, 2], [2, 0]], (2, 0))
    assert found.counts._asdict() == {
        "num_rows": 6,
        "num_not_kept": 0,
        "num_not_after": 0,
        "num_unknown": 2,
        "num_duplicates": 1,
        "num_known": 1,
        "num_refuted": 1,
        "num_negatives_in_graph": 0,
    }


def test_without_a_file_there_are_none(toy_graph: KnowledgeGraph) -> None:
    found = load_external_pairs([], toy_graph)
    assert isinstance(found, ExternalPairs)
    assert found.sets == ()
    assert found.unknown.columns.tolist() == list(UNKNOWN_COLUMNS)
    assert found.unknown.empty


def test_rows_with_unknown_ids_are_said(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(write(tmp_path / "pairs.csv", ROWS), toy_graph)
    assert re.search(
        r"pairs\.csv: 2 of 6 rows have an unknown id, all listed in external_unknown of the split; 1 unknown in column "
        r"'drug_id': 'D9' \(no such id in the graph; closest: 'D1', 'D2', 'D3'\); 1 unknown in column "
        r"'disease_id': '9' \(no such id in the graph\)",
        caplog.text,
    )


@every_format
def test_every_unknown_id_is_a_row_with_the_closest_of_the_graph(
    toy_graph: KnowledgeGraph, tmp_path: Path, ending: str
) -> None:
    path = write(tmp_path / f"pairs{ending}", [*ROWS, ("Belustat", "9")])
    unknown = load_external_pairs([ExternalFile(path=path)], toy_graph).unknown
    first = 1 if ending == ".parquet" else 2
    is_name = "is a name of the graph, not an id: set ids to names"
    assert unknown.to_numpy().tolist() == [
        ["pairs", first + 4, "drug_id", "D9", "no such id in the graph", "D1", "D2", "D3"],
        ["pairs", first + 5, "disease_id", "9", "no such id in the graph", "", "", ""],
        ["pairs", first + 6, "drug_id", "Belustat", is_name, "D3", "", ""],
        ["pairs", first + 6, "disease_id", "9", "no such id in the graph", "", "", ""],
    ]


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
        load(write(tmp_path / "pairs.csv", rows), toy_graph)
    assert (
        "5 rows, 2 pairs to evaluate on and 0 known negatives; 0 rows not kept, 0 not dated later, 1 duplicate rows, "
        "1 pairs that are indications of the graph, 1 rows with an unknown id"
    ) in caplog.text
    assert "1 of the 2 pairs are contraindicated or not indicated in the graph, but count as treatments" in caplog.text


def test_pairs_that_the_graph_records_as_not_indicated_are_warned_of(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    graph = replace(toy_graph, therapeutic=TherapeuticRelations(not_indicated=["contraindication"]))
    found = load(write(tmp_path / "pairs.csv", [("D3", "1"), ("D2", "3")]), graph)
    assert found.counts.num_refuted == 1
    assert "1 of the 2 pairs are contraindicated or not indicated in the graph, but count as treatments" in caplog.text


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (
            [(f"X{i}", "1") for i in range(5)],
            ("drug_id", "disease_id"),
            r"no row has both a drug and a disease of the graph; 5 unknown in column 'drug_id': 'X0' \(no such ",
        ),
        ([("D1", "1"), ("D2", "2")], ("drug_id", "disease_id"), r"all 2 pairs are indications of the graph"),
        ([("D3", "1")], ("drug", "disease_id"), r"column 'drug_id' is missing; columns found: 'drug'.*did you mean"),
        ([], ("drug_id", "disease_id"), r"no rows"),
        ([("D3", "1"), ("D3", None)], ("drug_id", "disease_id"), r"row \d has no value in column 'disease_id'"),
        ([("D3", "1"), ("", "1")], ("drug_id", "disease_id"), r"row \d has no value in column 'drug_id'"),
    ],
    ids=["unknown", "known", "column", "empty", "missing", "blank"],
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
        load(path, toy_graph)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_missing_file_is_an_error(toy_graph: KnowledgeGraph, tmp_path: Path, ending: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.\w+: no such file"):
        load(str(tmp_path / f"absent{ending}"), toy_graph)


def test_a_file_that_is_no_parquet_is_an_error(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    path.write_text("drug_id,disease_id")
    with pytest.raises(ValueError, match=r"pairs\.parquet: cannot be read as Parquet"):
        load(str(path), toy_graph)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_white_space_around_ids_is_trimmed_and_counted(
    toy_graph: KnowledgeGraph, tmp_path: Path, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / f"pairs{ending}", [("D3 ", "1"), ("D2", "\u00a03")])
    assert load(path, toy_graph).positives.tolist() == [[1, 2], [2, 0]]
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
    assert load("~/pairs.csv", toy_graph).positives.shape == (2, 2)


# ids and names


@pytest.fixture
def prefixed_graph() -> KnowledgeGraph:
    """Ids as in Hetionet: the first compound treats the first disease."""
    nodes = [
        ("Compound", "Compound::DB00843", "Donepezil"),
        ("Compound", "Compound::DB00674", "Galantamine"),
        ("Disease", "Disease::DOID:10652", "Alzheimer's disease"),
        ("Disease", "Disease::DOID:1612", "breast cancer"),
        ("Gene", "Gene::9", "TRK"),
    ]
    edges = [
        ("Compound", "Compound::DB00843", "CtD", "Disease", "Disease::DOID:10652"),
        ("Compound", "Compound::DB00674", "CbG", "Gene", "Gene::9"),
        ("Disease", "Disease::DOID:1612", "DaG", "Gene", "Gene::9"),
    ]
    return build_knowledge_graph(
        pd.DataFrame(nodes, columns=["node_type", "node_id", "node_name"]),
        pd.DataFrame(edges, columns=["source_type", "source_id", "relation", "target_type", "target_id"]),
        therapeutic=TherapeuticRelations(drug="Compound", disease="Disease", indication=["CtD"]),
    )


@pytest.mark.parametrize(
    ("drug", "disease"),
    [("DB00674", "DOID:10652"), ("Compound::DB00674", "10652"), ("db00674", "doid:10652")],
)
def test_bare_and_prefixed_ids_mean_the_same_pair(
    prefixed_graph: KnowledgeGraph, tmp_path: Path, drug: str, disease: str
) -> None:
    found = load(write(tmp_path / "pairs.csv", [(drug, disease)]), prefixed_graph)
    names = [
        prefixed_graph.nodes_of(node_type)["node_name"][index]
        for node_type, (index,) in zip(("Compound", "Disease"), found.positives.tolist(), strict=True)
    ]
    assert names == ["Galantamine", "Alzheimer's disease"]


def test_the_ways_of_matching_are_counted_by_row_and_logged(
    prefixed_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [("DB00674", "DOID:10652"), ("DB00674", "DOID:1612"), ("Compound::DB00674", "Disease::DOID:1612")]
    with caplog.at_level("INFO"):
        found = load(write(tmp_path / "pairs.csv", rows), prefixed_graph)
    assert found.matched == {
        "drug_id: exact": 1,
        "drug_id: without the graph's prefix": 2,
        "disease_id: exact": 1,
        "disease_id: without the graph's prefix": 2,
    }
    assert "rows matched by drug_id: exact (1), drug_id: without the graph's prefix (2), " in caplog.text
    assert found.counts.num_duplicates == 1, "two spellings of one pair"
    assert "match only without their prefix" not in caplog.text


def test_values_that_match_without_their_prefix_are_warned_of(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(write(tmp_path / "pairs.csv", [("D3", "MONDO:1"), ("D2", "DOID:3")]), toy_graph)
    assert (
        "2 values match only without their prefix: make sure that they come from the graph's own vocabulary"
    ) in caplog.text


def test_names_are_read_on_request_only(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", [("Belustat", "Renal torvosis")], ("drug", "disease"))
    settings = {"drug_column": "drug", "disease_column": "disease"}
    with pytest.raises(ValueError, match="no row has both a drug and a disease of the graph"):
        load(path, toy_graph, **settings)
    assert load(path, toy_graph, **settings, ids="names").positives.tolist() == [[2], [0]]


def test_integers_of_a_parquet_file_with_gaps_stay_integers(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    table = pd.DataFrame({"drug_id": ["D3", "D2"], "disease_id": [1.0, 3.0], "phase": [4.0, None]})
    table.to_parquet(tmp_path / "pairs.parquet")
    found = load(str(tmp_path / "pairs.parquet"), toy_graph, keep={"phase": ["4"]})
    assert found.positives.tolist() == [[2], [0]]


# selection, known negatives

LABELLED = [("D3", "1", "DM", "4"), ("D2", "3", "SYM", "4"), ("D2", "1", "NOT", "3"), ("D1", "3", "", "4"),
            ("D9", "1", "SYM", "4")]  # fmt: skip
LABELS = (*PAIRS, "category", "phase")


@every_format
def test_only_rows_with_a_value_to_keep_count(toy_graph: KnowledgeGraph, tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"pairs{ending}", LABELLED, LABELS)
    found = load_external_pairs([ExternalFile(path=path, keep={"category": ["DM", "NOT"]})], toy_graph)
    assert found.sets[0].positives.tolist() == [[1, 2], [0, 0]]
    assert found.sets[0].counts.num_not_kept == 3
    assert found.unknown.empty, "rows that are not kept are not looked up"


def test_every_column_to_keep_by_must_agree(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", LABELLED, LABELS)
    found = load(path, toy_graph, keep={"category": ["DM", "NOT"], "phase": ["4"]})
    assert found.positives.tolist() == [[2], [0]]


def test_values_to_keep_that_no_row_has_together_are_an_error(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", LABELLED, LABELS)
    with pytest.raises(ValueError, match="no row to keep has 'DM' or 'SYM' in column 'category' and '3' in column 'ph"):
        load(path, toy_graph, keep={"category": ["DM", "SYM"], "phase": ["3"]})


@every_format
def test_marked_rows_are_known_negatives(toy_graph: KnowledgeGraph, tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"pairs{ending}", LABELLED, LABELS)
    found = load(path, toy_graph, negative={"category": ["NOT"]})
    assert found.positives.tolist() == [[0, 1, 2], [2, 2, 0]]
    assert found.negatives.tolist() == [[1], [0]]


def test_any_column_marks_a_negative(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", LABELLED, LABELS)
    found = load(path, toy_graph, negative={"category": ["DM"], "phase": ["3"]})
    assert found.negatives.tolist() == [[1, 2], [0, 0]]
    assert found.counts.num_negatives_in_graph == 1
    assert found.counts.num_refuted == 0


def test_a_known_negative_that_the_graph_calls_an_indication_is_left_out(
    toy_graph: KnowledgeGraph, tmp_path: Path
) -> None:
    path = write(tmp_path / "pairs.csv", [("D1", "1", "no"), ("D2", "1", "no"), ("D3", "1", "yes")], LABELS[:3])
    found = load(path, toy_graph, negative={"category": ["no"]})
    assert (found.negatives.tolist(), found.counts.num_known) == ([[1], [0]], 1)


@pytest.mark.parametrize("setting", ["keep", "negative"])
@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("category", "sym", r"no row has 'sym' in column 'category' \(setting `{}`\): did you mean 'SYM'\?; "
                            r"values found: 'DM', 'NOT', 'SYM'"),
        ("phase", "9", r"no row has '9' in column 'phase' \(setting `{}`\); values found: '3', '4'"),
        ("categry", "DM", r"column 'categry' is missing; columns found: 'drug_id', .*did you mean 'category'\?"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_column_or_value_that_is_absent_is_refused(
    toy_graph: KnowledgeGraph, tmp_path: Path, setting: str, column: str, value: str, message: str, ending: str
) -> None:
    path = write(tmp_path / f"pairs{ending}", LABELLED, LABELS)
    with pytest.raises(ValueError, match=message.format(setting)):
        load(path, toy_graph, **{setting: {column: [value]}})


def test_a_pair_that_is_both_is_refused_with_its_rows(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    rows = [("D3", "1", "yes"), ("D2", "1", "yes"), ("d2", "1", "no")]
    path = write(tmp_path / "pairs.csv", rows, LABELS[:3])
    with pytest.raises(
        ValueError, match="1 pairs are both treatments and known negatives: the first in rows 3 and 4; keep one"
    ):
        load(path, toy_graph, negative={"category": ["no"]})


# dates

DATED = [("D3", "1", "2019-05-03"), ("D2", "3", "2021"), ("D1", "3", "2020-12"), ("D2", "1", "2021-01-01T10:00:00")]
DATES = (*PAIRS, "approved")


@every_format
@pytest.mark.parametrize(
    ("after", "drugs"),
    [
        ("2020", [1, 1]),
        ("2020-12-31", [1, 1]),
        ("2020-11", [0, 1, 1]),
        ("2020-12-15", [1, 1]),
        ("2018", [0, 1, 1, 2]),
        ("2019-05-03", [0, 1, 1]),
    ],
)
def test_only_rows_surely_dated_later_count(
    toy_graph: KnowledgeGraph, tmp_path: Path, ending: str, after: str, drugs: list[int]
) -> None:
    path = write(tmp_path / f"pairs{ending}", DATED, DATES)
    found = load(path, toy_graph, date_column="approved", after=after)
    assert found.positives[0].tolist() == drugs
    assert found.counts.num_not_after == 4 - len(drugs)


def test_dates_and_years_of_a_parquet_file_are_read(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    table = pd.DataFrame(DATED, columns=list(DATES))
    table["approved"] = pd.to_datetime(["2019-05-03", "2021-01-01", "2020-12-01", "2021-06-01"])
    table["year"] = [2019, 2021, 2020, 2021]
    table.to_parquet(tmp_path / "pairs.parquet")
    for column in ("approved", "year"):
        found = load(str(tmp_path / "pairs.parquet"), toy_graph, date_column=column, after="2020")
        assert found.positives.tolist() == [[1, 1], [0, 2]], column


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("date", "message"),
    [
        (None, "has no value in column 'approved': leave the row out, or date it"),
        ("soon", "column 'approved': 'soon' is not a date: expected 2021, 2021-05 or 2021-05-31"),
    ],
)
def test_a_row_without_a_readable_date_is_refused_with_its_number(
    toy_graph: KnowledgeGraph, tmp_path: Path, ending: str, date: str | None, message: str
) -> None:
    path = write(tmp_path / f"pairs{ending}", [*DATED, ("D3", "1", date)], DATES)
    row = 5 if ending == ".parquet" else 6
    with pytest.raises(ValueError, match=rf"pairs\{ending}: row {row},? {message}"):
        load(path, toy_graph, date_column="approved", after="2020")


def test_a_row_that_is_not_kept_needs_no_date(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    rows = [("D3", "1", "2021", "DM"), ("D2", "3", "", "NOT")]
    path = write(tmp_path / "pairs.csv", rows, (*DATES, "category"))
    found = load(path, toy_graph, keep={"category": ["DM"]}, date_column="approved", after="2020")
    assert found.positives.tolist() == [[2], [0]]
    assert (found.counts.num_not_kept, found.counts.num_not_after) == (1, 0)


def test_no_row_after_the_date_is_an_error_that_says_the_latest(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", DATED, DATES)
    with pytest.raises(ValueError, match=r"no row is dated after 2024 \(the latest is dated 2021\)"):
        load(path, toy_graph, date_column="approved", after="2024")


# several files


def test_each_file_is_a_set_in_the_order_given(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    files = [
        ExternalFile(path=write(tmp_path / "approved.parquet", [("D3", "1"), ("D8", "1")])),
        ExternalFile(path=write(tmp_path / "trials.tsv", [("D2", "3"), ("D3", "1"), ("D1", "8")]), name="in trials"),
    ]
    found = load_external_pairs(files, toy_graph)
    assert {external.name: external.positives.tolist() for external in found.sets} == {
        "approved": [[2], [0]],
        "in trials": [[1, 2], [2, 0]],
    }
    assert found.unknown[["row", "value"]].to_numpy().tolist() == [[2, "D8"], [4, "8"]]


def test_a_file_of_known_negatives_needs_another_with_treatments(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    failed = ExternalFile(
        path=write(tmp_path / "failed.csv", [("D2", "1", "failed")], LABELS[:3]), negative={"category": ["failed"]}
    )
    approved = ExternalFile(path=write(tmp_path / "approved.csv", [("D3", "1")]))
    with pytest.raises(ValueError, match="'failed' only have known negatives, so there is no treatment to rank"):
        load_external_pairs([failed], toy_graph)
    first, second = load_external_pairs([failed, approved], toy_graph).sets
    assert (first.positives.shape[1], first.negatives.tolist(), second.positives.tolist()) == (
        0,
        [[1], [0]],
        [[2], [0]],
    )


def test_files_that_contradict_each_other_are_warned_of(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = [
        ExternalFile(path=write(tmp_path / "one.csv", [("D3", "1"), ("D2", "3")])),
        ExternalFile(path=write(tmp_path / "two.csv", [("D3", "1", "no")], LABELS[:3]), negative={"category": ["no"]}),
    ]
    load_external_pairs(files, toy_graph)
    assert (
        "1 pairs are treatments in one of 'one' and 'two' and known negatives in the other: pooled, they count as "
        "treatments"
    ) in caplog.text
