"""New diseases and drugs are scored by the fitted model, and no other score changes."""

from functools import cache

import numpy as np
import pytest

from hgt_repurposing.graph.new_nodes import ExtendedGraph, NewNode, taken_out
from hgt_repurposing.graph.schema import EdgeType, FloatArray
from hgt_repurposing.graph.walks import walks
from hgt_repurposing.repurposing.candidate_ranking import rank_candidates, rank_new
from hgt_repurposing.repurposing.explanation import Explainer
from hgt_repurposing.repurposing.extension import walk_rows
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.new_node_scorer import grid_with, scorer_with
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.repurposing.score_grid import ScoreGrid
from hgt_repurposing.repurposing.scorer import Scorer, score_all_pairs
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    NUM_MODULES,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    planted_split,
)

GRAPH = planted_graph(planted_pairs()[:, planted_pairs()[1] < 20], contraindications=True)
"""Diseases 20 to 29 have no treatment."""
HAS, PRESENTS, RESEMBLES = (
    EdgeType("disease", "associates", "gene"),
    EdgeType("disease", "presents", "effect"),
    EdgeType("disease", "resembles", "disease"),
)
TARGETS, CAUSES = EdgeType("drug", "targets", "gene"), EdgeType("drug", "causes", "effect")
DISEASES = (
    NewNode("of module 2", {HAS: np.array([2, 7, 12, 17]), PRESENTS: np.array([2, 7, 12])}),
    NewNode("of module 4, like 4", {HAS: np.array([2, 4, 9, 14, 19]), RESEMBLES: np.array([4])}),
)
DRUGS = (
    NewNode("of module 1", {TARGETS: np.array([1, 6, 11, 16]), CAUSES: np.array([0, 5])}),
    NewNode("of module 3", {TARGETS: np.array([3, 8, 13, 18])}),
)


@cache
def fitted() -> tuple[Scorer, ScoreGrid]:
    """With vectors and towers."""
    inputs = planted_inputs(GRAPH, vectors=PairVectors.by_svd(GRAPH, dim=6))
    scorer = Scorer.of_model(fit_repurposing_model(inputs, planted_split(GRAPH), QUICK), inputs)
    return scorer, score_all_pairs(scorer, GRAPH)


def column(new: tuple[NewNode, ...], which: int) -> FloatArray:
    graph = ExtendedGraph(GRAPH, "disease", new)
    return scorer_with(fitted()[0], graph).indications(graph.indices)[:, which]


def test_no_score_of_the_graph_changes() -> None:
    scorer, _ = fitted()
    before, every = scorer.grid(np.arange(NUM_DISEASES)), np.arange(NUM_DISEASES)
    after = scorer_with(scorer, ExtendedGraph(GRAPH, "disease", DISEASES)).grid(every)
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-6)


def test_new_diseases_do_not_depend_on_each_other() -> None:
    np.testing.assert_allclose(column(DISEASES, 0), column(DISEASES[:1], 0), rtol=0, atol=1e-6)
    np.testing.assert_allclose(column(DISEASES, 1), column(DISEASES[1:], 0), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("which", "module"), [(0, 2), (1, 4)])
def test_drugs_of_its_module_come_first(which: int, module: int) -> None:
    scores = column(DISEASES, which)
    of_module = np.arange(NUM_DRUGS) % NUM_MODULES == module
    assert scores[of_module].mean() > scores[~of_module].mean() + 0.5
    assert (np.argsort(-scores)[:3] % NUM_MODULES == module).all()


def test_all_pairs_of_a_new_disease_are_those_of_a_disease_without_treatment() -> None:
    graph = ExtendedGraph(GRAPH, "disease", DISEASES)
    scorer, grid = fitted()
    found = grid_with(grid, scorer_with(scorer, graph), graph)
    assert found.log_odds.shape == (NUM_DRUGS, NUM_DISEASES + 2)
    np.testing.assert_array_equal(found.log_odds[:, :NUM_DISEASES], grid.log_odds)
    np.testing.assert_allclose(
        found.log_odds[:, NUM_DISEASES:], np.stack([column(DISEASES, i) for i in (0, 1)], 1), atol=1e-6
    )
    assert np.isfinite(found.against[:, NUM_DISEASES:]).all()
    neighbourhoods = next(iter(scorer_with(scorer, graph).features.values())).neighbourhoods
    lists = rank_new(found, graph, neighbourhoods, CandidateParams(top_k=5))
    assert set(lists.table["disease_name"]) == {"of module 2", "of module 4, like 4"}
    assert set(lists.table["setting"]) <= {"cold disease", "cold pair"}
    assert set(lists.table["status"]) == {"new"}
    assert len(lists.table) == 10
    assert lists.by_drug.empty
    assert lists.table["evidence"].str.len().min() > 0


