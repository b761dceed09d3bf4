"""Where edges come from: read with them, kept beside them, and found by their ends."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.edge_provenance import EdgeProvenance, provenance_of, restored, stored
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.graph.sources.hetionet import load_hetionet
from hgt_repurposing.graph.sources.primekg import load_primekg
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing.storage.artifacts import read_artifact, write_artifact
from hgt_repurposing.storage.manifest import Provenance
from hgt_repurposing_tests.graph.test_sources import HETIONET_EDGES, HETIONET_NODES, KG_HEADER, KG_ROWS, lines

NODES = ["node_type,node_id", "drug,D1", "drug,D2", "disease,S1", "disease,S2", "gene,G1", "gene,G2"]
EDGES = [
    "source_type,source_id,relation,target_type,target_id,source,reference,weight",
    "drug,D1,indication,disease,S1,label,PMID:2,1",
    "disease,S1,indication,drug,D1,trial,PMID:1,1",  # the same edge, the other way round
    "drug,D2,indication,disease,S2,,,1",
    "gene,G2,binds,gene,G1,HuRI,,1",
    "gene,G1,binds,gene,G2,HuRI,PMID:3,1",
    "drug,D1,targets,gene,G1,,,1",
]
TREATS, BINDS, TARGETS = (
    EdgeType("drug", "indication", "disease"),
    EdgeType("gene", "binds", "gene"),
    EdgeType("drug", "targets", "gene"),
)


def load(folder: Path, edges: list[str] = EDGES) -> KnowledgeGraph:
    lines(folder / "nodes.csv", NODES)
    lines(folder / "edges.csv", edges)
    return load_knowledge_graph(GraphSource(source="tables", path=str(folder)), raw_folder=Path("none"))


def test_rows_that_are_one_edge_are_said_of_it_together(tmp_path: Path) -> None:
    graph = load(tmp_path)
    assert graph.provenance_of(TREATS, 0, 0) == {"source": "label; trial", "reference": "PMID:1; PMID:2"}
    assert graph.provenance_of(TREATS, 1, 1) == {}  # its cells are empty
    assert graph.provenance_of(TREATS, 0, 1) == {}  # no such edge
    assert graph.provenance_of(TARGETS, 0, 0) == {}
    assert set(graph.provenance) == {TREATS, BINDS}


def test_an_undirected_edge_is_found_from_either_end(tmp_path: Path) -> None:
    graph = load(tmp_path)
    assert graph.provenance_of(BINDS, 0, 1) == graph.provenance_of(BINDS, 1, 0)
    assert graph.provenance_of(BINDS, 1, 0) == {"source": "HuRI", "reference": "PMID:3"}


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    assert load(tmp_path).digest == load(tmp_path, [EDGES[0], *reversed(EDGES[1:])]).digest


def test_a_graph_without_such_columns_is_as_before(tmp_path: Path) -> None:
    graph = load(tmp_path)
    plain = load(tmp_path, [",".join(row.split(",")[:5]) for row in EDGES])
    assert plain.provenance == {}
    assert set(plain.to_parts()) == {"nodes.parquet", "edges.npz", "graph.json"}
    assert replace(graph, provenance={}).digest == plain.digest != graph.digest
    for edge_type, index in plain.edges.items():
        assert graph.edges[edge_type].tolist() == index.tolist()


def test_provenance_is_stored_with_the_graph(tmp_path: Path) -> None:
    graph = load(tmp_path)
    write_artifact(tmp_path / "made", "knowledge_graph", graph.to_parts(), Provenance())
    again = KnowledgeGraph.from_parts(read_artifact(tmp_path / "made", "knowledge_graph"))
    assert again.digest == graph.digest
    assert again.provenance_of(TREATS, 0, 0) == graph.provenance_of(TREATS, 0, 0)
    assert set(again.provenance) == set(graph.provenance)


def test_edges_that_are_left_out_or_changed_lose_theirs(tmp_path: Path) -> None:
    graph = load(tmp_path)
    left = graph.without([TREATS])
    again = KnowledgeGraph.from_parts({**left.to_parts(), "edges.npz": left.to_parts()["edges.npz"]})
    assert set(again.provenance) == {BINDS}
    swapped = replace(graph, edges={**graph.edges, TREATS: np.array([[0, 1], [1, 0]])})
    assert swapped.provenance_of(TREATS, 0, 1) == {}


def test_published_files_have_none_and_sources_of_nodes_are_attributes(tmp_path: Path) -> None:
    graph = load_primekg(lines(tmp_path / "kg.csv", [KG_HEADER, *KG_ROWS]))
    assert graph.provenance == {}
    assert set(map(str, graph.attributes["attribute"])) == {"source"}
    assert set(map(str, graph.attributes["value"])) == {"SYN"}
    lines(tmp_path / "nodes.tsv", HETIONET_NODES)
    lines(tmp_path / "edges.tsv", HETIONET_EDGES)
    assert load_hetionet(tmp_path).provenance == {}


def test_columns_that_were_added_to_published_files_are_kept(tmp_path: Path) -> None:
    graph = load_primekg(lines(tmp_path / "kg.csv", [f"{KG_HEADER},reference", *(f"{row},PMID:1" for row in KG_ROWS)]))
    assert graph.provenance_of(EdgeType("drug", "drug_protein", "gene/protein"), 0, 1) == {"reference": "PMID:1"}
    lines(tmp_path / "nodes.tsv", HETIONET_NODES)
    added = [f"{row}\tPMID:2" for row in HETIONET_EDGES[1:]]
    lines(tmp_path / "edges.tsv", [f"{HETIONET_EDGES[0]}\treferences", *added])
    found = load_hetionet(tmp_path).provenance_of(EdgeType("Compound", "CtD", "Disease"), 0, 0)
    assert found == {"references": "PMID:2"}


rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["", "a", "b", "c"])), min_size=1)


@given(rows)
def test_what_is_said_of_an_edge_is_what_its_rows_say(said: list[tuple[int, int, str]]) -> None:
    ends = np.array([(source, target) for source, target, _ in said], dtype=np.int64).T
    column = pd.Series([text or None for *_, text in said], dtype="str").astype("category")
    edge_type = EdgeType("a", "r", "b")
    index = np.unique(ends, axis=1)
    found = provenance_of(index, ends, pd.DataFrame({"source": column}))
    back = restored(stored({edge_type: found}, {edge_type: index}), {edge_type: index}).get(edge_type)
    for source, target in np.ndindex(4, 4):  # also edges that there are not
        texts = {text for s, t, text in said if (s, t) == (source, target) and text}
        wanted = {"source": "; ".join(sorted(texts))} if texts else {}
        assert found.of(source, target) == wanted
        assert (back.of(source, target) if back else {}) == wanted


def test_pairs_of_a_file_of_their_own_have_theirs(tmp_path: Path) -> None:
    path = lines(tmp_path / "failed.csv", ["drug_id,disease_id,reference", "D1,S2,NCT1", "D1,S2,NCT2", "D2,S1,"])
    lines(tmp_path / "nodes.csv", NODES)
    lines(tmp_path / "edges.csv", EDGES)
    source = GraphSource(source="tables", path=str(tmp_path), not_indicated_pairs=str(path))
    graph = load_knowledge_graph(source, raw_folder=Path("none"))
    failed = EdgeType("drug", "not_indicated", "disease")
    assert graph.provenance_of(failed, 0, 1) == {"reference": "NCT1; NCT2"}
    assert graph.provenance_of(failed, 1, 0) == {}
    assert graph.provenance_of(TREATS, 0, 0)


def test_a_row_for_each_edge_is_needed() -> None:
    with pytest.raises(ValueError, match=r"every edge needs a row \(got 1 rows, edges \(2, 0\)\)"):
        EdgeProvenance(np.zeros((2, 0), dtype=np.int64), pd.DataFrame({"source": ["a"]}))
