from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.split import FoldKey, SplitKind
from hgt_repurposing.repurposing import model as module
from hgt_repurposing.repurposing.classifier import PairClassifier
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
from hgt_repurposing_tests.repurposing.planted import (
    NO_PAIRS,
    NUM_DRUGS,
    QUICK,
    planted_features,
    planted_pairs,
    split_of,
)

FEATURES, PAIRS = planted_features(), planted_pairs()
SPLIT = split_of(PAIRS)
PARAMS = QUICK.model_copy(update={"max_trees": 5})
OFF_LABEL = np.array([[0, 59], [1, 29]])


def fitted(pairs: IntArray = PAIRS, *, seed: int = 42) -> RepurposingModel:
    """On these pairs, in the folds of the planted ones."""
    params = PARAMS.model_copy(update={"seed": seed})
    return fit_repurposing_model(FEATURES, replace(SPLIT, pairs=pairs), params, off_label=NO_PAIRS)


def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What every classifier is fitted on, in order: positives, known, drugs, kind. Any: arrays and text."""
    seen: list[dict[str, Any]] = []

    def record(_: PairFeatures, positives: IntArray, **options: Any) -> PairClassifier:
        seen.append({"positives": positives, **options})
        return PairClassifier(booster=None, num_trees=0)

    monkeypatch.setattr(module, "fit_classifier", record)
    fit_repurposing_model(FEATURES, SPLIT, PARAMS, off_label=OFF_LABEL)
    return seen


def as_set(pairs: IntArray) -> set[tuple[int, int]]:
    return {(int(drug), int(disease)) for drug, disease in pairs.T}


def test_there_is_a_classifier_for_every_fold_of_every_split() -> None:
    assert tuple(fitted().folds) == SPLIT.keys


def test_every_classifier_is_reported_and_the_final_one_last() -> None:
    names: list[str] = []
    fit_repurposing_model(FEATURES, SPLIT, PARAMS, off_label=NO_PAIRS, on_fit=names.append)
    assert names == [*map(str, SPLIT.keys), "final"]


def test_the_model_remembers_its_split() -> None:
    assert fitted().split_digest == SPLIT.digest


def test_a_fold_is_fitted_on_the_pairs_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, given in zip(SPLIT.keys, asked(monkeypatch), strict=False):
        assert given["kind"] == key.kind
        assert as_set(given["positives"]) == as_set(PAIRS[:, SPLIT.folds[key.kind, key.repeat] != key.fold])


def test_the_final_classifier_is_fitted_on_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    final = asked(monkeypatch)[-1]
    np.testing.assert_array_equal(final["positives"], PAIRS)
    assert final["kind"] == "disease"


def test_negatives_avoid_training_pairs_and_off_label_use_but_know_nothing_held_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for given in asked(monkeypatch):
        assert as_set(given["known"]) == as_set(given["positives"]) | as_set(OFF_LABEL)


def test_a_held_out_drug_gives_no_negatives(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, given in zip(SPLIT.keys, asked(monkeypatch), strict=False):
        held_out = set(SPLIT.test_pairs(key)[0].tolist()) if key.kind == "drug" else set()
        assert set(given["drugs"].tolist()) == set(range(NUM_DRUGS)) - held_out


def test_the_final_classifier_draws_from_all_drugs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch)[-1]["drugs"].tolist() == list(range(NUM_DRUGS))


@pytest.mark.parametrize("kind", ["disease", "pair"])
def test_held_out_pairs_do_not_touch_the_classifier_of_their_fold(kind: SplitKind) -> None:
    key = FoldKey(kind, repeat=0, fold=0)
    held = SPLIT.held_out(key)
    turned = PAIRS.copy()
    turned[0, held] = (turned[0, held] + 1) % NUM_DRUGS  # other drugs treat the held-out diseases
    first, second = fitted(), fitted(turned)
    assert first.folds[key].to_json() == second.folds[key].to_json()
    assert first.final.to_json() != second.final.to_json()


def test_one_seed_gives_one_model() -> None:
    assert fitted().to_parts() == fitted().to_parts()


def test_another_seed_gives_another_model() -> None:
    assert fitted(seed=1).final.to_json() != fitted(seed=2).final.to_json()


def test_parts_round_trip() -> None:
    model = fitted()
    back = RepurposingModel.from_parts(model.to_parts())
    assert list(back.folds) == list(model.folds)
    assert back.to_parts() == model.to_parts()


@pytest.mark.parametrize(
    "wrong", [PairFeatures(FEATURES.drugs[1:], FEATURES.diseases), PairFeatures(FEATURES.drugs, FEATURES.diseases[1:])]
)
def test_embeddings_of_another_size_are_refused(wrong: PairFeatures) -> None:
    with pytest.raises(
        ValueError, match=r"embeddings of \(\d+, \d+\) drugs and diseases do not fit a split of \(60, 30\)"
    ):
        fit_repurposing_model(wrong, SPLIT, PARAMS, off_label=NO_PAIRS)
