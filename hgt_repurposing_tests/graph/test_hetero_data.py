"""HeteroData: reverse types, the order that samplers rely on, and the way to disk and back."""

import numpy as np
import pytest
import torch

from hgt_repurposing.graph.hetero_data import edge_arrays, from_parts, metadata, to_hetero_data, to_parts
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing_tests.graph.small_graphs import BACK, Back, reversed_by_its_owner


def test_every_relation_between_types_has_its_reverse_edge_by_edge(toy_graph: KnowledgeGraph) -> None:
    arrays = edge_arrays(to_hetero_data(toy_graph))
    hits = EdgeType("drug", "drug_protein", "gene/protein")
    assert np.array_equal(arrays[EdgeType("gene/protein", "rev_drug_protein", "drug")], arrays[hits][::-1])


def test_a_symmetric_relation_holds_both_directions_in_order(toy_graph: KnowledgeGraph) -> None:
    arrays = edge_arrays(to_hetero_data(toy_graph))
    binds = EdgeType("gene/protein", "protein_protein", "gene/protein")
    stored = toy_graph.edges[binds]
    assert np.array_equal(arrays[binds], np.concatenate([stored, stored[::-1]], axis=1))
    assert EdgeType("gene/protein", "rev_protein_protein", "gene/protein") not in arrays


def test_every_edge_type_knows_which_one_holds_its_edges_turned_round(toy_graph: KnowledgeGraph) -> None:
    found = metadata(to_hetero_data(toy_graph))
    assert len(found.rev_index) == len(found.relations)
    shown = {str(t): str(found.relations[i]) for t, i in zip(found.relations, found.rev_index, strict=True)}
    assert shown["(drug, drug_protein, gene/protein)"] == "(gene/protein, rev_drug_protein, drug)"
    assert shown["(gene/protein, rev_drug_protein, drug)"] == "(drug, drug_protein, gene/protein)"
    assert shown["(gene/protein, protein_protein, gene/protein)"] == "(gene/protein, protein_protein, gene/protein)"


@pytest.mark.parametrize("back", BACK)
def test_a_relation_called_as_a_reverse_keeps_its_edges_and_has_a_reverse_of_its_own(back: Back) -> None:
    graph = reversed_by_its_owner(back)
    data = to_hetero_data(graph)
    arrays, found = edge_arrays(data), metadata(data)
    assert len(arrays) == 2 * len(graph.edges)
    for edge_type, index in graph.edges.items():
        mirror = found.relations[found.rev_index[found.relations.index(edge_type)]]
        assert np.array_equal(arrays[edge_type], index)
        assert np.array_equal(arrays[mirror], index[::-1])
        assert mirror not in graph.edges
    assert [found.rev_index[i] for i in found.rev_index] == list(range(len(arrays)))


def test_a_reverse_whose_name_is_taken_has_another_one() -> None:
    shown = {edge_type.relation for edge_type in edge_arrays(to_hetero_data(reversed_by_its_owner("the same")))}
    assert shown == {"hits", "rev_rev_hits", "rev_hits", "has", "rev_has", "indication", "rev_indication"}


def test_isolated_nodes_are_counted(toy_graph: KnowledgeGraph) -> None:
    data = to_hetero_data(message_graph(toy_graph))
    assert data["gene/protein"].num_nodes == 4


def test_parts_round_trip_with_features(toy_graph: KnowledgeGraph) -> None:
    data = to_hetero_data(message_graph(toy_graph), features={"drug": np.eye(3)})
    back = from_parts(to_parts(data))
    assert metadata(back) == metadata(data)
    assert torch.equal(back["drug"].x, data["drug"].x)
    ours, theirs = edge_arrays(data), edge_arrays(back)
    assert all(np.array_equal(ours[edge_type], theirs[edge_type]) for edge_type in ours)


def test_features_of_another_length_are_refused(toy_graph: KnowledgeGraph) -> None:
    with pytest.raises(ValueError, match=r"features of 'drug' must have one row per node \(got shape \(2, 2\) for 3"):
        to_hetero_data(toy_graph, features={"drug": np.eye(2)})


def test_a_graph_of_drug_disease_edges_only_is_refused(toy_graph: KnowledgeGraph) -> None:
    bare = toy_graph.without(t for t in toy_graph.edges if not toy_graph.is_drug_disease(t))
    with pytest.raises(ValueError, match="needs edges other than drug-disease edges"):
        to_hetero_data(message_graph(bare))
