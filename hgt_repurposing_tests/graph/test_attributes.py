"""Attributes of nodes: where they come from, what becomes of them, and what is chosen by them."""

import gzip
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.graph.attributes import (
    ATTRIBUTE_COLUMNS,
    attributes_by_id,
    attributes_of,
    choose,
    names_of,
    no_attributes,
    of_type,
    values_of,
    with_attributes,
)
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.null_model import permute_edges
from hgt_repurposing.graph.schema import TherapeuticRelations
from hgt_repurposing.graph.sources.node_attributes import load_node_attributes
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing.storage.artifacts import read_artifact, write_artifact
from hgt_repurposing.storage.manifest import Provenance

NODES = [
    "node_type,node_id,node_name,approved,atc",
    "drug,D1,velotinib,yes,A10BA02|L01",
    "drug,D2,lorazine,no,A10X",
    "drug,D3,odd,,",
    "disease,D2,torvosis,,",
    "disease,S1,falitis,,",
]
EDGES = ["source_type,source_id,relation,target_type,target_id", "drug,D1,indication,disease,D2"]


def write(folder: Path, name: str, rows: list[str]) -> str:
    path = folder / name
    text = "\n".join(rows) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return str(path)


def load(folder: Path, nodes: list[str] = NODES, **given: str) -> KnowledgeGraph:
    write(folder, "nodes.csv", nodes)
    write(folder, "edges.csv", EDGES)
    return load_knowledge_graph(GraphSource(source="tables", path=str(folder), **given), raw_folder=Path("none"))


def rows_of(attributes: pd.DataFrame) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in attributes.itertuples(index=False)]


BARE = [row.rsplit(",", 2)[0] for row in NODES]
OF_D1 = [("drug", "D1", "approved", "yes"), ("drug", "D2", "approved", "no")]


def test_further_columns_of_the_node_table_are_attributes(tmp_path: Path) -> None:
    graph = load(tmp_path, attribute_separator="|")
    assert rows_of(graph.attributes) == [
        *OF_D1,
        ("drug", "D1", "atc", "A10BA02"),
        ("drug", "D1", "atc", "L01"),
        ("drug", "D2", "atc", "A10X"),
    ]
    assert rows_of(load(tmp_path).attributes)[2] == ("drug", "D1", "atc", "A10BA02|L01")  # nothing is guessed


def test_rows_of_one_node_add_up_whatever_their_order(tmp_path: Path) -> None:
    twice = [*NODES, "drug,D1,velotinib,yes,B"]
    graph = load(tmp_path, twice)
    again = load(tmp_path, [twice[0], *reversed(twice[1:])])
    assert values_of(graph.attributes, "atc") == {"A10BA02|L01": 1, "A10X": 1, "B": 1}
    assert graph.digest == again.digest
    assert graph.num_duplicate_nodes == 1


def test_a_graph_without_attributes_keeps_its_digest_and_its_parts(tmp_path: Path) -> None:
    plain, rich = load(tmp_path, BARE), load(tmp_path)
    assert plain.attributes.empty
    assert set(plain.to_parts()) == {"nodes.parquet", "edges.npz", "graph.json"}
    assert replace(rich, attributes=no_attributes()).digest == plain.digest
    assert rich.digest != plain.digest
    # as the version before this test computed it
    assert plain.digest == "0da3c2086b39bdd9fa94a846d3180ed0ed311d60e1ac8043b3c9e90a797ebae1"


def test_attributes_survive_what_is_done_to_a_graph(tmp_path: Path) -> None:
    graph = load(tmp_path)
    write_artifact(tmp_path / "made", "knowledge_graph", graph.to_parts(), Provenance())
    again = KnowledgeGraph.from_parts(read_artifact(tmp_path / "made", "knowledge_graph"))
    pd.testing.assert_frame_equal(again.attributes, graph.attributes)
    assert again.digest == graph.digest
    for other in (message_graph(graph), permute_edges(graph, swaps_per_edge=10, generator=np.random.default_rng(0))):
        assert other.attributes is graph.attributes


def test_an_attribute_of_no_node_is_refused(tmp_path: Path) -> None:
    graph = load(tmp_path)
    with pytest.raises(ValueError, match=r"unknown node \('drug', 'D9'\)"):
        replace(graph, attributes=graph.attributes.astype("str").replace("D1", "D9"))


# from a file of their own


@pytest.mark.parametrize("ending", ["csv", "tsv.gz", "parquet"])
def test_attributes_of_a_file_join_those_of_the_graph(tmp_path: Path, ending: str) -> None:
    table = pd.DataFrame({"node_id": ["drug:d1", "S1", "S1"], "area": ["x", "y", "z"], "phase": [4, None, None]})
    path = tmp_path / f"more.{ending}"
    if ending == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
    graph = load(tmp_path, node_attributes=str(path))
    assert names_of(graph.attributes) == ["approved", "area", "atc", "phase"]
    assert attributes_by_id(of_type(graph.attributes, "disease")) == {"S1": {"area": "y; z"}}
    assert values_of(graph.attributes, "phase") == {"4" if ending == "parquet" else "4.0": 1}


