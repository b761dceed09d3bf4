"""HeteroData: reverse types, the order that samplers rely on, and the way to disk and back."""

import numpy as np
import pytest
import torch

from hgt_repurposing.graph.hetero_data import edge_arrays, from_parts, metadata, to_hetero_data, to_parts
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.schema import EdgeType


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
    with pytest.raises(ValueError, match="needs more than drug-disease edges"):
        to_hetero_data(message_graph(bare))
