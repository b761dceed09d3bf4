from functools import cache

import numpy as np
import pytest

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import Setting
from hgt_repurposing.repurposing import features as features_module
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing_tests.repurposing.planted import (
    CONTRAINDICATION,
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    planted_split,
    with_pairs,
)

# Diseases 20 to 29 have no treatment.
FEW = planted_pairs()[:, planted_pairs()[1] < 20]
TREATED, NEW, ALL = np.arange(20), np.arange(20, NUM_DISEASES), np.arange(NUM_DISEASES)


@cache
def case(*, contraindications: bool = False) -> tuple[PairInputs, RepurposingModel]:
    graph = planted_graph(FEW, contraindications=contraindications)
    inputs = planted_inputs(graph)
    return inputs, fit_repurposing_model(inputs, planted_split(graph), QUICK)


def asked(setting: Setting, diseases: IntArray) -> FloatArray:
    """What the classifier of one setting says. Shape [1, num_drugs, num_columns]."""
    inputs, model = case()
    features = PairFeatures(inputs.neighbourhoods, inputs.labels.indications, setting)
    return model.classifiers[setting].log_odds(features, inputs.vectors, diseases)


def test_a_disease_with_treatments_asks_as_a_warm_pair_and_one_without_as_a_cold_disease() -> None:
    inputs, model = case()
    found = Scorer.of_model(model, inputs).grid(ALL)
    np.testing.assert_array_equal(found[:, :, TREATED], asked("warm pair", TREATED))
    np.testing.assert_array_equal(found[:, :, NEW], asked("cold disease", NEW))
    assert not np.array_equal(asked("warm pair", TREATED), asked("cold disease", TREATED))


def test_diseases_with_treatments_come_first() -> None:
    inputs, model = case()
    order = np.concatenate(
        [block.diseases for block in Scorer.of_model(model, inputs).blocks(np.array([25, 3, 21, 1]))]
    )
    assert order.tolist() == [3, 1, 25, 21]


@pytest.mark.parametrize("per_block", [1, 3, 7])
def test_scores_in_blocks_are_those_of_all_at_once(per_block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, model = case()
    whole = Scorer.of_model(model, inputs).grid(ALL)
    width = len(model.classifiers["warm pair"].feature_names)
    monkeypatch.setattr(features_module, "MAX_BLOCK_VALUES", per_block * NUM_DRUGS * width)
    done: list[int] = []
    found = Scorer.of_model(model, inputs).grid(ALL, on_block=done.append)
    # Sums of float32 features in another order move a score in its last digits, and may carry it over a tree's split.
    assert np.isclose(found, whole, atol=1e-4).mean() > 0.99
    assert sum(done) == NUM_DISEASES
    widest, other = (len(model.classifiers[setting].feature_names) for setting in ("warm pair", "cold disease"))
    assert max(done) <= per_block * widest // other  # the setting of new diseases has fewer features: larger blocks


def test_some_diseases_are_scored_as_among_all() -> None:
    inputs, model = case()
    chosen = np.array([0, 4, 22, 29])
    found, whole = Scorer.of_model(model, inputs).grid(chosen), Scorer.of_model(model, inputs).grid(ALL)[:, :, chosen]
    assert np.isclose(found, whole, atol=1e-4).mean() > 0.99


def test_no_diseases_have_no_columns() -> None:
    inputs, model = case()
    assert Scorer.of_model(model, inputs).grid(ALL[:0]).shape == (1, NUM_DRUGS, 0)


def test_contraindications_are_scored_beside_indications() -> None:
    inputs, model = case(contraindications=True)
    assert Scorer.of_model(model, inputs).grid(ALL).shape == (2, NUM_DRUGS, NUM_DISEASES)


@pytest.mark.parametrize("against", [[[0], [1]], [[0, 1, 2], [25, 26, 27]]], ids=["one", "of new diseases"])
def test_too_few_contraindications_to_learn_from_are_not_learned(against: list[list[int]]) -> None:
    graph = with_pairs(planted_graph(FEW, contraindications=True), CONTRAINDICATION, np.array(against))
    inputs = planted_inputs(graph)
    treats, harms = Scorer.of_model(fit_repurposing_model(inputs, planted_split(graph), QUICK), inputs).grid(ALL)
    assert np.isfinite(treats).all()
    assert np.isnan(harms).all()


def test_blocks_come_in_the_order_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, model = case()
    features = PairFeatures(inputs.neighbourhoods, inputs.labels.indications, "cold disease")
    scorer = Scorer.of_classifier(model.classifiers["cold disease"], features, inputs.vectors)
    diseases = np.array([7, 3, 29, 0])
    (whole,) = scorer.blocks(diseases)
    monkeypatch.setattr(features_module, "MAX_BLOCK_VALUES", 3 * NUM_DRUGS * len(features.names))
    first, second = scorer.blocks(diseases)
    assert (first.diseases.tolist(), second.diseases.tolist()) == ([7, 3, 29], [0])
    assert (first.log_odds.shape, second.log_odds.shape) == ((1, NUM_DRUGS, 3), (1, NUM_DRUGS, 1))
    both = np.concatenate([first.log_odds, second.log_odds], axis=2)
    np.testing.assert_allclose(both, whole.log_odds, atol=1e-5)  # float32


def test_one_classifier_is_asked_by_every_disease() -> None:
    inputs, model = case()
    features = PairFeatures(inputs.neighbourhoods, inputs.labels.indications, "cold drug")
    found = Scorer.of_classifier(model.classifiers["cold drug"], features, inputs.vectors).grid(ALL)
    np.testing.assert_array_equal(found, asked("cold drug", ALL))
