"""Genes are ranked by the weighted sum of what the graph says, and the reasons are those that weigh most."""

import numpy as np
import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.repurposing.evidence_paths import Node
from hgt_repurposing.repurposing.gene_evidence import QUESTIONS
from hgt_repurposing.repurposing.gene_ranking import MIN_PART, WEIGHTS, GeneRanker, weighted
from hgt_repurposing_tests.graph.small_graphs import graph_of

SIZES = {"drug": 5, "disease": 3, "gene": 3, "protein": 2}
TREATS = [(0, 0), (1, 0), (2, 0), (0, 1), (3, 2)]


def small() -> KnowledgeGraph:
    """Three drugs treat disease 0 and reach its gene 1; drug 0 reaches a gene and a protein as well."""
    return graph_of(
        SIZES,
        {
            ("drug", "indication", "disease"): TREATS,
            ("drug", "targets", "gene"): [(0, 0), (0, 1), (1, 1), (2, 1), (3, 0), (4, 0)],
            ("drug", "binds", "protein"): [(0, 1)],
            ("disease", "carries", "gene"): [(0, 1), (1, 1), (2, 2)],
        },
    )


def test_every_question_has_a_weight() -> None:
    assert list(WEIGHTS) == list(QUESTIONS)
    assert min(WEIGHTS.values()) >= 0


def test_the_score_is_the_weighted_sum() -> None:
    values = np.arange(2.0 * len(QUESTIONS)).reshape(2, -1)
    expected = [sum(WEIGHTS[name] * row[i] for i, name in enumerate(QUESTIONS)) for row in values]
    np.testing.assert_allclose(weighted(values), expected)


def test_the_gene_that_others_which_treat_the_disease_reach_and_it_carries_comes_first() -> None:
    first, *others = GeneRanker.of(small()).rank(0, 0)
    assert first.node == Node("gene", 1)
    assert first.relations == (EdgeType("drug", "targets", "gene"),)
    assert {gene.node for gene in others} == {Node("gene", 0), Node("protein", 1)}


def test_shares_are_those_of_a_softmax_and_fall() -> None:
    ranked = GeneRanker.of(small()).rank(0, 0)
    shares = [gene.share for gene in ranked]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    sums = [sum(gene.parts.values()) for gene in ranked]
    np.testing.assert_allclose(np.log(shares[1:]) - np.log(shares[0]), np.array(sums[1:]) - sums[0])


def test_the_reasons_say_what_the_graph_has() -> None:
    first, *others = GeneRanker.of(small()).rank(0, 0)
    assert "reached by 2 of 2 other drugs that treat the disease" in first.reasons
    assert "1 of 1 other diseases that the drug treats carry it" in first.reasons
    for gene in others:
        assert not any("treat the disease" in reason for reason in gene.reasons)


def test_the_strongest_reasons_come_first_and_weak_ones_are_not_said() -> None:
    (first, *_) = GeneRanker.of(small()).rank(0, 0)
    said = [name for name in sorted(first.parts, key=lambda name: -first.parts[name]) if first.parts[name] >= MIN_PART]
    assert len(first.reasons) == min(3, len([name for name in said if name != "relation"]))


def test_a_drug_without_genes_has_none_to_rank() -> None:
    graph = graph_of({**SIZES, "drug": 6}, dict(small().edges.items()))
    assert GeneRanker.of(graph).rank(5, 0) == ()
