"""New diseases and drugs are added to a graph without a change to anything else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.new_node_links import Described, join, relation_meant
from hgt_repurposing.graph.new_nodes import ExtendedGraph, NewNode, id_after, taken_out, without_nodes
from hgt_repurposing.graph.schema import EdgeType, IntArray
from hgt_repurposing_tests.graph.small_graphs import graph_of
from hgt_repurposing_tests.repurposing.planted import NUM_DISEASES, planted_graph

HAS, PRESENTS, RESEMBLES = (
    EdgeType("disease", "associates", "gene"),
    EdgeType("disease", "presents", "effect"),
    EdgeType("disease", "resembles", "disease"),
)
TARGETS = EdgeType("drug", "targets", "gene")
GRAPH = replace(planted_graph(), disease_areas={"heart": np.array([0, 3, 29]), "skin": np.array([4])})


def index(*values: int) -> IntArray:
    return np.array(values, dtype=np.int64)


def test_new_nodes_come_last_and_everything_else_stays() -> None:
    new = [NewNode("mine", {HAS: index(3, 5), RESEMBLES: index(7)}), NewNode("yours", {PRESENTS: index(1)})]
    found = ExtendedGraph(GRAPH, "disease", new)
    assert found.graph.nodes_of("disease")["node_name"].tolist()[-2:] == ["mine", "yours"]
    assert found.indices.tolist() == [30, 31]
    for edge_type, edges in GRAPH.edges.items():
        kept = edges if edge_type not in (HAS, PRESENTS, RESEMBLES) else found.graph.edges[edge_type]
        there = set(map(tuple, found.graph.edges[edge_type].T.tolist()))
        assert set(map(tuple, edges.T.tolist())) <= there
        assert kept.shape[1] == len(there)
    assert {(30, 3), (30, 5)} == set(map(tuple, found.graph.edges[HAS].T.tolist())) - set(
        map(tuple, GRAPH.edges[HAS].T.tolist())
    )
    assert [7, 30] in found.graph.edges[RESEMBLES].T.tolist()  # an undirected edge from the lower index
    np.testing.assert_array_equal(found.graph.indications, GRAPH.indications)


def test_links_are_rows_of_the_new_nodes() -> None:
    found = ExtendedGraph(GRAPH, "disease", [NewNode("a", {HAS: index(2)}), NewNode("b", {HAS: index(0, 2)})])
    assert found.links(HAS).toarray()[:, :4].tolist() == [[0, 0, 1, 0], [1, 0, 1, 0]]
    assert found.links(PRESENTS).shape == (2, 40)
    assert found.links(PRESENTS).nnz == 0


def test_a_new_drug_is_the_source_of_its_edges() -> None:
    found = ExtendedGraph(GRAPH, "drug", [NewNode("mine", {TARGETS: index(4)})])
    assert [60, 4] in found.graph.edges[TARGETS].T.tolist()


@given(st.text(min_size=1))
def test_ids_of_new_nodes_sort_after_any_other(last: str) -> None:
    assert id_after(last) + "1" > last


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ({}, "'mine' is joined to nothing"),
        ({HAS: index()}, "'mine' is joined to nothing"),
        ({TARGETS: index(1)}, "is no relation of 'disease'"),
        ({EdgeType("disease", "eats", "gene"): index(1)}, "is no relation of 'disease'"),
        ({EdgeType("drug", "indication", "disease"): index(1)}, "has no treatment"),
    ],
)
def test_what_cannot_be_added_is_refused(links: dict[EdgeType, IntArray], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ExtendedGraph(GRAPH, "disease", [NewNode("mine", links)])


def test_only_drugs_and_diseases_are_added() -> None:
    with pytest.raises(ValueError, match="only a drug or a disease"):
        ExtendedGraph(GRAPH, "gene", [NewNode("mine", {HAS: index(1)})])
    with pytest.raises(ValueError, match="at least one new node"):
        ExtendedGraph(GRAPH, "disease", [])


def test_nodes_taken_out_come_back_as_they_were() -> None:
    gone = index(2, NUM_DISEASES - 1)
    found = taken_out(GRAPH, "disease", gone)
    left = found.graph.base
    assert left.num_nodes["disease"] == NUM_DISEASES - 2
    kept = np.setdiff1d(np.arange(NUM_DISEASES), gone)
    assert left.nodes_of("disease")["node_id"].tolist() == GRAPH.nodes_of("disease")["node_id"].iloc[kept].tolist()
    assert left.disease_areas == {"heart": pytest.approx(index(0, 2)), "skin": pytest.approx(index(3))}
    back = found.graph.graph
    order = np.concatenate([kept, gone])
    for edge_type in (HAS, PRESENTS):
        was, now = (set(map(tuple, g.edges[edge_type].T.tolist())) for g in (GRAPH, back))
        assert was == {(int(order[disease]), other) for disease, other in now}
    old = {frozenset(pair) for pair in GRAPH.edges[RESEMBLES].T.tolist()}
    new = {frozenset(int(order[end]) for end in pair) for pair in back.edges[RESEMBLES].T.tolist()}
    assert new == {pair for pair in old if len(pair & set(gone.tolist())) < 2}
    assert not np.isin(back.indications[1], found.graph.indices).any()


def test_a_node_with_treatments_alone_cannot_come_back() -> None:
    bare = graph_of(
        {"drug": 2, "disease": 3, "gene": 2},
        {("drug", "indication", "disease"): [(0, 0), (1, 1)], ("disease", "has", "gene"): [(1, 0), (2, 1)]},
    )
    assert taken_out(bare, "disease", index(0, 1)).nodes.tolist() == [1]
    with pytest.raises(ValueError, match="at least one new node"):
        taken_out(bare, "disease", index(0))


def test_without_nodes_of_one_type_the_others_keep_their_numbers() -> None:
    left = without_nodes(GRAPH, "drug", index(0))
    np.testing.assert_array_equal(left.edges[HAS], GRAPH.edges[HAS])
    assert left.edges[TARGETS][0].max() == 58


def test_names_and_ids_are_understood_without_case_and_prefix() -> None:
    found = join(GRAPH, "disease", Described("mine", {"genes": ["Gene AAAB", "0003"], "symptoms": ["effect aaaa"]}))
    assert {t: e.tolist() for t, e in found.node.links.items()} == {HAS: [1, 3], PRESENTS: [0]}
    assert not found.unknown
    assert found.in_words == "associates 2, presents 1"


def test_relations_and_node_types_are_understood_too() -> None:
    named = {"resembles": ["disease aaaa"], "gene": ["gene aaaa"], "similar_to": ["0002"]}
    found = join(GRAPH, "disease", Described("mine", named))
    assert {t: e.tolist() for t, e in found.node.links.items()} == {HAS: [0], RESEMBLES: [0, 2]}


def test_of_several_relations_to_genes_the_declared_one_is_meant_or_that_with_most_edges() -> None:
    edges = {
        ("drug", "indication", "disease"): [(0, 0)],
        ("disease", "has", "gene"): [(0, 0)],
        ("disease", "lacks", "gene"): [(0, 0), (0, 1)],
        ("disease", "in", "pathway"): [(0, 0), (0, 1), (0, 2)],
    }
    graph = graph_of({"drug": 1, "disease": 1, "gene": 2, "pathway": 3}, edges)
    assert relation_meant(graph, "disease", "genes").relation == "lacks"
    declared = replace(graph, therapeutic=graph.therapeutic.model_copy(update={"disease_gene": ["has"]}))
    assert relation_meant(declared, "disease", "genes").relation == "has"


def test_unknown_names_are_refused_or_skipped_and_said() -> None:
    described = Described("mine", {"genes": ["gene aaaa", "gene aaXb"]})
    with pytest.raises(ValueError, match=r"'mine': 'gene aaXb': no gene has this id or name, did you mean 'gene aaab'"):
        join(GRAPH, "disease", described)
    found = join(GRAPH, "disease", described, skip_unknown=True)
    assert found.node.links[HAS].tolist() == [0]
    assert len(found.unknown) == 1


def test_unknown_relations_are_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="no relation of 'disease' means 'presens': did you mean 'presents'"):
        relation_meant(GRAPH, "disease", "presens")
    with pytest.raises(ValueError, match="no relation of 'drug' means 'similar_to'"):
        relation_meant(GRAPH, "drug", "similar_to")
    with pytest.raises(ValueError, match="means 'indication'"):
        relation_meant(GRAPH, "disease", "indication")


def test_nothing_but_unknown_names_is_nothing() -> None:
    with pytest.raises(ValueError, match="joined to nothing"):
        join(GRAPH, "disease", Described("mine", {"genes": ["no such"]}), skip_unknown=True)
