from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.baselines.catalogue import BASELINES
from hgt_repurposing.baselines.rank_average import RANK_AVERAGE
from hgt_repurposing.benchmark import cross_validation as module
from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, OTHER_ASSUMPTIONS, WHOLE_GRID
from hgt_repurposing.benchmark.cross_validation import OutOfFold, evaluate
from hgt_repurposing.benchmark.folds import EvaluatedFold
from hgt_repurposing.benchmark.grid_comparison import AUROC
from hgt_repurposing.benchmark.protocol import MODEL, TherapeuticPairs
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey, SplitConfig, split_drug_disease_pairs
from hgt_repurposing.graph.split_kinds import SPLIT_KINDS
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.graph.small_graphs import Ends, graph_of
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    planted_split,
    table_of,
)

KINDS = tuple(SPLIT_KINDS)
EXTERNAL = np.array([[0, 5, 10], [10, 15, 20]])
"""Of one module each, and no indications."""


@cache
def case(*, contraindications: bool = True) -> tuple[KnowledgeGraph, DrugDiseaseSplit]:
    graph = planted_graph(contraindications=contraindications)
    return graph, planted_split(graph, KINDS, num_folds=2, external=EXTERNAL)


def run(graph: KnowledgeGraph, split: DrugDiseaseSplit) -> Evaluation:
    inputs = planted_inputs(graph)
    return evaluate(graph, inputs, split, fit_repurposing_model(inputs, split, QUICK))


@cache
def evaluated() -> Evaluation:
    return run(*case())


@cache
def short() -> tuple[KnowledgeGraph, DrugDiseaseSplit, RepurposingModel]:
    """One split by disease, of three folds."""
    graph = planted_graph()
    split = planted_split(graph)
    return graph, split, fit_repurposing_model(planted_inputs(graph), split, QUICK)


@cache
def briefly_evaluated() -> tuple[Evaluation, list[str]]:
    """That model, and the folds as they were reported."""
    graph, split, model = short()
    done: list[str] = []
    return evaluate(graph, planted_inputs(graph), split, model, on_fold=done.append), done


# the tables


def test_model_and_every_baseline_stand_in_every_fold_and_suite() -> None:
    _, split = case()
    folds = evaluated().folds
    found = list(folds[["split", "repeat", "fold", "scorer", "suite"]].itertuples(index=False, name=None))
    scorers = (MODEL, *BASELINES)
    expected = [(*key, scorer, suite) for key in split.keys for scorer in scorers for suite in ("strict", "open")]
    assert found[: len(expected)] == expected
    rest = [("external", 0, 0, scorer, suite) for suite in ("strict", "open") for scorer in scorers]
    assert found[len(expected) :] == rest


def test_the_open_suite_is_left_out_where_the_graph_says_nothing_else() -> None:
    assert set(briefly_evaluated()[0].folds["suite"]) == {"strict"}


def test_held_out_pairs_are_counted_once_over_the_folds() -> None:
    folds = evaluated().strict
    own = folds[(folds["scorer"] == MODEL) & (folds["split"] != "external")]
    assert own.groupby("split")["num_positives"].sum().tolist() == [planted_pairs().shape[1]] * len(KINDS)


def test_external_pairs_are_evaluated_on_the_model_of_all_pairs() -> None:
    folds = evaluated().strict
    row = folds[(folds["split"] == "external") & (folds["scorer"] == MODEL)].iloc[0]
    assert (row["num_positives"], row["num_diseases"]) == (3, 3)
    assert row["auroc"] > 0.8
    assert row["auroc_degree_matched"] > 0.5


def test_without_external_pairs_they_have_no_row() -> None:
    assert set(briefly_evaluated()[0].folds["split"]) == {"disease"}


def test_only_drugs_have_their_own_ranking_among_all_diseases() -> None:
    # By the model alone: a baseline that ranks diseases by degree is near chance there.
    found = evaluated()
    assert (
        found.mean("drug", MODEL, "macro_ap_by_drug") > found.mean("drug", "disease degree", "macro_ap_by_drug") + 0.2
    )


def test_every_disease_is_measured_once_by_disease() -> None:
    diseases = evaluated().diseases
    own = diseases[(diseases["scorer"] == MODEL) & (diseases["split"] == "disease")]
    assert sorted(own["disease"]) == list(range(NUM_DISEASES))
    by_fold = own.groupby("fold")["average_precision"].mean().to_numpy()
    folds = evaluated().strict
    rows = folds[(folds["scorer"] == MODEL) & (folds["split"] == "disease")]
    np.testing.assert_allclose(by_fold, rows["macro_ap"])


def test_trust_has_a_row_for_every_split() -> None:
    found = evaluated()
    assert found.trust["split"].tolist() == list(dict.fromkeys(key.kind for key in case()[1].keys))
    assert found.trust["top_10_overlap"].isna().all()  # one repeat


