"""What is said of a graph that looks like a mistake, and that nothing is said of one that does not."""

from dataclasses import replace

import numpy as np
import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.notices import isolated_nodes, notices
from hgt_repurposing.graph.schema import TherapeuticRelations
from hgt_repurposing_tests.graph.small_graphs import Ends, graph_of

SIZES = {"drug": 2, "disease": 2, "gene": 3}
EDGES: dict[tuple[str, str, str], Ends] = {
    ("drug", "indication", "disease"): [(0, 0)],
    ("drug", "target", "gene"): [(0, 1), (1, 0), (1, 2)],
}
TURNED: Ends = [(0, 1), (1, 0), (2, 1)]


def test_nothing_is_said_of_a_graph_that_is_as_it_should_be(demo_graph: KnowledgeGraph) -> None:
    assert list(notices(demo_graph)) == []


def test_two_relations_with_the_same_edges_turned_round_are_told() -> None:
    (said,) = notices(graph_of(SIZES, {**EDGES, ("gene", "rev_target", "drug"): TURNED}))
    assert said == (
        "(drug, target, gene) and (gene, rev_target, drug) hold the same 3 edges in opposite directions: if they "
        "mean the same, leave one out with exclude ('target' or 'rev_target')"
    )


@pytest.mark.parametrize("ends", [[*TURNED, (0, 0)], [(0, 1), (1, 0), (2, 0)]], ids=["some more", "as many others"])
def test_a_relation_the_other_way_with_edges_of_its_own_is_not_told(ends: Ends) -> None:
    assert list(notices(graph_of(SIZES, {**EDGES, ("gene", "rev_target", "drug"): ends}))) == []


def test_two_symmetric_relations_with_the_same_edges_are_told() -> None:
    twice: dict[tuple[str, str, str], Ends] = {("gene", r, "gene"): [(0, 1), (1, 2)] for r in ("parent", "child")}
    (said,) = notices(graph_of(SIZES, EDGES | twice))
    assert "(gene, child, gene) and (gene, parent, gene) hold the same 2 edges" in said


@pytest.mark.parametrize("other", ["Target", "tar get", "tar\u200bget", "TARGET"])
def test_relations_that_differ_by_case_or_white_space_are_told(other: str) -> None:
    (said,) = notices(graph_of(SIZES, {**EDGES, ("drug", other, "gene"): [(0, 0)]}))
    one, two = sorted(["target", other])
    assert said.startswith(f"the relations {one!r} and {two!r} differ only by case or white space but count as two")


def test_node_types_that_differ_by_case_are_told() -> None:
    (said,) = notices(graph_of({**SIZES, "Gene": 1}, EDGES))
    assert said.startswith("the node types 'Gene' and 'gene' differ only by case or white space")


def test_isolated_nodes_are_counted_by_type() -> None:
    assert isolated_nodes(graph_of(SIZES, EDGES)) == [("disease", 1, 2)]


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("contraindication", "contraindications"),
        ("not_indicated", "pairs recorded as not indicated"),
        ("off_label", "off-label uses"),
    ],
)
def test_pairs_that_are_an_indication_and_something_else_are_counted(setting: str, what: str) -> None:
    names = TherapeuticRelations.model_validate({setting: ["said"]})
    both: dict[tuple[str, str, str], Ends] = {
        ("drug", "said", "disease"): [(0, 0), (1, 1)],
    }
    (said,) = notices(replace(graph_of(SIZES, EDGES | both), therapeutic=names))
    assert said == f"1 of 2 {what} are also indications: they count and are listed as indications"


def test_edges_that_bear_a_treatments_name_and_join_something_else_are_counted() -> None:
    (said,) = notices(graph_of(SIZES, {**EDGES, ("drug", "indication", "gene"): [(0, 0), (1, 0)]}))
    assert said.startswith("2 edges (drug, indication, gene) have the name of a drug-disease relation but join other")


def test_a_graph_in_which_nothing_counts_as_genes_is_told() -> None:
    edges: dict[tuple[str, str, str], Ends] = {
        ("drug", "indication", "disease"): [(0, 0)],
        ("drug", "target", "locus"): [(0, 1)],
    }
    (said,) = notices(graph_of({"drug": 2, "disease": 2, "locus": 3}, edges))
    assert said.startswith("no node type is named after genes, proteins or pathways ('disease', 'drug', 'locus'): feat")


def test_areas_that_hold_no_treated_disease_are_told() -> None:
    graph = graph_of({**SIZES, "disease": 4}, EDGES)
    assert list(notices(replace(graph, disease_areas={"renal": np.array([0, 1])}))) == []
    (said,) = notices(replace(graph, disease_areas={"renal": np.array([1, 2])}))
    assert said.startswith("none of the 1 diseases with a treatment is in a disease area, so there is nothing to break")


def test_areas_that_are_hardly_more_than_diseases_are_told() -> None:
    graph = graph_of({**SIZES, "disease": 4}, EDGES)
    two = {"a": np.array([0, 1]), "b": np.array([2, 3])}
    assert list(notices(replace(graph, disease_areas=two))) == []
    (said,) = notices(replace(graph, disease_areas={**two, "c": np.array([0])}))
    assert said.startswith("there are 3 disease areas for 4 diseases: a relation in is_a must lead from the narrower")


def test_areas_that_differ_by_case_alone_are_told() -> None:
    graph = graph_of({**SIZES, "disease": 4}, EDGES)
    areas = {"renal": np.array([0, 1]), "Renal": np.array([2, 3])}
    (said,) = notices(replace(graph, disease_areas=areas))
    assert "the disease areas 'Renal' and 'renal' differ only by case or white space but count as two" in said
