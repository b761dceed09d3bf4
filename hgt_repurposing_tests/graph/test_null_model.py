from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.null_model import permute_edges, shuffled_labels
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, EdgeType, IntArray, TherapeuticRelations
from hgt_repurposing_tests.strategies import knowledge_graphs

seeds = st.integers(0, 2**32 - 1)
LABELS = EdgeType("drug", "indication", "disease")


def rewired(graph: KnowledgeGraph, seed: int = 0, swaps_per_edge: float = 5) -> KnowledgeGraph:
    return permute_edges(graph, swaps_per_edge=swaps_per_edge, generator=np.random.default_rng(seed))


def relabelled(graph: KnowledgeGraph, seed: int = 0) -> KnowledgeGraph:
    return shuffled_labels(graph, preserving="degrees", generator=np.random.default_rng(seed))


def degrees(graph: KnowledgeGraph, edge_type: EdgeType) -> list[list[int]]:
    """Of the sources and of the targets; of both together where the relation is symmetric."""
    index = graph.edges[edge_type]
    rows = [index.ravel()] if graph.is_symmetric(edge_type) else list(index)
    ends = (edge_type.source, edge_type.target)
    return [np.bincount(row, minlength=graph.num_nodes[end]).tolist() for row, end in zip(rows, ends, strict=False)]


def self_loops(index: IntArray) -> int:
    return int(np.count_nonzero(index[0] == index[1]))


def genes_joined(pairs: list[tuple[int, int]], *, directed: list[str]) -> KnowledgeGraph:
    """Genes that regulate genes, and one drug that treats one disease."""
    num = max(map(max, pairs)) + 1
    nodes = [("drug", "0", ""), ("disease", "0", ""), *(("gene", f"{i:03}", "") for i in range(num))]
    edges = [("gene", f"{one:03}", "regulates", "gene", f"{other:03}") for one, other in pairs]
    return build_knowledge_graph(
        pd.DataFrame(nodes, columns=list(NODE_COLUMNS)),
        pd.DataFrame([("drug", "0", "indication", "disease", "0"), *edges], columns=list(EDGE_COLUMNS)),
        therapeutic=TherapeuticRelations(),
        directed_relations=directed,
    )


# properties


@pytest.mark.parametrize("change", [rewired, relabelled])
@given(graph=knowledge_graphs(), seed=seeds)
def test_every_node_keeps_its_degree_in_every_relation(
    change: Callable[[KnowledgeGraph, int], KnowledgeGraph], graph: KnowledgeGraph, seed: int
) -> None:
    changed = change(graph, seed)
    assert list(changed.edges) == list(graph.edges)
    for edge_type in graph.edges:
        assert degrees(changed, edge_type) == degrees(graph, edge_type)


@given(knowledge_graphs(), seeds)
def test_no_edge_is_doubled_and_none_made_from_a_node_to_itself(graph: KnowledgeGraph, seed: int) -> None:
    changed = rewired(graph, seed)
    for edge_type, index in changed.edges.items():
        np.testing.assert_array_equal(index, np.unique(index, axis=1))  # in order, too
        if edge_type.source == edge_type.target:
            assert self_loops(index) <= self_loops(graph.edges[edge_type])
        if graph.is_symmetric(edge_type):
            assert (index[0] <= index[1]).all()


@given(knowledge_graphs(), seeds)
def test_the_labels_stay_when_the_graph_is_permuted_and_the_graph_when_they_are(
    graph: KnowledgeGraph, seed: int
) -> None:
    np.testing.assert_array_equal(rewired(graph, seed).edges[LABELS], graph.edges[LABELS])
    relabelled_graph = relabelled(graph, seed)
    for edge_type in set(graph.edges) - {LABELS}:
        np.testing.assert_array_equal(relabelled_graph.edges[edge_type], graph.edges[edge_type])


@given(knowledge_graphs(), seeds)
def test_shuffled_labels_keep_their_number(graph: KnowledgeGraph, seed: int) -> None:
    shuffled = shuffled_labels(graph, preserving="count", generator=np.random.default_rng(seed))
    assert shuffled.indications.shape == graph.indications.shape


