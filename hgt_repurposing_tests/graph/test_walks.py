import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from hgt_repurposing.graph import walks as module
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, FloatArray, TherapeuticRelations
from hgt_repurposing.graph.walks import (
    damped,
    gene_incidence,
    gene_relations,
    incidence,
    relatives,
    top_of_rows,
    unit_rows,
    walks,
)
from hgt_repurposing_tests.graph.small_graphs import Ends, graph_of
from hgt_repurposing_tests.strategies import knowledge_graphs

TARGETS, INTERACTS = EdgeType("drug", "targets", "gene"), EdgeType("gene", "interacts", "gene")
# drug 0 - genes 0 and 1, drug 1 - gene 1; disease 0 - gene 1, disease 1 - gene 2; genes 1 and 2 interact.
EDGES: dict[tuple[str, str, str], Ends] = {
    ("drug", "indication", "disease"): [(0, 0)],
    TARGETS: [(0, 0), (0, 1), (1, 1)],
    ("disease", "associates", "gene"): [(0, 1), (1, 2)],
    INTERACTS: [(1, 2)],
    ("drug", "causes", "effect"): [(0, 0)],
    ("gene", "part_of", "pathway"): [(1, 0)],
    ("drug", "resembles", "drug"): [(0, 1)],
}
SIZES = {"drug": 2, "disease": 2, "gene": 3, "effect": 2, "pathway": 1}
GRAPH = graph_of(SIZES, EDGES)
HALF = math.sqrt(0.5)


def weights(graph: KnowledgeGraph, start: str, name: str) -> FloatArray:
    (found,) = (walk.weights for walk in walks(graph, start) if walk.name == name)
    dense: FloatArray = found.toarray()
    return dense


def by_name(graph: KnowledgeGraph, start: str) -> dict[str, list[list[float]]]:
    return {walk.name: walk.weights.toarray().tolist() for walk in walks(graph, start)}


# one relation


def test_an_incidence_is_seen_from_either_end() -> None:
    assert incidence(GRAPH, TARGETS, start="drug").toarray().tolist() == [[1, 1, 0], [0, 1, 0]]
    assert incidence(GRAPH, TARGETS, start="gene").toarray().tolist() == [[1, 0], [1, 1], [0, 0]]


