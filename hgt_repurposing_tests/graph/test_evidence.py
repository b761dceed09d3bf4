import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.evidence import evidence_of, evidence_of_type, nodes_without_evidence
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing_tests.graph.small_graphs import graph_of
from hgt_repurposing_tests.strategies import knowledge_graphs


def drawn() -> KnowledgeGraph:
    """Drug 0 and disease 0 share a gene; drug 1 treats disease 1, drug 2 harms it; drug 3 and disease 2 are alone."""
    return graph_of(
        {"drug": 4, "disease": 3, "gene": 2},
        {
            ("drug", "indication", "disease"): [(0, 0), (1, 1)],
            ("disease", "harmed by", "drug"): [(1, 2)],
            ("drug", "targets", "gene"): [(0, 0)],
            ("disease", "associates", "gene"): [(0, 0)],
        },
    )


def test_an_edge_to_anything_but_drug_and_disease_is_evidence() -> None:
    assert evidence_of_type(drawn(), "drug")[0] == evidence_of_type(drawn(), "disease")[0] == "evidence"


def test_edges_between_drug_and_disease_alone_are_treatments_whatever_their_name_and_direction() -> None:
    assert evidence_of_type(drawn(), "drug").tolist()[1:] == ["treatments only", "treatments only", "nothing"]
    assert evidence_of_type(drawn(), "disease").tolist()[1:] == ["treatments only", "nothing"]


def test_a_node_of_any_type_may_be_alone() -> None:
    assert evidence_of_type(drawn(), "gene").tolist() == ["evidence", "nothing"]


def test_an_edge_within_a_type_is_evidence_at_both_ends() -> None:
    graph = graph_of(
        {"drug": 1, "disease": 3},
        {("drug", "indication", "disease"): [(0, 0)], ("disease", "resembles", "disease"): [(1, 2)]},
    )
    assert evidence_of_type(graph, "disease").tolist() == ["treatments only", "evidence", "evidence"]


def test_nodes_without_evidence_are_named() -> None:
    table = nodes_without_evidence(drawn())
    assert list(table.columns) == ["node_type", "node_id", "node_name"]
    assert list(zip(table["node_type"], table["node_id"], strict=True)) == [
        *(("disease", f"000{i}") for i in (1, 2)),
        *(("drug", f"000{i}") for i in (1, 2, 3)),
        ("gene", "0001"),
    ]


@given(knowledge_graphs(), st.data())
def test_evidence_is_an_edge_of_the_message_graph_and_nothing_no_edge_at_all(
    graph: KnowledgeGraph, data: st.DataObject
) -> None:
    node = data.draw(st.integers(0, len(graph.nodes) - 1))
    node_type = graph.nodes["node_type"].iloc[node]
    local = node - graph.offsets[node_type]

    def touched(by: KnowledgeGraph) -> bool:
        ends = ((t, index) for t, index in by.edges.items() if node_type in (t.source, t.target))
        return any(
            (t.source == node_type and np.isin(local, index[0])) or (t.target == node_type and np.isin(local, index[1]))
            for t, index in ends
        )

    expected = "evidence" if touched(message_graph(graph)) else "treatments only" if touched(graph) else "nothing"
    assert evidence_of(graph)[node] == expected