def test_shuffled_labels_reach_drugs_and_diseases_that_had_none(toy_graph: KnowledgeGraph) -> None:
    # Three indications, of two drugs and two diseases; D3 and disease 3 have none, and five cells of nine are theirs.
    reached = [
        shuffled_labels(toy_graph, preserving="count", generator=np.random.default_rng(seed)).indications.max(axis=1)
        for seed in range(20)
    ]
    np.testing.assert_array_equal(np.max(reached, axis=0), [2, 2])


@given(knowledge_graphs(), seeds)
def test_the_given_graph_is_not_changed(graph: KnowledgeGraph, seed: int) -> None:
    before = graph.digest
    rewired(graph, seed)
    relabelled(graph, seed)
    again = KnowledgeGraph(graph.nodes, graph.edges, graph.therapeutic, graph.directed)
    assert again.digest == before


# on a graph of some size


def overlap(one: IntArray, other: IntArray) -> float:
    """Share of the edges of the first that the second has."""
    keys = [set(map(tuple, index.T.tolist())) for index in (one, other)]
    return len(keys[0] & keys[1]) / len(keys[0])


@pytest.mark.parametrize("relation", ["protein_protein", "drug_protein"])
def test_hardly_an_edge_stays_where_it_was(demo_graph: KnowledgeGraph, relation: str) -> None:
    edge_type = next(t for t in demo_graph.edges if t.relation == relation)
    changed = rewired(demo_graph, swaps_per_edge=10)
    # .05 and .01 measured: what chance would have in common, given the degrees.
    assert overlap(demo_graph.edges[edge_type], changed.edges[edge_type]) < 0.1
    assert degrees(changed, edge_type) == degrees(demo_graph, edge_type)


@pytest.mark.parametrize("preserving", ["count", "degrees"])
def test_hardly_an_indication_stays(demo_graph: KnowledgeGraph, preserving: str) -> None:
    shuffle = partial(shuffled_labels, demo_graph, preserving=preserving)  # type: ignore[arg-type]
    shuffled = shuffle(generator=np.random.default_rng(0))
    # .01 by count and .11 by degrees measured: popular drugs and diseases meet again by chance.
    assert overlap(demo_graph.indications, shuffled.indications) < 0.2


def test_a_directed_relation_keeps_in_and_out_degree_apart() -> None:
    circle = genes_joined([(i, (i + 1) % 50) for i in range(50)], directed=["regulates"])
    edge_type = EdgeType("gene", "regulates", "gene")
    changed = rewired(circle)
    assert degrees(changed, edge_type) == [[1] * 50, [1] * 50]
    assert self_loops(changed.edges[edge_type]) == 0
    assert overlap(circle.edges[edge_type], changed.edges[edge_type]) < 0.2


def test_either_end_of_a_symmetric_edge_may_be_exchanged() -> None:
    # Every gene below 25 is joined to one from 25 on; without turning edges round it would stay so.
    couples = genes_joined([(i, i + 25) for i in range(25)], directed=[])
    low = rewired(couples).edges[EdgeType("gene", "regulates", "gene")] < 25
    assert (low[0] == low[1]).any()


def test_one_seed_gives_one_graph(demo_graph: KnowledgeGraph) -> None:
    assert rewired(demo_graph, 1).digest == rewired(demo_graph, 1).digest
    assert rewired(demo_graph, 1).digest != rewired(demo_graph, 2).digest


def test_no_swap_changes_nothing(demo_graph: KnowledgeGraph) -> None:
    assert rewired(demo_graph, swaps_per_edge=0).digest == demo_graph.digest


def test_a_negative_number_of_swaps_is_an_error(toy_graph: KnowledgeGraph) -> None:
    with pytest.raises(ValueError, match=r"swaps_per_edge must not be negative \(got -1\)"):
        rewired(toy_graph, swaps_per_edge=-1)
