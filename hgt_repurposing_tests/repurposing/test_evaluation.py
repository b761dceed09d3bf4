from functools import cache

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.evaluation.floor_table import FLOORS
from hgt_repurposing.evaluation.ranking import GridMetrics
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey
from hgt_repurposing.repurposing.classifier import PairClassifier
from hgt_repurposing.repurposing.evaluation import MODEL, Evaluation, evaluate
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
from hgt_repurposing_tests.repurposing.planted import (
    NO_PAIRS,
    QUICK,
    Lookup,
    labels,
    planted_features,
    planted_pairs,
    shuffled_pairs,
    split_of,
)

FEATURES, PAIRS = planted_features(), planted_pairs()
SPLIT = split_of(PAIRS)
METRICS = list(GridMetrics._fields)


def scripted(right: PairClassifier, wrong: PairClassifier | None = None, split: DrugDiseaseSplit = SPLIT) -> Evaluation:
    """The same scores in every fold, but others in fold 1 by disease."""
    folds = dict.fromkeys(split.keys, right)
    if wrong:
        folds[FoldKey("disease", repeat=0, fold=1)] = wrong
    model = RepurposingModel(right, folds, split.digest, FEATURES.digest)
    return evaluate(model, FEATURES, split, off_label=NO_PAIRS, seed=0)


@cache
def evaluated(*, shuffled: bool, seed: int = 0) -> Evaluation:
    split = split_of(shuffled_pairs(seed) if shuffled else PAIRS)
    model = fit_repurposing_model(FEATURES, split, QUICK, off_label=NO_PAIRS)
    return evaluate(model, FEATURES, split, off_label=NO_PAIRS, seed=0)


TRUTH = Lookup(labels(PAIRS))


def table(scores: dict[str, list[float]], split: str = "disease") -> Evaluation:
    """Macro AP by scorer and fold."""
    rows = [
        {"split": split, "scorer": scorer, "repeat": 0, "fold": fold, "macro_ap": value}
        for scorer, values in scores.items()
        for fold, value in enumerate(values)
    ]
    return Evaluation(pd.DataFrame(rows))


# what is measured

WITHOUT_GENES = [name for name in FLOORS if "gene" not in name and "target" not in name]


def test_model_and_every_floor_are_measured_in_every_fold() -> None:
    folds = scripted(TRUTH).folds
    found = list(zip(folds["split"], folds["repeat"], folds["fold"], folds["scorer"], strict=True))
    assert found == [(*key, scorer) for key in SPLIT.keys for scorer in (MODEL, *WITHOUT_GENES)]


def test_the_columns_are_those_of_the_metrics() -> None:
    assert list(scripted(TRUTH).folds.columns) == ["split", "scorer", "repeat", "fold", *METRICS]


def test_a_model_that_knows_the_truth_is_perfect() -> None:
    folds = scripted(TRUTH).folds
    own = folds[folds["scorer"] == MODEL]
    assert (own[["macro_ap", "mrr", "hits_at_10", "auroc"]] == 1).all(axis=None)


def test_every_fold_is_judged_by_its_own_classifier() -> None:
    folds = scripted(TRUTH, wrong=Lookup(-labels(PAIRS))).folds
    own = folds[(folds["scorer"] == MODEL) & (folds["auroc"] == 0)]
    assert list(zip(own["split"], own["fold"], strict=True)) == [("disease", 1)]


def test_held_out_pairs_are_counted_once_over_the_folds() -> None:
    folds = scripted(TRUTH).folds
    own = folds[folds["scorer"] == MODEL]
    assert own.groupby("split")["num_positives"].sum().tolist() == [PAIRS.shape[1]] * 3


def test_off_label_pairs_count_neither_way() -> None:
    # The first drug for every disease is off-label, unless it is indicated.
    off_label = np.stack([np.zeros(30, dtype=np.int64), np.arange(30)])
    off_label = off_label[:, labels(PAIRS)[0] == 0]
    spoiled = labels(PAIRS).copy()
    spoiled[off_label[0], off_label[1]] = 2
    model = RepurposingModel(Lookup(spoiled), dict.fromkeys(SPLIT.keys, Lookup(spoiled)), SPLIT.digest, FEATURES.digest)
    assert evaluate(model, FEATURES, SPLIT, off_label=off_label, seed=0).mean("disease", MODEL, "macro_ap") == 1
    assert evaluate(model, FEATURES, SPLIT, off_label=NO_PAIRS, seed=0).mean("disease", MODEL, "macro_ap") < 1


def test_one_seed_gives_one_table() -> None:
    pd.testing.assert_frame_equal(scripted(TRUTH).folds, scripted(TRUTH).folds)


