"""Is the gene that is ranked first the one through which the drug works: the measure, and that nothing leaks."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.benchmark.mechanisms import (
    METRICS,
    Case,
    Rankers,
    cases_of,
    of_first_cause,
    rank_cases,
    without_pairs,
)
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing_tests.graph.small_graphs import graph_of

SIZES = {"drug": 3, "disease": 3, "gene": 4}
EDGES = {
    ("drug", "indication", "disease"): [(0, 0), (0, 1), (1, 0), (2, 2)],
    ("drug", "palliates", "disease"): [(1, 0), (2, 1)],
    ("drug", "targets", "gene"): [(0, 0), (0, 1), (0, 2), (1, 1), (1, 3), (2, 3)],
    ("disease", "carries", "gene"): [(0, 1), (1, 2)],
}


CASES = [Case(*pair, np.array([0, 1]), np.array([True, False])) for pair in ((0, 0), (0, 1), (1, 0))]


def small() -> KnowledgeGraph:
    return graph_of(SIZES, EDGES)


def require(scores: Sequence[float], causes: Sequence[int], expected: Sequence[float]) -> None:
    values = np.array(scores, dtype=float)
    np.testing.assert_allclose(of_first_cause(values, np.isin(np.arange(len(values)), causes)), expected)


# the measure


def test_the_rank_of_the_only_cause_counts() -> None:
    require([3, 2, 1, 0], [0], [1, 1, 1])
    require([3, 2, 1, 0], [2], [1 / 3, 0, 1])
    require([3, 2, 1, 0], [3], [1 / 4, 0, 0])


def test_of_several_causes_the_best_ranked_counts() -> None:
    require([3, 2, 1, 0], [1, 3], [1 / 2, 0, 1])


def test_ties_count_as_their_mean() -> None:
    require([0, 0, 0, 0], [1], [(1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, 1 / 4, 3 / 4])
    require([0, 0, 0], [0, 1], [2 / 3 + 1 / 3 * 1 / 2, 2 / 3, 1])  # the first of the two is first in 4 of 6 orders


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6))
def test_the_mean_over_ties_is_that_of_all_orders(genes: list[tuple[int, bool]]) -> None:
    genes = [*genes, (1, True)]
    found = []
    for order in permutations(genes):
        ranked = sorted(order, key=lambda gene: -gene[0])
        rank = 1 + next(place for place, gene in enumerate(ranked) if gene[1])
        found.append([1 / rank, rank <= 1, rank <= 3])
    scores, causes = np.array([float(gene[0]) for gene in genes]), np.array([gene[1] for gene in genes])
    np.testing.assert_allclose(of_first_cause(scores, causes), np.mean(found, axis=0))


@pytest.mark.parametrize(("scores", "causes"), [([np.nan, 1.0], [True, False]), ([1.0, 2.0], [False, False])])
def test_what_cannot_be_ranked_is_refused(scores: list[float], causes: list[bool]) -> None:
    with pytest.raises(ValueError, match="scores must be finite and one gene must be a cause"):
        of_first_cause(np.array(scores), np.array(causes))


# which pairs


def test_a_gene_that_the_drug_does_not_reach_and_a_drug_with_one_gene_are_left_out_and_counted() -> None:
    found = cases_of(small(), np.array([[0, 0, 1, 2], [0, 1, 0, 2], [1, 3, 3, 3]]))
    assert [(case.drug, case.disease, case.genes.tolist(), case.is_cause.tolist()) for case in found.cases] == [
        (0, 0, [0, 1, 2], [False, True, False]),
        (1, 0, [1, 3], [False, True]),
    ]
    assert (found.num_not_reached, found.num_single) == (1, 1)


def test_all_known_genes_of_a_pair_are_causes() -> None:
    (case,) = cases_of(small(), np.array([[0, 0], [0, 0], [1, 2]])).cases
    assert case.is_cause.tolist() == [False, True, True]


# nothing leaks


def test_no_edge_between_held_out_drugs_and_diseases_is_left_by_whatever_relation() -> None:
    left = without_pairs(small(), np.array([[1, 2], [0, 2]]))
    between = {t.relation: index.T.tolist() for t, index in left.edges.items() if left.is_drug_disease(t)}
    assert between == {"indication": [[0, 0], [0, 1]], "palliates": [[2, 1]]}
    assert small().num_edges - left.num_edges == 3


def test_edges_from_disease_to_drug_are_taken_out_as_well() -> None:
    graph = graph_of(SIZES, {**EDGES, ("disease", "treated by", "drug"): [(0, 1), (2, 0)]})
    left = without_pairs(graph, np.array([[1], [0]]))
    assert {t.relation: index.T.tolist() for t, index in left.edges.items()}["treated by"] == [[2, 0]]


class Cheat:
    """Ranks the first gene of a pair first if it sees its treatment."""

    def __init__(self) -> None:
        self.seen: list[bool] = []

    def rankers_on(self, graph: KnowledgeGraph) -> Rankers:
        pairs = set(zip(*graph.indications.tolist(), strict=True))

        def scores(drug: int, disease: int, genes: IntArray) -> FloatArray:
            self.seen.append((drug, disease) in pairs)
            return np.arange(len(genes))[:: -1 if self.seen[-1] else 1].astype(float)

        return {"cheat": scores}


@pytest.mark.parametrize("num_folds", [1, 2, 10])
def test_no_ranker_sees_the_treatment_of_the_pair_that_it_ranks(num_folds: int) -> None:
    cheat = Cheat()
    found = rank_cases(small(), CASES, cheat.rankers_on, generator=np.random.default_rng(0), num_folds=num_folds)
    assert cheat.seen == [False] * 3
    np.testing.assert_array_equal(found.values["cheat"], [[1 / 2, 0, 1]] * 3)


def test_means_and_leads_are_those_of_the_pairs() -> None:

    def rankers_on(_graph: KnowledgeGraph) -> Rankers:
        return {
            "right": lambda _drug, _disease, genes: -genes.astype(float),
            "tied": lambda _drug, _disease, genes: np.zeros(len(genes)),
        }

    found = rank_cases(small(), CASES, rankers_on, generator=np.random.default_rng(0))
    assert found.best(["tied", "right"]) == "right"
    leads = found.lead("right", "tied", np.random.default_rng(0))
    assert [lead.mean for lead in leads] == [pytest.approx(value) for value in (1 / 4, 1 / 2, 0)]
    assert [mean.mean for mean in found.mean("tied", np.random.default_rng(0))] == [0.75, 0.5, 1]
    assert len(leads) == len(METRICS)
