"""Held-out diseases are taken out of the graph and brought back, and both rankings are compared."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.benchmark.folds import EvaluatedFold, fold_scorer, prepare_fold
from hgt_repurposing.benchmark.new_disease_results import NewDiseases
from hgt_repurposing.benchmark.new_diseases import NewDiseaseFolds, brought_back
from hgt_repurposing.benchmark.protocol import TherapeuticPairs
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.new_nodes import taken_out
from hgt_repurposing.graph.schema import EdgeType, FloatArray
from hgt_repurposing.report.new_diseases import new_diseases_in_words
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.vectors import PairVectors
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

RESEMBLES = EdgeType("disease", "resembles", "disease")


def alike_graph() -> KnowledgeGraph:
    """Every disease resembles others, so that some are left to resemble without a fold's."""
    diseases = np.arange(NUM_DISEASES - 1)
    return with_pairs(planted_graph(), RESEMBLES, np.stack([diseases, diseases + 1]))


@cache
def held_out() -> tuple[EvaluatedFold, Scorer, FloatArray]:
    graph = alike_graph()
    split = planted_split(graph)
    fold = EvaluatedFold(split, split.keys[0], TherapeuticPairs.of_graph(graph))
    vectors = PairVectors.by_svd(graph, dim=6)
    scorer = fold_scorer(prepare_fold(fold, planted_inputs(graph), QUICK), vectors, QUICK)
    return fold, scorer, scorer.indications(fold.columns)


def measured(graph: KnowledgeGraph) -> NewDiseaseFolds:
    fold, scorer, own = held_out()
    found = NewDiseaseFolds()
    found.add(fold, graph, scorer, own)
    return found


def test_both_rankings_of_a_disease_are_measured() -> None:
    fold, _, own = held_out()
    found = measured(alike_graph()).result(0)
    assert found is not None
    assert found.table["disease"].tolist() == fold.columns.tolist()
    np.testing.assert_allclose(found.table["held_out"], fold.disease_ap(own).precision)
    assert (found.table["held_out"] != found.table["as_new"]).any()
    assert found.mean("as_new") > found.mean("held_out") - 0.15


def test_nothing_of_the_disease_is_left_when_it_is_brought_back() -> None:
    fold, scorer, _ = held_out()
    graph = alike_graph()
    seen = planted_pairs()[:, ~np.isin(planted_pairs()[1], fold.columns)]
    others = with_pairs(graph, INDICATION, seen)
    scores = [brought_back(taken_out(each, "disease", fold.columns), fold.columns, scorer) for each in (graph, others)]
    np.testing.assert_array_equal(scores[0], scores[1])


def test_a_disease_without_its_links_is_ranked_worse() -> None:
    fold, _, _ = held_out()
    graph = alike_graph()
    drawn = np.random.default_rng(0)
    edges = dict(graph.edges)
    for edge_type, index in graph.edges.items():
        if edge_type.source == "disease" and edge_type.target != "disease":
            mixed = np.stack([index[0], drawn.permutation(index[1])])
            edges[edge_type] = np.where(np.isin(index[0], fold.columns), mixed, index)
    found, worse = (measured(each).result(0) for each in (graph, replace(graph, edges=edges)))
    assert found is not None
    assert worse is not None
    assert worse.mean("as_new") < found.mean("as_new") - 0.1


def test_diseases_without_links_are_counted_and_folds_of_nothing_else_are_named() -> None:
    fold, _, _ = held_out()
    graph = alike_graph()

    def without_links(diseases: "list[int]") -> KnowledgeGraph:
        edges = {
            t: e
            if graph.is_drug_disease(t) or "disease" not in t[::2]
            else e[:, ~np.isin(e, diseases).any(axis=0)]
            if t.source == t.target
            else e[:, ~np.isin(e[0], diseases)]
            for t, e in graph.edges.items()
        }
        return replace(graph, edges=edges)

    some = measured(without_links([int(fold.columns[0])]))
    assert some.num_without_links == 1
    none = measured(without_links(fold.columns.tolist()))
    result = none.result(0)
    assert result is not None
    assert list(result.not_measured) == ["disease, repeat 0, fold 0"]
    said = new_diseases_in_words(result)
    assert said.startswith("How far to trust the ranking of a disease that is not in the graph could not be measured.")
    assert "Not measured on disease, repeat 0, fold 0: " in said
    assert NewDiseaseFolds().result(0) is None


def test_a_relation_that_only_held_out_diseases_have_is_named() -> None:
    fold, _, _ = held_out()
    first = int(fold.columns[0])
    found = measured(with_pairs(alike_graph(), RESEMBLES, np.array([[first], [(first + 1) % NUM_DISEASES]])))
    assert not found.parts
    (reason,) = found.not_measured.values()
    assert reason == "without these diseases nothing is left to compute 'treats similar diseases by resembles' from"


def results(first: float = 0.25) -> NewDiseases:
    table = pd.DataFrame({"fold": [0, 0], "disease": [3, 5], "held_out": [0.5, 0.25], "as_new": [first, 0.25]})
    return NewDiseases(table, 1, {}, 0)


def test_what_is_said_of_them() -> None:
    said = new_diseases_in_words(results())
    assert said.startswith("2 treated diseases taken out of the graph and brought back as new ones")
    assert "macro average precision of 0.250; as held-out diseases of the graph, of 0.375" in said
    assert "difference -0.125" in said
    assert said.endswith("Of 1 further disease the graph has nothing but treatments.")


def test_results_survive_being_written_and_are_checked() -> None:
    parts = results().to_parts()
    again = NewDiseases.from_parts(parts)
    assert again is not None
    assert again.difference == results().difference
    assert NewDiseases.from_parts({}) is None
    with pytest.raises(ValueError, match="as_new"):
        results(1.5)
    assert NewDiseases(results().table.head(1), 0, {}, 0).difference is None