def test_an_incidence_within_a_type_knows_no_direction() -> None:
    both = graph_of(SIZES, {**EDGES, INTERACTS: [(1, 2), (2, 1), (0, 1)]})
    expected = [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    assert incidence(both, INTERACTS, start="gene").toarray().tolist() == expected


def test_an_incidence_from_a_type_that_it_does_not_touch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(drug, targets, gene\) does not join 'disease'"):
        incidence(GRAPH, TARGETS, start="disease")


def test_damping_divides_by_the_roots_of_both_degrees() -> None:
    found = damped(csr_array(np.array([[1.0, 1, 0], [0, 1, 0], [0, 0, 0]])))
    np.testing.assert_allclose(found.toarray(), [[HALF, 0.5, 0.0], [0.0, HALF, 0.0], [0.0, 0.0, 0.0]], rtol=1e-6)
    assert found.dtype == np.float32


@given(hnp.arrays(np.float64, (4, 5), elements=st.integers(0, 3).map(float)))
def test_rows_become_of_unit_length_unless_empty(matrix: FloatArray) -> None:
    lengths = np.linalg.norm(unit_rows(csr_array(matrix)).toarray(), axis=1)
    np.testing.assert_allclose(lengths, matrix.any(axis=1), rtol=1e-6)  # float32


# walks


def test_walks_of_one_step_are_the_damped_incidences() -> None:
    np.testing.assert_allclose(weights(GRAPH, "drug", "targets"), [[HALF, 0.5, 0], [0, HALF, 0]], rtol=1e-6)


def test_walks_of_two_steps_are_counted_through_the_genes() -> None:
    # drug 0 - gene 1 - gene 2 at .5 x 1, drug 1 - gene 1 - gene 2 at 1/sqrt(2) x 1; gene 0 leads nowhere.
    expected = [[0, 0, 0.5], [0, 0, HALF]]
    np.testing.assert_allclose(weights(GRAPH, "drug", "targets-interacts"), expected, rtol=1e-6)
    np.testing.assert_allclose(weights(GRAPH, "drug", "targets-part_of"), [[0.5], [HALF]], rtol=1e-6)


def test_walks_are_sorted_by_length_and_name() -> None:
    assert [walk.name for walk in walks(GRAPH, "drug")] == ["causes", "targets", "targets-interacts", "targets-part_of"]
    names = ["associates", "associates-interacts", "associates-part_of"]
    assert [walk.name for walk in walks(GRAPH, "disease")] == names


def test_walks_say_where_they_end() -> None:
    assert [walk.end for walk in walks(GRAPH, "drug")] == ["effect", "gene", "gene", "pathway"]


def test_only_genes_lead_on() -> None:
    further = graph_of(SIZES, {**EDGES, ("effect", "arises_in", "pathway"): [(0, 0)]})
    assert by_name(further, "drug") == by_name(GRAPH, "drug")


def test_a_walk_does_not_turn_back_along_its_relation() -> None:
    lonely = graph_of(SIZES, {("drug", "indication", "disease"): [(0, 0)], TARGETS: [(0, 1), (1, 1)]})
    assert list(by_name(lonely, "drug")) == ["targets"]


def test_a_relation_without_edges_is_no_walk() -> None:
    empty = graph_of(SIZES, {**EDGES, ("drug", "moves", "effect"): []})
    assert by_name(empty, "drug") == by_name(GRAPH, "drug")


@pytest.mark.parametrize("start", ["drug", "disease"])
@given(graph=knowledge_graphs())
def test_walks_never_enter_drugs_or_diseases(start: str, graph: KnowledgeGraph) -> None:
    assert not {"drug", "disease"} & {walk.end for walk in walks(graph, start)}


@pytest.mark.parametrize("start", ["drug", "disease"])
@given(graph=knowledge_graphs())
def test_treatments_change_no_walk(start: str, graph: KnowledgeGraph) -> None:
    without = graph.without(edge_type for edge_type in graph.edges if graph.is_drug_disease(edge_type))
    assert by_name(graph, start) == by_name(without, start)


@given(st.permutations(list(EDGES)))
def test_the_order_of_relations_does_not_matter(order: list[tuple[str, str, str]]) -> None:
    turned = graph_of(SIZES, {edge_type: EDGES[edge_type] for edge_type in order})
    assert [walk.name for walk in walks(turned, "drug")] == [walk.name for walk in walks(GRAPH, "drug")]
    assert by_name(turned, "drug") == by_name(GRAPH, "drug")


def test_the_direction_in_which_a_relation_is_stored_does_not_matter() -> None:
    edges = {edge_type: ends for edge_type, ends in EDGES.items() if edge_type != TARGETS}
    turned = graph_of(SIZES, {**edges, ("gene", "targets", "drug"): [(0, 0), (1, 0), (1, 1)]})
    assert by_name(turned, "drug") == by_name(GRAPH, "drug")


def test_walks_of_two_steps_keep_the_heaviest_entries_of_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    edges: dict[tuple[str, str, str], Ends] = {**EDGES, INTERACTS: [(0, 1), (1, 2), (0, 2)]}
    whole = weights(graph_of(SIZES, edges), "drug", "targets-interacts")
    monkeypatch.setattr(module, "MAX_ENTRIES", 2)  # one for each of two drugs
    kept = weights(graph_of(SIZES, edges), "drug", "targets-interacts")
    assert (kept > 0).sum(axis=1).tolist() == [1, 1]
    np.testing.assert_array_equal(kept.max(axis=1), whole.max(axis=1))


# one relation between many types

RELATED = graph_of(
    SIZES, {t if t[1] == "indication" else (t[0], "related_to", t[2]): ends for t, ends in EDGES.items()}
)


@pytest.mark.parametrize("start", ["drug", "disease"])
def test_walks_are_told_apart_by_their_types_where_their_relations_have_one_name(start: str) -> None:
    def dense(graph: KnowledgeGraph) -> list[list[list[float]]]:
        return sorted(walk.weights.toarray().tolist() for walk in walks(graph, start))

    assert dense(RELATED) == dense(GRAPH)
    names = [walk.name for walk in walks(RELATED, start)]
    assert len(set(names)) == len(names)


def test_a_relation_shows_its_types_where_others_have_its_name_and_only_there() -> None:
    edges: dict[tuple[str, str, str], Ends] = {**EDGES, ("drug", "part_of", "pathway"): [(0, 0)]}
    assert [walk.name for walk in walks(graph_of(SIZES, edges), "drug")] == [
        "(drug, part_of, pathway)",
        "causes",
        "targets",
        "(drug, part_of, pathway)-(gene, part_of, pathway)",
        "targets-(gene, part_of, pathway)",
        "targets-interacts",
    ]


def test_a_treatment_of_the_same_name_changes_no_name() -> None:
    graph = graph_of(SIZES, {**EDGES, ("drug", "targets", "disease"): [(0, 1)]})
    assert by_name(graph, "drug") == by_name(GRAPH, "drug")


# genes


def test_the_relations_to_genes_are_those_that_the_source_names() -> None:
    edges: dict[tuple[str, str, str], Ends] = {**EDGES, ("drug", "upregulates", "gene"): [(1, 2)]}
    named = TherapeuticRelations(drug_gene=["targets"])
    assert [t.relation for t in gene_relations(graph_of(SIZES, edges), "drug")] == ["targets", "upregulates"]
    assert gene_relations(graph_of(SIZES, edges, therapeutic=named), "drug") == [TARGETS]
    assert [walk.name for walk in walks(graph_of(SIZES, edges, therapeutic=named), "drug")] == [
        "causes",
        "targets",
        "upregulates",
        "targets-interacts",
        "targets-part_of",
    ]


def test_genes_of_all_relations_and_types_stand_side_by_side() -> None:
    edges: dict[tuple[str, str, str], Ends] = {
        **EDGES,
        ("drug", "upregulates", "gene"): [(0, 1), (1, 2)],
        ("drug", "acts_in", "pathway"): [(1, 0)],
    }
    found = gene_incidence(graph_of(SIZES, edges), "drug")
    assert found.toarray().tolist() == [[1, 1, 0, 0], [0, 1, 1, 1]]  # genes 0 to 2, then the pathway
    assert found.dtype == np.float32


def test_a_graph_without_genes_has_an_incidence_without_columns() -> None:
    graph = graph_of({"drug": 3, "disease": 2}, {("drug", "indication", "disease"): [(0, 0)]})
    assert gene_incidence(graph, "drug").shape == (3, 0)
    assert gene_incidence(graph, "disease").shape == (2, 0)


def test_relatives_are_relations_within_the_type() -> None:
    found = relatives(graph_of(SIZES, {**EDGES, ("drug", "interacts_with", "drug"): []}), "drug")
    assert {name: matrix.toarray().tolist() for _, name, matrix in found} == {"resembles": [[0, 1], [1, 0]]}
    assert relatives(GRAPH, "disease") == []


# the largest of each row


@given(hnp.arrays(np.float64, (3, 6), elements=st.integers(0, 3).map(float)), st.integers(1, 7))
def test_the_largest_entries_of_a_row_stay_and_of_equal_ones_the_first(matrix: FloatArray, count: int) -> None:
    expected = np.zeros_like(matrix)
    for row, values in enumerate(matrix):
        for column in sorted(np.flatnonzero(values), key=lambda column: (-values[column], column))[:count]:
            expected[row, column] = values[column]
    np.testing.assert_array_equal(top_of_rows(csr_array(matrix), count).toarray(), expected)