def test_two_repeats_overlap() -> None:
    graph, _, _ = short()
    config = SplitConfig(num_folds=2, num_repeats=2, kinds=["disease"], deployment_folds=0)
    overlap = run(graph, split_drug_disease_pairs(graph, config)).trust["top_10_overlap"].iloc[0]
    assert 10 / NUM_DRUGS < overlap <= 1  # by chance 10 of 60


def test_the_whole_grid_is_measured_under_every_assumption_if_the_split_asks_for_it() -> None:
    graph, done = planted_graph(contraindications=True), list[str]()
    split = planted_split(graph, num_folds=2, num_deployment=2)
    inputs = planted_inputs(graph)
    params = QUICK.model_copy(update={"num_trees": 2, "calibration_cells": 200})
    found = evaluate(graph, inputs, split, fit_repurposing_model(inputs, split, params), on_fold=done.append)
    grid = found.whole_grid
    assert grid is not None
    assert (grid.num_folds, grid.assumptions) == (2, [AS_ASSUMED, *OTHER_ASSUMPTIONS])
    assert set(grid.summary()["scorer"]) == {MODEL, *BASELINES, RANK_AVERAGE}
    assert grid.assumed == params.missing.in_words()
    first, *others = grid.assumptions
    names = [f"{first}, fold 0", f"{first}, fold 1", *(f"{other}, fold 0" for other in others)]
    assert done[2:] == [f"deployment {name}" for name in names]
    assert grid.mean(MODEL, AUROC) > 0.7
    # Hidden treatments and pairs about which the graph says nothing; no known negatives.
    rows = grid.scorers[grid.scorers["setting"] == WHOLE_GRID]
    known = Labels.of_graph(graph).known_otherwise.shape[1] + graph.indications.shape[1]
    assert known > graph.indications.shape[1]
    assert (rows["num_cells"] - rows["num_positives"] == NUM_DRUGS * NUM_DISEASES - known).all()
    assert evaluated().whole_grid is None


def test_frequent_drugs_and_diseases_are_named() -> None:
    graph, _ = case()
    frequent = evaluated().frequent
    names = set(graph.nodes["node_name"])
    assert set(frequent["kind"]) == {"drug", "disease"}
    assert set(frequent["name"]) <= names


def test_baselines_without_genes_are_left_out_with_a_reason() -> None:
    edges: dict[tuple[str, str, str], Ends] = {
        edge_type: ends for edge_type, ends in planted_graph().edges.items() if "gene" not in edge_type
    }
    graph = graph_of({"drug": NUM_DRUGS, "disease": NUM_DISEASES, "effect": 40}, edges)
    found = run(graph, planted_split(graph))
    assert found.left_out
    assert all("gene" in name or "target" in name for name in found.left_out)
    assert not set(found.left_out) & set(found.folds["scorer"])


def test_the_planted_signal_is_found_and_said() -> None:
    found = evaluated()
    assert found.mean("disease", MODEL, "macro_ap") > 0.35  # .48 measured; .13 is chance
    assert found.headline().startswith("On held-out diseases the model ")


def assert_equal(first: Evaluation, second: Evaluation) -> None:
    ours, theirs = first.to_parts(), second.to_parts()
    assert list(ours) == list(theirs)
    for name, part in ours.items():
        if isinstance(part, pd.DataFrame):
            pd.testing.assert_frame_equal(part, theirs[name], check_exact=True)
        else:
            assert part == theirs[name], name


def test_two_evaluations_with_one_seed_are_equal() -> None:
    # A whole run's evaluation is repeated in defs/test_runs.py.
    graph, split, _ = short()
    assert_equal(run(graph, split), briefly_evaluated()[0])


@pytest.mark.slow
def test_two_evaluations_of_pairs_and_external_pairs_with_one_seed_are_equal() -> None:
    graph, _ = case()
    split = planted_split(graph, ("pair",), num_folds=2, external=EXTERNAL)
    assert_equal(run(graph, split), run(graph, split))


def test_every_fold_is_reported() -> None:
    assert briefly_evaluated()[1] == [f"disease, repeat 0, fold {fold}" for fold in range(3)]


def test_groups_of_relatives_are_those_of_the_split() -> None:
    graph, split = case()
    group = SPLIT_KINDS["disease_group"].hiding(graph, num_folds=split.num_folds).group
    assert group is not None
    assert group[0] == group[5]  # they resemble each other
    fold = np.empty(NUM_DISEASES, dtype=np.int64)
    fold[split.pairs[1]] = split.folds["disease_group", 0]
    assert all(len(set(fold[group == number].tolist())) == 1 for number in set(group.tolist()))


# scores out of fold


