"""Pairs recorded as not indicated are learned from and evaluated as contraindications are, and listed by their name."""

from functools import cache

import numpy as np
import pytest

from hgt_repurposing.api import rank
from hgt_repurposing.benchmark.folds import EvaluatedFold
from hgt_repurposing.benchmark.protocol import TherapeuticPairs
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, IntArray, TherapeuticRelations
from hgt_repurposing.graph.split import FoldKey
from hgt_repurposing.report.summary import summary_text
from hgt_repurposing.repurposing.candidate_ranking import rank_candidates
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION, UNKNOWN, Labels
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.repurposing.scorer import Scorer, score_all_pairs
from hgt_repurposing_tests.graph.small_graphs import Ends, graph_of
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    planted_contraindications,
    planted_graph,
    planted_inputs,
    planted_pairs,
    planted_split,
    shuffled_pairs,
    table_of,
)

NAMES = TherapeuticRelations(not_indicated=["failed"], off_label=["palliates"])
ALL = np.arange(NUM_DISEASES)


def failed_graph(pairs: IntArray | None = None) -> KnowledgeGraph:
    """The planted graph with its contraindications as pairs in which the drug does not help."""
    planted = planted_graph(pairs, contraindications=True)
    edges: dict[tuple[str, str, str], Ends] = {
        (t.source, "failed" if t.relation == "contraindication" else t.relation, t.target): index
        for t, index in planted.edges.items()
    }
    return graph_of(planted.num_nodes, edges, therapeutic=NAMES)


def cells(pairs: IntArray) -> set[tuple[int, int]]:
    return set(zip(*pairs.tolist(), strict=True))


@cache
def scored() -> tuple[Scorer, Candidates]:
    graph = failed_graph()
    inputs = planted_inputs(graph)
    scorer = Scorer.of_model(fit_repurposing_model(inputs, planted_split(graph), QUICK), inputs)
    return scorer, rank_candidates(score_all_pairs(scorer, graph), graph, inputs.neighbourhoods, CandidateParams())


# learned from


def test_a_pair_that_is_not_indicated_has_the_class_of_a_contraindication() -> None:
    labels, theirs = (Labels.of_graph(graph) for graph in (failed_graph(), planted_graph(contraindications=True)))
    assert labels.num_classes == 3
    everything = np.indices((NUM_DRUGS, NUM_DISEASES)).reshape(2, -1)
    np.testing.assert_array_equal(labels.class_of(everything), theirs.class_of(everything))
    assert (labels.class_of(planted_contraindications()) == CONTRAINDICATION).any()


def test_an_indication_counts_where_a_pair_is_both() -> None:
    both = np.array(sorted(cells(shuffled_pairs()) & cells(planted_contraindications()))).T
    labels = Labels.of_graph(failed_graph(shuffled_pairs()))
    assert both.shape[1]
    assert (labels.class_of(both) == INDICATION).all()


def test_a_pair_that_is_contraindicated_and_not_indicated_counts_once() -> None:
    edges: dict[tuple[str, str, str], Ends] = {
        EdgeType("drug", "indication", "disease"): [(0, 0)],
        EdgeType("drug", "harms", "disease"): [(0, 1), (1, 1)],
        EdgeType("drug", "failed", "disease"): [(1, 0), (1, 1)],
    }
    names = TherapeuticRelations(contraindication=["harms"], not_indicated=["failed"])
    labels = Labels.of_graph(graph_of({"drug": 2, "disease": 3}, edges, therapeutic=names))
    everything = np.indices((2, 3)).reshape(2, -1)
    assert labels.class_of(everything).reshape(2, 3).tolist() == [
        [INDICATION, CONTRAINDICATION, UNKNOWN],
        [CONTRAINDICATION, CONTRAINDICATION, UNKNOWN],
    ]
    assert labels.contraindications.max() == 1


def test_a_model_of_such_pairs_has_the_second_class_and_finds_them() -> None:
    scorer, _ = scored()
    _, against = scorer.grid(ALL)
    failed = table_of(planted_contraindications()) > table_of(planted_pairs())
    assert np.isfinite(against).all()
    assert against[failed].mean() > against[~failed].mean() + 1


# evaluated


@pytest.mark.parametrize("kind", ["disease", "pair", "drug"])
def test_the_strict_suite_counts_them_as_negatives_and_the_open_suite_leaves_them_out(kind: str) -> None:
    graph = failed_graph()
    fold = EvaluatedFold(planted_split(graph, [kind]), FoldKey(kind, 0, 0), TherapeuticPairs.of_graph(graph))
    strict, wide = fold.grids.values()
    failed = (table_of(planted_contraindications()) > table_of(planted_pairs()))[:, fold.columns]
    assert failed.any()
    assert strict.candidate[failed].all()
    assert not strict.positive[failed].any()
    assert not wide.candidate[failed].any()


def test_they_are_evaluated_as_contraindications_are() -> None:
    ours, theirs = (TherapeuticPairs.of_graph(g) for g in (failed_graph(), planted_graph(contraindications=True)))
    np.testing.assert_array_equal(ours.contraindications, theirs.contraindications)
    np.testing.assert_array_equal(ours.off_label, theirs.off_label)


# listed


def test_they_are_listed_as_not_indicated_and_are_no_new_candidates() -> None:
    _, candidates = scored()
    table = candidates.table
    said = table.loc[table["status"] == "not indicated"]
    failed = cells(planted_contraindications()) - cells(planted_pairs())
    assert cells(said[["drug_id", "disease_id"]].astype(int).to_numpy().T) == failed
    assert not said["known"].any()
    assert table["contraindication_score"].notna().all()
    assert "known negative" in summary_text(None, candidates, "0000")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (["failed"], "not indicated"),
        (["mentions", "palliates", "failed"], "not indicated"),
        (["failed", "harms"], "contraindication"),
        (["failed", "harms", "indication"], "indication"),
    ],
)
def test_what_else_the_graph_says_of_the_pair_may_count_more(said: list[str], status: str) -> None:
    scorer, _ = scored()
    names = TherapeuticRelations(contraindication=["harms"], not_indicated=["failed"], off_label=["palliates"])
    planted = planted_graph()
    edges: dict[tuple[str, str, str], Ends] = dict(planted.edges.items())
    new = next(cell for cell in np.ndindex(NUM_DRUGS, NUM_DISEASES) if cell not in cells(planted_pairs()))
    for relation in ("harms", "failed", "palliates", "mentions"):  # a pair of their own, as every name must occur
        edges[EdgeType("drug", relation, "disease")] = [(NUM_DRUGS - 1, NUM_DISEASES - 1)]
    for relation in said:
        edge_type = EdgeType("drug", relation, "disease")
        edges[edge_type] = np.unique([*np.array(edges[edge_type]).reshape(2, -1).T.tolist(), new], axis=0).T
    graph = graph_of(planted.num_nodes, edges, therapeutic=names)
    table = rank(graph, score_all_pairs(scorer, graph)).table
    row = (table["drug_id"] == f"{new[0]:04d}") & (table["disease_id"] == f"{new[1]:04d}")
    assert table.loc[row, "status"].tolist() == [status]
