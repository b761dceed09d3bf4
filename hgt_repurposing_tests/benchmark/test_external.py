"""External pairs are looked up in the whole grid as the final model scores it, each file by itself."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.baselines.catalogue import BASELINES
from hgt_repurposing.baselines.rank_average import RANK_AVERAGE
from hgt_repurposing.benchmark import grid as grid_module
from hgt_repurposing.benchmark.external import ExternalEvaluation, auroc_of_negatives, evaluate_external, external_folds
from hgt_repurposing.graph.external_pairs import POOLED, ExternalSet, no_pairs
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import INDICATION
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing_tests.benchmark.outside import EMPTY, FIRST, SECOND, outside_results, outside_split
from hgt_repurposing_tests.repurposing.planted import QUICK, planted_graph, planted_inputs


@cache
def fitted() -> tuple[DrugDiseaseSplit, PairInputs, Scorer]:
    split = outside_split(FIRST, SECOND)
    inputs = planted_inputs(planted_graph(split.pairs, contraindications=True))
    return split, inputs, Scorer.of_model(fit_repurposing_model(inputs, split, QUICK), inputs)


@cache
def evaluated() -> ExternalEvaluation:
    return evaluate_external(*fitted(), QUICK)


def test_what_is_measured_is_the_score_of_the_list() -> None:
    _, _, scorer = fitted()
    found = evaluated()
    np.testing.assert_array_equal(found.scores["model"], scorer.grid(found.columns)[INDICATION - 1])


def test_the_model_and_every_baseline_are_measured_on_every_file_and_all_together() -> None:
    scorers = evaluated().results.scorers
    whole = scorers[scorers["setting"] == "whole grid"]
    assert list(zip(whole["file"], whole["scorer"], strict=True)) == [
        (file, scorer) for file in ("trials", "catalog", POOLED) for scorer in ("model", *BASELINES, RANK_AVERAGE)
    ]
    assert not {"expected", "num_bins"} & set(scorers)


def test_the_model_finds_pairs_of_the_planted_modules() -> None:
    found = evaluated().results.of("trials")
    assert found.mean("model", "auroc") > found.mean("random", "auroc") + 0.2


def test_every_file_has_as_many_treatments_as_its_settings_together() -> None:
    own = evaluated().results.scorers.query("scorer == 'model'")
    whole = own[own["setting"] == "whole grid"].set_index("file")["num_positives"]
    assert whole.to_dict() == {"trials": 8, "catalog": 2, POOLED: 9}
    by_setting = own[own["setting"] != "whole grid"].groupby("file")["num_positives"].sum()
    assert by_setting.to_dict() == whole.to_dict()


def test_the_figures_of_a_file_do_not_depend_on_the_others() -> None:
    split, inputs, scorer = fitted()
    alone = evaluate_external(replace(split, external=(SECOND,)), inputs, scorer, QUICK).results.scorers
    both = evaluated().results.scorers
    one, other = (table[table["file"] == "catalog"].reset_index(drop=True) for table in (alone, both))
    pd.testing.assert_frame_equal(one, other)


def test_files_are_counted_and_known_negatives_of_the_graph_among_them() -> None:
    files = outside_results().files
    assert files.columns.tolist() == ["file", "num_positives", "num_negatives", "num_negatives_seen"]
    assert files.to_numpy().tolist() == [
        ["trials", 8, 2, 1],
        ["catalog", 2, 0, 0],
        ["negatives only", 0, 1, 0],
        [POOLED, 9, 3, 1],
    ]


def test_what_the_graph_calls_a_contraindication_counts_only_if_a_file_calls_it_a_treatment() -> None:
    split, inputs, _ = fitted()
    against = inputs.labels.known_otherwise
    called_a_treatment = against[:, :1]
    outside = replace(split, external=(ExternalSet("trials", called_a_treatment),))
    grid, _ = external_folds(outside, known_otherwise=against, seed=0)["trials"]
    assert grid.candidate[tuple(against)].sum() == 1
    assert grid.candidate[tuple(called_a_treatment)].all()


def test_known_negatives_of_the_graph_have_a_rank_in_the_average_as_any_pair() -> None:
    split, inputs, scorer = fitted()
    known = inputs.labels.known_otherwise
    average = evaluate_external(split, inputs, scorer, QUICK).scores[RANK_AVERAGE][tuple(known)]
    assert len(np.unique(average)) > 10
    assert (average > 0).all()


def test_treatments_are_set_against_known_negatives_alone() -> None:
    grid, outside = external_folds(outside_split(FIRST), known_otherwise=no_pairs(), seed=0)["trials"]
    scores = np.full(grid.shape, 100.0)
    scores[tuple(outside.positives)] = [1, 2, 3, 4, 5, 6, 7, 8]
    scores[tuple(outside.negatives)] = [2.5, 8]
    # 6 of 8 are above the first negative, none above the second, with which one ties
    assert auroc_of_negatives(grid, scores, outside.negatives) == pytest.approx((6 + 0.5) / 16)
    assert np.isnan(auroc_of_negatives(grid, scores, EMPTY.positives))


def test_on_a_large_graph_every_disease_of_a_pair_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_module, "MAX_SCORED_CELLS", 60 * 14)
    folds = external_folds(outside_split(FIRST, EMPTY), known_otherwise=no_pairs(), seed=0)
    grid, _ = folds[POOLED]
    assert {*range(5, 13), 2, 3, 19} <= set(grid.columns.tolist())
    assert grid.positive.sum() == 8
    assert grid.sample.stands_for.sum() == pytest.approx(30)
    assert (grid.sample.stands_for[np.isin(grid.columns, FIRST.positives[1])] == 1).all()
    assert all(of_file.sample is grid.sample for of_file, _ in folds.values())
