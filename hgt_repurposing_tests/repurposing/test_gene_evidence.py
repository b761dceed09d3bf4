"""What the graph says about a drug's genes: worked examples, and that the pair's own treatment says nothing."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from scipy.sparse import csr_array

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, FloatArray
from hgt_repurposing.repurposing.gene_evidence import QUESTIONS, GeneEvidence
from hgt_repurposing.repurposing.shared_genes import SharedGenes
from hgt_repurposing_tests.graph.small_graphs import graph_of
from hgt_repurposing_tests.repurposing.planted import INDICATION, planted_graph, planted_pairs, with_pairs

SIZES = {"drug": 4, "disease": 3, "gene": 4, "pathway": 2}
TREATS = [(0, 0), (1, 0), (2, 0), (0, 1), (3, 2)]
EDGES = {
    ("drug", "indication", "disease"): TREATS,
    ("drug", "targets", "gene"): [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1), (3, 2)],
    ("disease", "carries", "gene"): [(0, 0), (0, 3), (1, 1), (2, 2)],
    ("gene", "interacts", "gene"): [(1, 3)],
    ("gene", "in", "pathway"): [(2, 0), (3, 0), (0, 1)],
}


def ratios(name: str, graph: KnowledgeGraph | None = None) -> FloatArray:
    """Answers for drug 0 and disease 0, without the logarithm."""
    found = GeneEvidence.of(graph or graph_of(SIZES, EDGES)).answers(0, 0)
    return np.exp(found.values[:, list(QUESTIONS).index(name)])


def require(name: str, expected: Sequence[float] | FloatArray) -> None:
    np.testing.assert_allclose(ratios(name), expected)


def test_the_genes_are_those_of_the_drug() -> None:
    found = GeneEvidence.of(graph_of(SIZES, EDGES)).answers(0, 0)
    assert found.genes.tolist() == [0, 1, 2]
    assert found.values.shape == (3, len(QUESTIONS))


def test_a_gene_of_the_disease_counts_by_its_rarity() -> None:
    require("carried", [3.5 / 1.5, 1, 1])  # one of three diseases carries it


def test_neighbours_that_the_disease_carries_count() -> None:
    # Gene 1 is joined to gene 3, which the disease carries; of the two genes that are joined to any, one is carried.
    require("interacting", [1, 1.5 / 1, 1])


def test_genes_of_the_same_pathway_count_by_its_size_and_not_the_gene_itself() -> None:
    # Gene 2 shares a pathway of two genes with gene 3; gene 0 is alone in its own. Of 5 nodes of the relation, 2 are
    # genes of the disease.
    require("pathway", [1, 1, (0.5 + 0.5) / (0.5 * 2 / 5 + 0.5)])


def test_other_treating_drugs_count_against_all_drugs() -> None:
    # Drugs 1 and 2 treat disease 0 too: both reach gene 0, one gene 1, none gene 2.
    shares = np.array([3.5, 2.5, 2.5]) / 4.5
    require("treating", (np.array([2, 1, 0]) + 0.5) / (2 * shares + 0.5))


def test_other_diseases_of_the_drug_count_against_all_diseases() -> None:
    require("uses", [0.5 / (1.5 / 3.5 + 0.5), 1.5 / (1.5 / 3.5 + 0.5), 0.5 / (1.5 / 3.5 + 0.5)])


def test_drugs_of_similar_diseases_count_by_similarity() -> None:
    # Disease 1 now carries gene 3 as disease 0 does: drug 3, which treats it, counts.
    graph = graph_of(
        SIZES,
        {
            **EDGES,
            ("drug", "indication", "disease"): [*TREATS, (3, 1)],
            ("disease", "carries", "gene"): [*EDGES["disease", "carries", "gene"], (1, 3)],
        },
    )
    similar = GeneEvidence.of(graph).similarity(0)
    assert similar[0] == 0
    assert similar[1] > similar[2] == 0
    # It alone reaches gene 2. Drug 0 treats disease 1, too, but does not speak for its own genes.
    expected = (np.array([0, 0, similar[1]]) + 0.5) / (similar[1] * np.array([3.5, 2.5, 2.5]) / 4.5 + 0.5)
    np.testing.assert_allclose(ratios("similar", graph), expected)


def test_treatments_that_others_explain_by_the_gene_count() -> None:
    # Without drug 0 there are three treatments: of disease 0 by drugs 1 and 2, which reach its gene 0, and of disease 2
    # by drug 3, which reaches its gene 2. Gene 0: 2 such uses, expected 2 x 2 / 3.
    require("effect", [2.5 / (4 / 3 + 0.5), 1, 1.5 / (1 / 3 + 0.5)])


def test_genes_of_few_drugs_are_specific() -> None:
    require("specific", [4.5 / 3.5, 4.5 / 2.5, 4.5 / 2.5])


def test_a_drug_without_genes_has_no_answers() -> None:
    graph = graph_of({**SIZES, "drug": 5}, EDGES)
    assert GeneEvidence.of(graph).answers(4, 0).values.shape == (0, len(QUESTIONS))


def test_a_graph_without_pathways_and_without_treatments_has_answers() -> None:
    edges = {
        ("drug", "targets", "gene"): EDGES["drug", "targets", "gene"],
        ("disease", "carries", "gene"): EDGES["disease", "carries", "gene"],
    }
    assert np.isfinite(GeneEvidence.of(graph_of(SIZES, edges)).answers(0, 0).values).all()


@pytest.mark.parametrize("disease", [0, 1, 7, 12])
def test_whether_the_pair_is_a_known_treatment_changes_nothing(disease: int) -> None:
    graph, pairs = planted_graph(), planted_pairs()
    for drug in range(0, 60, 7):
        others = pairs[:, (pairs[0] != drug) | (pairs[1] != disease)]
        with_it = np.concatenate([others, [[drug], [disease]]], axis=1)
        found = [
            GeneEvidence.of(with_pairs(graph, INDICATION, np.unique(known, axis=1))).answers(drug, disease).values
            for known in (others, with_it)
        ]
        np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-12)


# relations


def by_hand(genes: csr_array, treats: FloatArray, drug: int) -> tuple[float, float]:
    """Sums over all pairs of other treating drugs, one by one."""
    dense = genes.toarray() / np.sqrt(np.maximum(genes.toarray().sum(axis=0), 1))
    others = [d for d in range(len(treats)) if treats[d].any() and d != drug]
    unit = dense / np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-9)
    cosines = {(a, b): float(unit[a] @ unit[b]) for a, b in product(others, others) if a < b}
    peers = {pair for pair in cosines if (treats[pair[0]] * treats[pair[1]]).any()}
    observed = sum(cosines[pair] for pair in peers)
    return observed, len(peers) * sum(cosines.values()) / len(cosines)


def test_shared_genes_are_those_of_all_pairs_of_other_drugs() -> None:
    generator = np.random.default_rng(0)
    genes = csr_array((generator.random((12, 20)) < 0.3).astype(float))
    treats = (generator.random((12, 5)) < 0.25).astype(float)
    shared = SharedGenes.of(genes, csr_array(treats))
    for drug in range(12):
        observed, expected = by_hand(genes, treats, drug)
        assert shared.observed(drug) == pytest.approx(observed, abs=1e-6)
        assert shared.expected(drug) == pytest.approx(expected, abs=1e-6)


def test_a_relation_by_which_drugs_of_one_disease_share_genes_is_worth_more_than_another() -> None:
    binds = [(drug, drug // 2) for drug in range(8)]
    changes = [(drug, 4 + drug % 4) for drug in range(8)]
    graph = graph_of(
        {"drug": 8, "disease": 4, "gene": 8},
        {
            ("drug", "indication", "disease"): [(drug, drug // 2) for drug in range(8)],
            ("drug", "binds", "gene"): binds,
            ("drug", "changes", "gene"): changes,
            ("disease", "carries", "gene"): [(0, 0)],
        },
    )
    values = GeneEvidence.of(graph).answers(0, 0).values
    bound, changed = values[:, list(QUESTIONS).index("relation")]
    assert bound > 0 > changed


def test_relations_of_a_gene_are_named() -> None:
    evidence = GeneEvidence.of(graph_of(SIZES, EDGES))
    assert evidence.relations_of(0, 2) == (EdgeType("drug", "targets", "gene"),)
    assert evidence.relations_of(1, 2) == ()
