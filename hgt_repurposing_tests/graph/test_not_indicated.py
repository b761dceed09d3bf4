"""Pairs of a file become edges of the graph, and what does not fit the graph is refused."""

import logging
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.graph.sources.not_indicated import with_not_indicated_pairs
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing_tests.graph.tables import write_tables

NOT_INDICATED = EdgeType("drug", "not_indicated", "disease")

# The toy graph: D1 treats 1 and 2, D2 treats 2; D3 must not be given for 1. One row is repeated, one an indication.
ROWS = [("D2", "3"), ("D1", "1"), ("D2", "1"), ("D2", "3")]
PAIRS = [[0, 1, 1], [0, 0, 2]]


def write(path: Path, rows: list[tuple[str, str]] = ROWS) -> str:
    """A file in the format that its name says; one column more than is read."""
    table = pd.DataFrame(rows, columns=["drug_id", "disease_id"]).assign(trial="NCT0")
    if path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="," if path.suffix == ".csv" else "\t")
    return str(path)


def load(folder: Path, graph: KnowledgeGraph, **given: object) -> KnowledgeGraph:
    """The toy graph by way of its tables."""
    folder.mkdir(exist_ok=True)
    write_tables(graph, folder)
    names = {"contraindication": ["contraindication"], "off_label": ["off-label use"]}
    source = GraphSource.model_validate({"source": "tables", "path": str(folder), **names, **given})
    return load_knowledge_graph(source, raw_folder=Path("none"))


# what becomes of the pairs


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_pairs_of_a_file_are_edges_of_a_relation_of_their_own(
    toy_graph: KnowledgeGraph, tmp_path: Path, ending: str
) -> None:
    found = with_not_indicated_pairs(toy_graph, write(tmp_path / f"failed{ending}"))
    assert found.edges[NOT_INDICATED].tolist() == PAIRS
    assert found.therapeutic.not_indicated == ["not_indicated"]
    assert found.not_indicated_pairs.tolist() == PAIRS
    assert found.unnamed_relations == []
    assert {t: found.edges[t].tolist() for t in toy_graph.edges} == {t: i.tolist() for t, i in toy_graph.edges.items()}
    assert list(found.edges) == sorted(found.edges)


def test_without_a_file_the_graph_is_as_it_was(toy_graph: KnowledgeGraph) -> None:
    assert with_not_indicated_pairs(toy_graph, "") is toy_graph


