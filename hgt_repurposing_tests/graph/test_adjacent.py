"""The nodes that share an edge with one node."""

from hgt_repurposing.graph.adjacent import adjacent_nodes
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph


def edges_of(graph: KnowledgeGraph, node_type: str, index: int) -> list[tuple[str, str, str, int]]:
    columns = ["relation", "direction", "node_name", "degree"]
    return list(adjacent_nodes(graph, node_type, index)[columns].itertuples(index=False, name=None))


def test_every_edge_of_a_drug_is_listed(toy_graph: KnowledgeGraph) -> None:
    assert edges_of(toy_graph, "drug", 0) == [
        ("drug_protein", "to", "TRK12", 3),
        ("indication", "to", "renal torvosis", 3),
        ("indication", "to", "hepatic falitis", 3),
    ]


def test_edges_that_lead_to_a_node_say_so(toy_graph: KnowledgeGraph) -> None:
    directions = {(relation, direction) for relation, direction, *_ in edges_of(toy_graph, "disease", 0)}
    assert directions == {("indication", "from"), ("contraindication", "from"), ("disease_protein", "to")}


def test_symmetric_edges_are_listed_once_and_nodes_with_few_edges_first(toy_graph: KnowledgeGraph) -> None:
    mine = [edge for edge in edges_of(toy_graph, "gene/protein", 1) if edge[0] == "protein_protein"]
    assert [(direction, name) for _, direction, name, _ in mine] == [("with", "XVF21"), ("with", "TRK12")]


def test_a_node_without_edges_has_none(toy_graph: KnowledgeGraph) -> None:
    found = adjacent_nodes(toy_graph, "gene/protein", 3)
    assert found.empty
    assert list(found.columns) == ["relation", "direction", "node_type", "node_id", "node_name", "degree"]


def test_every_edge_of_the_graph_is_seen_from_both_ends(demo_graph: KnowledgeGraph) -> None:
    seen = sum(
        len(adjacent_nodes(demo_graph, node_type, index))
        for node_type in ("drug", "disease")
        for index in range(0, demo_graph.num_nodes[node_type], 40)
    )
    expected = 0
    for edge_type, index in demo_graph.edges.items():
        for row, node_type in zip(index, (edge_type.source, edge_type.target), strict=True):
            if node_type in ("drug", "disease"):
                expected += int((row % 40 == 0).sum())
    assert seen == expected