def test_each_pair_keeps_the_score_of_the_fold_that_asked_for_it() -> None:
    graph, split, _ = short()
    kept = OutOfFold()
    for key in split.keys:
        fold = EvaluatedFold(split, key, TherapeuticPairs.of_graph(graph))
        kept.add(fold, np.full((NUM_DRUGS, len(fold.columns)), float(key.fold)))
    fold_of = np.full(NUM_DISEASES, -1)
    fold_of[split.pairs[1]] = split.folds["disease", 0]
    np.testing.assert_array_equal(kept.scores[0], np.tile(fold_of.astype(np.float64), (NUM_DRUGS, 1)))


# what is refused


def test_a_model_of_another_split_is_refused() -> None:
    graph, _, model = short()
    with pytest.raises(ValueError, match=r"the model was fitted on another split$"):
        evaluate(graph, planted_inputs(graph), planted_split(graph, ("pair",)), model)


def test_vectors_of_another_training_are_refused() -> None:
    graph, split, model = short()
    inputs = replace(planted_inputs(graph), vectors=PairVectors.by_svd(graph))
    with pytest.raises(ValueError, match=r"the model was fitted on other embeddings$"):
        evaluate(graph, inputs, split, model)


def says(scores: FloatArray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fold's classifier says the same of its diseases. Scores: shape [num_drugs, num_diseases]."""

    def indications(diseases: IntArray) -> FloatArray:
        return scores[:, diseases]

    monkeypatch.setattr(module, "fold_scorer", lambda *_: SimpleNamespace(indications=indications))


def test_constant_scores_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, split, model = short()
    says(np.full((NUM_DRUGS, NUM_DISEASES), 0.5), monkeypatch)
    sentence = (
        r"the model \(disease, repeat 0, fold 0\): scores must differ between candidates \(got 0\.5 for all 600\)"
    )
    with pytest.raises(ValueError, match=sentence):
        evaluate(graph, planted_inputs(graph), split, model)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_refused(wrong: float, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, split, model = short()
    scores = table_of(split.pairs)
    scores[7] = wrong
    says(scores, monkeypatch)
    with pytest.raises(
        ValueError, match=rf"the model \(disease, repeat 0, fold 0\): scores must be finite \(got {wrong} "
    ):
        evaluate(graph, planted_inputs(graph), split, model)


def of_pairs(pairs: IntArray) -> tuple[KnowledgeGraph, DrugDiseaseSplit]:
    graph = planted_graph(pairs)
    return graph, planted_split(graph)


def test_fewer_treated_diseases_than_folds_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"3 folds by disease need at least 3 treated diseases \(got 1\): lower"):
        of_pairs(np.array([[0, 1, 2], [0, 0, 0]]))


def test_fewer_treated_diseases_than_inner_folds_are_an_error() -> None:
    graph = planted_graph(np.array([[0, 1, 2], [0, 1, 1]]))
    split = split_drug_disease_pairs(graph, SplitConfig(num_folds=2, kinds=["disease"], deployment_folds=0))
    with pytest.raises(ValueError, match=r"^inner folds need at least two treated diseases \(got 1\)$"):
        run(graph, split)


def test_diseases_whose_drugs_are_all_held_out_have_no_candidate() -> None:
    drugs, diseases = np.indices((NUM_DRUGS, 3)).reshape(2, -1)
    graph, split = of_pairs(np.stack([drugs, diseases]))
    fold = EvaluatedFold(split, FoldKey("disease", 0, 0), TherapeuticPairs.of_graph(graph))
    with pytest.raises(
        ValueError, match=r"no negatives are left to rank 60 held-out pairs against: every other pair of their"
    ):
        next(fold.metrics(MODEL, np.zeros((NUM_DRUGS, 1)), seed=0))


def test_a_graph_where_every_drug_treats_every_disease_has_nothing_to_learn_from() -> None:
    with pytest.raises(ValueError, match=r"^no negatives are left to rank 600 held-out pairs against: .* or ignored$"):
        run(*of_pairs(np.indices((NUM_DRUGS, NUM_DISEASES)).reshape(2, -1)))


def test_a_graph_in_which_nothing_is_alike_is_ranked_by_how_much_a_drug_treats() -> None:
    often = np.random.default_rng(0).random((NUM_DRUGS, NUM_DISEASES)) < np.linspace(0.02, 0.3, NUM_DRUGS)[:, None]
    edges: dict[tuple[str, str, str], Ends] = {
        ("drug", "indication", "disease"): np.stack(np.nonzero(often)),
        ("drug", "targets", "gene"): [(0, 0)],
        ("disease", "associates", "gene"): [(0, 1)],
    }
    graph = graph_of({"drug": NUM_DRUGS, "disease": NUM_DISEASES, "gene": 2}, edges)
    found = run(graph, planted_split(graph))
    own, by_degree = (found.mean("disease", scorer, "auroc") for scorer in (MODEL, "drug degree"))
    assert by_degree > 0.6
    assert own == pytest.approx(by_degree, abs=0.05)