def test_no_message_graph_has_them(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    found = with_not_indicated_pairs(toy_graph, write(tmp_path / "failed.csv"))
    for visible in (None, found.indications):
        assert NOT_INDICATED not in message_graph(found, visible=visible).edges


def test_they_stand_beside_relations_of_the_graph_that_say_the_same(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    found = load(
        tmp_path / "tables",
        toy_graph,
        contraindication=[],
        not_indicated=["contraindication"],
        not_indicated_pairs=write(tmp_path / "failed.csv"),
    )
    assert found.therapeutic.not_indicated == ["contraindication", "not_indicated"]
    assert found.not_indicated_pairs.tolist() == [[0, 1, 1, 2], [0, 0, 2, 0]]
    assert found.known_negatives.tolist() == found.not_indicated_pairs.tolist()


def test_known_negatives_are_contraindications_and_pairs_that_are_not_indicated(
    toy_graph: KnowledgeGraph, tmp_path: Path
) -> None:
    path = write(tmp_path / "failed.csv", [("D2", "1"), ("D3", "1")])
    found = with_not_indicated_pairs(toy_graph, path)
    assert toy_graph.known_negatives.tolist() == toy_graph.contraindicated_pairs.tolist() == [[2], [0]]
    assert found.known_negatives.tolist() == [[1, 2], [0, 0]]
    assert found.contraindicated_pairs.tolist() == [[2], [0]]


def test_a_relation_of_that_name_that_was_left_out_is_not_in_the_way(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    theirs = with_not_indicated_pairs(toy_graph, write(tmp_path / "theirs.csv", [("D3", "2")]))
    path = write(tmp_path / "failed.csv")
    found = load(tmp_path / "tables", theirs, exclude=["not_indicated"], not_indicated_pairs=path)
    assert found.not_indicated_pairs.tolist() == PAIRS


# what is counted


def test_pairs_and_repeated_rows_are_counted(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    found = with_not_indicated_pairs(toy_graph, write(tmp_path / "failed.csv"))
    assert caplog.messages == [
        f"{tmp_path}/failed.csv: columns that are not read: 'trial'",
        f"{tmp_path}/failed.csv: rows matched by drug_id: exact (4), disease_id: exact (4)",
        f"{tmp_path}/failed.csv: 3 pairs recorded as not indicated, 1 duplicate rows",
    ]
    assert found.num_duplicate_edges == toy_graph.num_duplicate_edges + 1


def test_ids_may_lack_the_prefix_of_the_graph_or_have_one_of_their_own(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ids = toy_graph.nodes["node_id"].where(
        toy_graph.nodes["node_type"] != "drug", "Compound::" + toy_graph.nodes["node_id"]
    )
    graph = replace(toy_graph, nodes=toy_graph.nodes.assign(node_id=ids))
    rows = [("D2", "DOID:3"), ("d1", "1"), ("Compound::D2", "1"), ("Compound::D2", "3")]
    path = write(tmp_path / "failed.csv", rows)
    assert with_not_indicated_pairs(graph, path).edges[NOT_INDICATED].tolist() == PAIRS
    assert caplog.messages == [
        f"{path}: columns that are not read: 'trial'",
        f"{path}: rows matched by drug_id: exact (2), drug_id: without the graph's prefix (1), drug_id: but for case "
        "(1), disease_id: exact (3), disease_id: without the file's prefix (1)",
        f"{path}: 1 values match only without their prefix: make sure that they come from the graph's own vocabulary",
        f"{path}: 3 pairs recorded as not indicated, 1 duplicate rows",
    ]


def test_an_id_that_fits_several_nodes_is_refused(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    ids = toy_graph.nodes["node_id"].replace({"D1": "A::D", "D2": "B::D"})
    graph = replace(toy_graph, nodes=toy_graph.nodes.assign(node_id=ids))
    message = "'D' (ambiguous: 2 ids of the graph end in it; closest: 'A::D', 'B::D')"
    with pytest.raises(ValueError, match=re.escape(message)):
        with_not_indicated_pairs(graph, write(tmp_path / "failed.csv", [("D", "1")]))


def test_pairs_that_are_also_indications_are_warned_of(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(tmp_path / "tables", toy_graph, not_indicated_pairs=write(tmp_path / "failed.csv"))
    assert caplog.messages == [
        "1 of 3 pairs recorded as not indicated are also indications: they count and are listed as indications"
    ]


# what is stored


def test_the_digest_covers_the_pairs_and_what_they_mean(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    found = with_not_indicated_pairs(toy_graph, write(tmp_path / "failed.csv"))
    other = with_not_indicated_pairs(toy_graph, write(tmp_path / "other.csv", ROWS[:2]))
    named = load(tmp_path, toy_graph, contraindication=[], not_indicated=["contraindication"])
    assert len({graph.digest for graph in (toy_graph, found, other, named)}) == 4


def test_a_graph_with_them_survives_being_stored(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    found = with_not_indicated_pairs(toy_graph, write(tmp_path / "failed.csv"))
    again = KnowledgeGraph.from_parts(found.to_parts())
    assert again.digest == found.digest
    assert again.not_indicated_pairs.tolist() == PAIRS


def test_a_graph_without_them_is_stored_as_before_the_role_existed(toy_graph: KnowledgeGraph) -> None:
    assert set(toy_graph.to_parts()["graph.json"]["therapeutic"]) == {
        "drug", "disease", "indication", "contraindication", "off_label", "drug_gene", "disease_gene",
    }  # fmt: skip
    assert KnowledgeGraph.from_parts(toy_graph.to_parts()).therapeutic == toy_graph.therapeutic


# what is refused


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [*ROWS, ("D9", "1"), ("D8", "1"), ("D9", "2")],
            "3 of 7 rows have an id that means no drug or disease of the graph, the first is row {5}; 2 unknown in "
            "column 'drug_id': 'D9' (no such id in the graph; closest: 'D1', 'D2', 'D3'), 'D8' (no such id in the "
            "graph; closest: 'D1', 'D2', 'D3'); write ids as the graph has them, such as 'D1' and '1', or remove",
        ),
        (
            [(disease, drug) for drug, disease in ROWS],
            "4 of 4 rows have an id that means no drug or disease of the graph, the first is row {1}; 2 unknown in "
            "column 'drug_id': '3' (no such id in the graph; closest: 'D3'), "
            "'1' (no such id in the graph; closest: 'D1'); "
            "2 unknown in column 'disease_id': '",
        ),
        (
            [*ROWS, *(("D1", f"X{i}") for i in range(4))],
            "4 of 8 rows have an id that means no drug or disease of the graph, the first is row {5}; 4 unknown in "
            "column 'disease_id': 'X0' (no such id in the graph), 'X1' (no such id in the graph; closest: '1'), "
            "'X2' (no such id in the graph; closest: '2'), ...; write ids",
        ),
        (
            [*ROWS, ("Belustat", "1")],
            "1 of 5 rows have an id that means no drug or disease of the graph, the first is row {5}; 1 unknown in "
            "column 'drug_id': 'Belustat' (is a name of the graph, not an id; closest: 'D3')",
        ),
    ],
    ids=["drugs", "turned round", "diseases", "name"],
)
def test_an_id_that_is_not_in_the_graph_is_refused(
    toy_graph: KnowledgeGraph, tmp_path: Path, rows: list[tuple[str, str]], message: str, ending: str
) -> None:
    said = re.sub(r"\{(\d)\}", lambda row: str(int(row[1]) + (ending == ".csv")), message)  # a header is row 1
    with pytest.raises(ValueError, match=rf"failed\{ending}: {re.escape(said)}"):
        with_not_indicated_pairs(toy_graph, write(tmp_path / f"failed{ending}", rows))


def test_a_file_without_the_columns_is_refused(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = tmp_path / "failed.csv"
    path.write_text("drug,disease_id\nD1,3\n")
    with pytest.raises(ValueError, match=r"failed\.csv: column 'drug_id' is missing"):
        with_not_indicated_pairs(toy_graph, str(path))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_blank_id_is_a_missing_one(toy_graph: KnowledgeGraph, tmp_path: Path, ending: str) -> None:
    with pytest.raises(ValueError, match=r"row \d has no value in column 'disease_id'"):
        with_not_indicated_pairs(toy_graph, write(tmp_path / f"failed{ending}", [*ROWS, ("D1", "")]))


def test_a_missing_file_is_an_error(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.csv: no such file"):
        with_not_indicated_pairs(toy_graph, str(tmp_path / "absent.csv"))


@pytest.mark.parametrize("named", [[], ["not_indicated"]], ids=["undeclared", "declared"])
def test_a_relation_of_that_name_in_the_graph_is_refused(
    toy_graph: KnowledgeGraph, tmp_path: Path, named: list[str]
) -> None:
    path = write(tmp_path / "failed.csv")
    theirs = with_not_indicated_pairs(toy_graph, path)
    with pytest.raises(ValueError, match=r"but the graph already has \(drug, not_indicated, disease\): name it in"):
        load(tmp_path / "tables", theirs, not_indicated=named, not_indicated_pairs=path)


def test_a_relation_of_that_name_elsewhere_in_the_graph_is_refused_too(
    toy_graph: KnowledgeGraph, tmp_path: Path
) -> None:
    elsewhere = EdgeType("gene/protein", "not_indicated", "gene/protein")
    graph = KnowledgeGraph(toy_graph.nodes, {**toy_graph.edges, elsewhere: np.array([[0], [1]])}, toy_graph.therapeutic)
    with pytest.raises(ValueError, match=r"already has \(gene/protein, not_indicated, gene/protein\)"):
        with_not_indicated_pairs(graph, write(tmp_path / "failed.csv"))