def test_a_model_of_another_split_is_refused() -> None:
    model = RepurposingModel(TRUTH, {}, SPLIT.digest, FEATURES.digest)
    with pytest.raises(ValueError, match="the model was fitted on another split: materialise repurposing_model again"):
        evaluate(model, FEATURES, split_of(PAIRS[:, 1:]), off_label=NO_PAIRS, seed=0)


# signal and chance


def test_the_planted_signal_is_found_in_held_out_diseases() -> None:
    found = evaluated(shuffled=False)
    assert found.mean("disease", MODEL, "macro_ap") > 0.3  # .43 measured; a module has 12 drugs, 4 of them right
    assert found.lead("disease", "macro_ap").min() > 0
    assert found.headline().startswith("On held-out diseases the model beats the best floor")


def test_shuffled_labels_bring_held_out_diseases_near_chance() -> None:
    tables = [evaluated(shuffled=True, seed=seed) for seed in range(8)]
    own, chance = (np.mean([t.mean("disease", scorer, "macro_ap") for t in tables]) for scorer in (MODEL, "random"))
    # .09 and .13 measured, true labels .43. Below chance because a pair that is held out is one that its drug lacks in
    # training, so that popular drugs look worse than they are.
    assert chance - 0.07 < own < chance + 0.02


# what is said of it


def test_the_best_floor_is_that_with_the_highest_mean() -> None:
    found = table({MODEL: [0.9, 0.9], "random": [0.0, 0.3], "drug degree": [0.2, 0.2], "drug kNN": [0.1, 0.2]})
    assert found.best_floor("disease", "macro_ap") == "drug degree"


def test_of_equal_floors_the_first_is_named() -> None:
    assert table({MODEL: [0.9], "b": [0.2], "a": [0.2]}).best_floor("disease", "macro_ap") == "b"


def test_the_lead_is_taken_fold_by_fold_from_the_best_floor() -> None:
    found = table({"low": [0.0, 0.0, 0.0], MODEL: [0.5, 0.25, 0.75], "high": [0.25, 0.5, 0.25]})
    assert found.lead("disease", "macro_ap").tolist() == [0.25, -0.25, 0.5]


def test_a_fold_of_one_repeat_is_not_that_of_another() -> None:
    first, second = table({MODEL: [0.5], "a": [0.25]}).folds, table({MODEL: [1.0], "a": [0.25]}).folds
    found = Evaluation(pd.concat([first, second.assign(repeat=1)]))
    assert found.lead("disease", "macro_ap").tolist() == [0.25, 0.75]


def test_other_splits_do_not_enter() -> None:
    both = pd.concat([table({MODEL: [0.5], "a": [0.25]}).folds, table({MODEL: [0.1], "a": [0.9]}, "pair").folds])
    found = Evaluation(both)
    assert found.lead("disease", "macro_ap").tolist() == [0.25]
    assert found.mean("pair", "a", "macro_ap") == 0.9


def test_a_lead_is_said_with_its_spread() -> None:
    # Leads .2 and .4: mean .3, sample standard deviation .1 x sqrt(2).
    said = table({MODEL: [0.5, 0.7], "drug degree": [0.3, 0.3]}).headline()
    assert said == (
        "On held-out diseases the model beats the best floor (drug degree): macro AP +0.300 "
        "(standard deviation 0.141 over 2 folds, ahead in 2)."
    )


@pytest.mark.parametrize("own", [[0.1, 0.3], [0.25, 0.25]])
def test_a_model_that_loses_or_draws_is_said_not_to_beat_the_floor(own: list[float]) -> None:
    said = table({MODEL: own, "drug degree": [0.25, 0.25]}).headline()
    assert said.startswith("On held-out diseases the model does NOT beat the best floor (drug degree): macro AP ")


def test_the_headline_is_written_beside_the_tables() -> None:
    found = table({MODEL: [0.5, 0.7], "drug degree": [0.3, 0.3]})
    parts = found.to_parts()
    assert parts["evaluation.json"] == {"headline": found.headline()}
    assert parts["evaluation.csv"]["macro_ap_mean"].tolist() == [0.6, 0.3]


def test_embeddings_of_another_training_are_refused() -> None:
    other = PairFeatures(FEATURES.drugs + 1, FEATURES.diseases)
    model = RepurposingModel(Lookup(np.eye(3)), {}, SPLIT.digest, FEATURES.digest)
    with pytest.raises(ValueError, match="the model was fitted on other embeddings: materialise repurposing_model"):
        evaluate(model, other, SPLIT, off_label=NO_PAIRS, seed=0)
