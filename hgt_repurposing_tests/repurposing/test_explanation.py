"""Why a pair scores as it does: the evidence that is named is that of the graph, and explaining changes nothing."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.repurposing.decomposition import DISEASES_KEPT
from hgt_repurposing.repurposing.evidence_paths import Node
from hgt_repurposing.repurposing.explanation import Explainer, Explanation
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing_tests.repurposing.planted import (
    INDICATION,
    NUM_DISEASES,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    planted_split,
    with_pairs,
)


def explainer_of(graph: KnowledgeGraph) -> Explainer:
    inputs = planted_inputs(graph)
    params = QUICK.model_copy(update={"num_trees": 3})
    return Explainer(graph, Scorer.of_model(fit_repurposing_model(inputs, planted_split(graph), params), inputs))


@cache
def explainer() -> Explainer:
    return explainer_of(planted_graph())


def explain(drug: int, disease: int, *, top: int = 5) -> Explanation:
    return explainer().explain(drug, disease, top=top)


def uses_of(drug: int) -> set[int]:
    return set(planted_pairs()[1, planted_pairs()[0] == drug].tolist())


def treating(disease: int) -> set[int]:
    return set(planted_pairs()[0, planted_pairs()[1] == disease].tolist())


def test_only_diseases_that_the_drug_treats_are_similar_treated_ones() -> None:
    found = explain(3, 8)
    assert {similar.node.local_index for similar in found.similar_diseases} <= uses_of(3) - {8}
    assert found.similar_diseases


def test_only_drugs_that_treat_the_disease_are_similar_treating_ones() -> None:
    found = explain(3, 8)
    assert {similar.node.local_index for similar in found.similar_drugs} <= treating(8) - {3}
    assert found.similar_drugs


def test_the_most_similar_come_first_and_never_the_node_itself() -> None:
    for similar in (explain(3, 8).nearest_drugs, explain(3, 8).similar_drugs):
        values = [each.similarity for each in similar]
        assert values == sorted(values, reverse=True)
        assert Node("drug", 3) not in [each.node for each in similar]


def test_what_a_similar_drug_treats_is_what_the_graph_says() -> None:
    for similar in explain(3, 8).nearest_drugs:
        assert {node.local_index for node in similar.treats} == uses_of(similar.node.local_index)
        assert {node.node_type for node in similar.treats} == {"disease"}


def neighbours(node: Node, edge_type: EdgeType) -> set[int]:
    index = explainer().graph.edges[edge_type]
    mine, other = (0, 1) if edge_type.source == node.node_type else (1, 0)
    return set(index[other, index[mine] == node.local_index].tolist())


def test_what_two_have_in_common_both_have() -> None:
    found = explain(3, 8)
    for one, similar in ((Node("drug", 3), found.similar_drugs), (Node("disease", 8), found.similar_diseases)):
        for each in similar:
            for shared in each.shared:
                assert shared.node.local_index in neighbours(one, shared.edge_type)
                assert shared.node.local_index in neighbours(each.node, shared.edge_type)


def test_nodes_on_the_way_count_the_paths_through_them() -> None:
    found = explain(3, 8, top=500)
    shares: dict[Node, float] = {}
    for path in found.paths:
        for node in path.nodes[1:-1]:
            shares[node] = shares.get(node, 0) + path.share
    assert {each.node: pytest.approx(each.share) for each in found.through} == shares


def test_evidence_that_is_taken_out_of_the_graph_is_gone_from_the_explanation() -> None:
    before = explain(3, 8)
    gene = next(each.node for each in before.through if each.node.node_type == "gene")
    binds = EdgeType("drug", "targets", "gene")
    index = explainer().graph.edges[binds]
    kept = index[:, (index[0] != 3) | (index[1] != gene.local_index)]
    graph = with_pairs(explainer().graph, binds, kept)
    after = explainer_of(graph).explain(3, 8, top=500)
    steps = {(path.nodes[0], path.nodes[1]) for path in after.paths if path.edges[0] == binds}
    assert (Node("drug", 3), gene) not in steps


def test_a_treatment_that_is_taken_out_is_no_evidence() -> None:
    other = explain(3, 8).similar_drugs[0].node.local_index
    pairs = planted_pairs()
    graph = with_pairs(planted_graph(), INDICATION, pairs[:, (pairs[0] != other) | (pairs[1] != 8)])
    found = explainer_of(graph).explain(3, 8, top=50)
    assert other not in {similar.node.local_index for similar in found.similar_drugs}


def test_what_was_explained_before_changes_no_explanation() -> None:
    """One explainer keeps what the pairs of a disease share, until it is asked for more diseases than it keeps."""
    lasting = Explainer(explainer().graph, explainer().scorer)
    diseases = [8, 8, *range(DISEASES_KEPT), 8]
    for drug, disease in zip((3, 17, *range(0, 60, 60 // DISEASES_KEPT), 3), diseases, strict=False):
        one, other = (each.explain(drug, disease) for each in (lasting, fresh()))
        pd.testing.assert_frame_equal(one.decomposition.parts, other.decomposition.parts, check_exact=True)
        assert one.decomposition[:2] == other.decomposition[:2]
        assert one._replace(decomposition=other.decomposition) == other


def fresh() -> Explainer:
    """Without anything kept."""
    return Explainer(explainer().graph, explainer().scorer)


def test_explaining_changes_no_score() -> None:
    every = np.arange(NUM_DISEASES)
    before = explainer().scorer.indications(every)
    explain(1, 2)
    np.testing.assert_array_equal(explainer().scorer.indications(every), before)


def test_a_pair_without_anything_in_common_has_an_explanation_all_the_same() -> None:
    graph = planted_graph()
    graph = graph.without([EdgeType("drug", "targets", "gene")])
    graph = with_pairs(graph, EdgeType("drug", "targets", "gene"), np.array([[0], [0]]))
    found = explainer_of(graph).explain(59, 29)
    assert np.isfinite(found.decomposition.log_odds)


def test_genes_are_those_of_the_drug_the_likeliest_first() -> None:
    found = explain(3, 8, top=50)
    binds = EdgeType("drug", "targets", "gene")
    assert {gene.node.local_index for gene in found.genes} == neighbours(Node("drug", 3), binds)
    shares = [gene.share for gene in found.genes]
    assert shares == sorted(shares, reverse=True)
    assert len(explain(3, 8, top=2).genes) == 2