def test_unknown_ids_are_counted_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path, "more.csv", ["node_id,area", "D1,x", "D9,y", "D8,y"])
    with caplog.at_level(logging.INFO):
        graph = load(tmp_path, BARE, node_attributes=path)
    assert rows_of(graph.attributes) == [("drug", "D1", "area", "x")]
    assert "2 of 3 rows are left out, for their id means no node of the graph, such as 'D9'" in caplog.text
    assert "1 of 5 nodes have an attribute (area)" in caplog.text


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["node_id,approved", "D1,x"], "already has the attribute 'approved'"),
        (["node_id,area", "D2,x"], "row 2: 'D2' is the id of a drug and of a disease"),
        (["node_id,area", "D8,x"], "no row has the id of a node of the graph: its ids are like 'D8'"),
        (["node_id,node_type", "D1,drug"], "there is no attribute: add a column"),
        (["node_id,node_type,area", "D1,drugs,x"], "the type 'drugs': did you mean 'drug'"),
        (["id,area", "D1,x"], "column 'node_id' is missing"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, rows: list[str], said: str) -> None:
    path = write(tmp_path, "more.csv", rows)
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        load(tmp_path, node_attributes=path)


def test_a_type_tells_nodes_of_one_id_apart(tmp_path: Path) -> None:
    path = write(tmp_path, "more.csv", ["node_id,node_type,area", "D2,disease,x", "D2,drug,y"])
    found = load_node_attributes(path, load(tmp_path))
    assert rows_of(found) == [("disease", "D2", "area", "x"), ("drug", "D2", "area", "y")]


# what is chosen


@pytest.fixture
def drugs(tmp_path: Path) -> pd.DataFrame:
    return of_type(load(tmp_path, attribute_separator="|").attributes, "drug")


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        ({}, [True, True, True]),
        ({"approved": ["yes"]}, [True, False, False]),
        ({"approved": ["yes", "no"]}, [True, True, False]),
        ({"atc": ["L01"]}, [True, False, False]),
        ({"atc": ["A10*"]}, [True, True, False]),
        ({"atc": ["A10*"], "approved": ["no"]}, [False, True, False]),
        ({"atc": ["*"]}, [True, True, False]),
    ],
)
def test_nodes_with_one_of_the_values_of_every_attribute_pass(
    drugs: pd.DataFrame, wanted: dict[str, list[str]], passes: list[bool]
) -> None:
    found = choose(["D1", "D2", "D3"], drugs, wanted, what="drug")
    assert found.passes.tolist() == passes
    assert found.num_without == dict.fromkeys(wanted, 1)  # D3 has none


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"aproved": ["yes"]}, "drugs have no attribute 'aproved': did you mean 'approved'.; attributes of drugs: "),
        ({"approved": ["Yes"]}, "no drug has 'Yes' as approved: did you mean 'yes'.; values found: 'no', 'yes'$"),
        ({"atc": ["B*"]}, r"no drug has 'B\*' as atc"),
        ({"atc": ["A10"]}, "no drug has 'A10' as atc"),  # a beginning needs its star
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(
    drugs: pd.DataFrame, wanted: dict[str, list[str]], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        choose(["D1"], drugs, wanted, what="drug")


def test_without_attributes_it_is_said_that_there_are_none() -> None:
    with pytest.raises(ValueError, match="drugs have no attribute 'a': no drug has an attribute"):
        choose(["D1"], no_attributes(), {"a": ["b"]}, what="drug")


def test_tables_of_attributes_are_sorted_and_have_every_row_once() -> None:
    nodes = pd.DataFrame({"node_type": ["b", "a", "b"], "node_id": ["1", "2", "1"], "x": ["v", "w", "v"]})
    assert rows_of(attributes_of(nodes)) == [("a", "2", "x", "w"), ("b", "1", "x", "v")]
    assert list(with_attributes(no_attributes(), attributes_of(nodes), source="f").columns) == list(ATTRIBUTE_COLUMNS)


def test_attributes_of_a_node_table_given_as_values_are_kept() -> None:
    nodes = pd.DataFrame(
        {"node_type": ["drug", "disease"], "node_id": ["1", "1"], "node_name": ["a", "b"], "x": ["v", None]}
    )
    edges = pd.DataFrame(
        [("drug", "1", "indication", "disease", "1")],
        columns=["source_type", "source_id", "relation", "target_type", "target_id"],
    )
    graph = build_knowledge_graph(nodes, edges, therapeutic=TherapeuticRelations())
    assert rows_of(graph.attributes) == [("drug", "1", "x", "v")]