def test_a_new_drug_is_scored_for_every_disease() -> None:
    graph = ExtendedGraph(GRAPH, "drug", DRUGS)
    scorer, grid = fitted()
    extended = scorer_with(scorer, graph)
    found = grid_with(grid, extended, graph)
    whole = extended.indications(np.arange(NUM_DISEASES))
    np.testing.assert_array_equal(found.log_odds[:NUM_DRUGS], grid.log_odds)
    np.testing.assert_allclose(found.log_odds[NUM_DRUGS:], whole[NUM_DRUGS:], rtol=0, atol=1e-6)
    neighbourhoods = next(iter(extended.features.values())).neighbourhoods
    lists = rank_new(found, graph, neighbourhoods, CandidateParams(top_k_by_drug=4))
    assert lists.table.empty
    best = lists.by_drug[lists.by_drug["drug_name"] == "of module 1"]["disease_id"].astype(int) % NUM_MODULES
    assert (best == 1).sum() >= 3


def test_lists_of_the_graph_are_as_before() -> None:
    _, grid = fitted()
    every = rank_candidates(grid, GRAPH, neighbourhoods_of(GRAPH), CandidateParams(top_k=3, top_k_by_drug=3))
    assert len(every.table) == 3 * NUM_DISEASES
    assert len(every.by_drug) == 3 * NUM_DRUGS


def test_a_new_disease_is_explained() -> None:
    graph = ExtendedGraph(GRAPH, "disease", DISEASES)
    scorer = scorer_with(fitted()[0], graph)
    drug = int(GRAPH.indications[0][GRAPH.indications[1] == 2][0])  # treats a disease of the same module
    found = Explainer(graph.graph, scorer).explain(drug, int(graph.indices[0]))
    expected = float(scorer.indications(graph.indices[:1])[drug, 0])
    assert found.decomposition.log_odds == pytest.approx(expected, abs=1e-4)
    assert found.paths
    assert found.similar_diseases


def test_features_are_those_of_the_graph_with_the_disease_but_for_what_is_taken_over_all_nodes() -> None:
    graph = ExtendedGraph(GRAPH, "disease", DISEASES[:1])
    scorer, _ = fitted()
    found = scorer_with(scorer, graph).features["cold disease"]
    recomputed = PairFeatures.of_every_setting(neighbourhoods_of(graph.graph), found.visible)["cold disease"]
    one, other = (features.block(graph.indices)[:, 0] for features in (found, recomputed))
    assert found.names == recomputed.names
    for name, mine, theirs in zip(found.names, one.T, other.T, strict=True):
        if theirs.std() > 0:
            assert np.corrcoef(mine, theirs)[0, 1] > 0.99, name
            assert np.abs(mine - theirs).max() < 0.25 * np.abs(theirs).max(), name


def test_walks_of_a_new_node_are_those_of_the_graph_with_it() -> None:
    for node_type, new in (("disease", DISEASES), ("drug", DRUGS)):
        graph = ExtendedGraph(GRAPH, node_type, new[:1])
        recomputed = {walk.name: walk for walk in walks(graph.graph, node_type)}
        found = {walk.name: walk_rows(walk, graph) for walk in walks(GRAPH, node_type)}
        assert {len(walk.steps) for walk in recomputed.values()} == {1, 2}
        for name, rows in found.items():
            np.testing.assert_allclose(rows.toarray()[0], recomputed[name].weights[[-1]].toarray()[0], rtol=1e-5)


def test_a_disease_that_was_taken_out_is_ranked_much_as_before() -> None:
    found = taken_out(GRAPH, "disease", np.arange(20, NUM_DISEASES))
    base = found.graph.base
    inputs = planted_inputs(base, vectors=PairVectors.by_svd(base, dim=6))
    scorer = Scorer.of_model(fit_repurposing_model(inputs, planted_split(base), QUICK), inputs)
    as_new = scorer_with(scorer, found.graph).indications(found.graph.indices)
    held_out = fitted()[0].indications(found.nodes)
    agreement = [np.corrcoef(as_new[:, i], held_out[:, i])[0, 1] for i in range(len(found.nodes))]
    assert np.mean(agreement) > 0.7
