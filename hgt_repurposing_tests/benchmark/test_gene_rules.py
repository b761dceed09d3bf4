"""Simple rules that rank genes: worked examples on a graph that one can draw."""

from collections.abc import Sequence

import numpy as np
import pytest

from hgt_repurposing.benchmark.gene_rules import EXPLANATION, RANDOM, explanation, rules
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.repurposing.gene_ranking import GeneRanker
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing_tests.graph.small_graphs import graph_of

SIZES = {"drug": 3, "disease": 2, "gene": 4, "pathway": 2}
GENES = np.array([0, 1, 2])


def small() -> KnowledgeGraph:
    return graph_of(
        SIZES,
        {
            ("drug", "indication", "disease"): [(0, 0), (1, 0), (2, 1)],
            ("drug", "targets", "gene"): [(0, 0), (0, 1), (0, 2), (1, 0), (1, 3), (2, 1), (2, 0)],
            ("disease", "carries", "gene"): [(0, 1), (1, 1), (0, 3), (0, 0)],
            ("gene", "in", "pathway"): [(2, 0), (3, 0), (0, 1)],
        },
    )


def require(name: str, expected: Sequence[float]) -> None:
    graph = small()
    np.testing.assert_allclose(rules(graph, neighbourhoods_of(graph).paths)[name](0, 0, GENES), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (RANDOM, [0, 0, 0]),
        ("number of drugs, highest first", [3, 2, 1]),
        ("number of drugs, lowest first", [-3, -2, -1]),
        ("degree, highest first", [5, 4, 2]),
        ("degree, lowest first", [-5, -4, -2]),
        ("genes of the disease", [1, 1, 0]),
        ("genes of the disease, rarest first", [1, 1 / 2, 0]),
        ("genes of other treating drugs", [1, 0, 0]),  # drug 1 alone: drug 0 is the one that is ranked
        ("genes of other treating drugs, rarest first", [1 / 3, 0, 0]),
    ],
)
def test_a_rule_is_what_it_says(name: str, expected: Sequence[float]) -> None:
    require(name, expected)


def test_a_metapath_counts_the_damped_paths_through_each_gene() -> None:
    # Ends of the first step: drug 0 has 3 targets, genes 0 and 1 have 3 and 2 drugs; of the second: disease 0 has 3
    # genes, genes 0 and 1 have 1 and 2 diseases.
    direct = [(3 * 3) ** -0.5 * (3 * 1) ** -0.5, (3 * 2) ** -0.5 * (3 * 2) ** -0.5, 0]
    require("paths targets ~ carries", direct)


def test_paths_through_a_pathway_count_for_the_gene_that_the_drug_reaches() -> None:
    every = rules(small(), neighbourhoods_of(small()).paths)
    (through,) = (name for name in every if "in ~ carries-in" in name)
    found = every[through](0, 0, GENES)
    assert found[2] > 0  # by way of gene 3, which the disease carries
    assert found[0] > 0  # its pathway has no other gene: the walk may come back
    assert found[1] == 0


def test_the_ranking_that_is_measured_is_that_of_explanations() -> None:
    graph = small()
    ranked = [gene.node.local_index for gene in GeneRanker.of(graph).rank(0, 0)]
    values = explanation(graph)(0, 0, GENES)
    assert ranked == np.argsort(-values, kind="stable").tolist()
    assert EXPLANATION not in rules(graph, neighbourhoods_of(graph).paths)
