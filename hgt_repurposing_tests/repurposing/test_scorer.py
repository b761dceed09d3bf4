from functools import cache

import numpy as np
import pytest

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Setting
from hgt_repurposing.repurposing import features as features_module
from hgt_repurposing.repurposing.classifier import TOWERS, Rows
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.learning import Classifiers
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.repurposing.planted import (
    CONTRAINDICATION,
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    planted_scorer,
    planted_split,
    with_pairs,
)

# Diseases 20 to 29 have no treatment, and drugs 40 to 59 no use.
FEW = planted_pairs()[:, (planted_pairs()[1] < 20) & (planted_pairs()[0] < 40)]
TREATED, NEW, ALL = np.arange(20), np.arange(20, NUM_DISEASES), np.arange(NUM_DISEASES)


@cache
def case(*, contraindications: bool = False) -> tuple[PairInputs, RepurposingModel]:
    graph = planted_graph(FEW, contraindications=contraindications)
    inputs = planted_inputs(graph)
    return inputs, fit_repurposing_model(inputs, planted_split(graph), QUICK)


def asked(setting: Setting, diseases: IntArray) -> FloatArray:
    """What the classifier of one setting says of every drug. Shape [1, num_drugs, num_columns]."""
    inputs, model = case()
    features = PairFeatures.of_every_setting(inputs.neighbourhoods, inputs.labels.indications)[setting]
    rows = rows_of(features, diseases, inputs.vectors)
    return model.classifiers.of_setting[setting].log_odds(rows).reshape(1, NUM_DRUGS, len(diseases))


def rows_of(features: PairFeatures, diseases: IntArray, vectors: PairVectors) -> Rows:
    """Every drug for some diseases, drug by drug."""
    named, baselines = features.block(diseases), features.baselines.block(diseases)
    return Rows(
        named.reshape(-1, named.shape[2]),
        baselines.reshape(-1, baselines.shape[2]),
        np.stack(np.meshgrid(np.arange(NUM_DRUGS), diseases, indexing="ij")).reshape(2, -1),
        vectors,
        towers=None,
    )


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_cell_is_scored_by_the_classifier_of_its_setting(setting: Setting) -> None:
    inputs, model = case()
    scorer = Scorer.of_model(model, inputs)
    found, own = scorer.grid(ALL)[0], scorer.treated.grid(ALL) == SETTINGS.index(setting)
    assert own.any()
    for diseases in (TREATED, NEW):  # in the blocks of the scorer, as sums differ in their last digits between blocks
        here = own[:, diseases]
        np.testing.assert_allclose(found[:, diseases][here], asked(setting, diseases)[0][here], atol=1e-5)
        if here.any():
            assert not np.allclose(found[:, diseases][~here], asked(setting, diseases)[0][~here], atol=1e-5)


def test_treated_are_those_of_the_visible_treatments() -> None:
    inputs, model = case()
    treated = Scorer.of_model(model, inputs).treated
    assert np.flatnonzero(treated.diseases).tolist() == sorted(set(FEW[1].tolist()))
    assert np.flatnonzero(treated.drugs).tolist() == sorted(set(FEW[0].tolist()))


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
    width = len(model.classifiers.of_setting["warm pair"].feature_names)
    monkeypatch.setattr(features_module, "MAX_BLOCK_VALUES", per_block * NUM_DRUGS * width)
    done: list[int] = []
    found = Scorer.of_model(model, inputs).grid(ALL, on_block=done.append)
    # Sums of float32 features in another order move a score in its last digits, and may carry it over a tree's split.
    assert np.isclose(found, whole, atol=1e-4).mean() > 0.99
    assert sum(done) == NUM_DISEASES
    narrower = len(model.classifiers.of_setting["cold disease"].feature_names)
    assert max(done) <= per_block * width // narrower  # new diseases have fewer features: larger blocks


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
    scorer = Scorer.of_model(model, inputs)
    diseases = np.array([7, 3, 19, 0])
    (whole,) = scorer.blocks(diseases)
    width = len(model.classifiers.of_setting["warm pair"].feature_names)
    monkeypatch.setattr(features_module, "MAX_BLOCK_VALUES", 3 * NUM_DRUGS * width)
    first, second = scorer.blocks(diseases)
    assert (first.diseases.tolist(), second.diseases.tolist()) == ([7, 3, 19], [0])
    assert (first.log_odds.shape, second.log_odds.shape) == ((1, NUM_DRUGS, 3), (1, NUM_DRUGS, 1))
    both = np.concatenate([first.log_odds, second.log_odds], axis=2)
    assert np.isclose(both, whole.log_odds, atol=1e-4).mean() > 0.99


def only(*settings: Setting) -> Scorer:
    """With the classifiers of these settings alone."""
    inputs, model = case()
    every = PairFeatures.of_every_setting(inputs.neighbourhoods, inputs.labels.indications)
    few = Classifiers({setting: model.classifiers.of_setting[setting] for setting in settings}, (), 2)
    features = {setting: every[setting] for setting in settings}
    return Scorer.of_classifiers(few, features, inputs.vectors, num_classes=inputs.labels.num_classes)


def test_classifiers_of_the_settings_that_occur_are_enough() -> None:
    inputs, model = case()
    whole = Scorer.of_model(model, inputs)
    np.testing.assert_array_equal(only("cold disease", "cold pair").grid(NEW), whole.grid(NEW))
    np.testing.assert_array_equal(only("warm pair", "cold drug").grid(TREATED), whole.grid(TREATED))


def test_a_pair_of_a_setting_that_was_not_learned_is_refused() -> None:
    with pytest.raises(ValueError, match="no classifier for the setting 'cold disease': it was not learned"):
        only("warm pair", "cold drug").grid(ALL)


def test_features_of_another_setting_are_refused() -> None:
    inputs, model = case()
    every = PairFeatures.of_every_setting(inputs.neighbourhoods, inputs.labels.indications)
    wrong = {**every, "warm pair": every["cold drug"]}
    with pytest.raises(ValueError, match="the classifier was fitted on other features"):
        Scorer.of_classifiers(model.classifiers, wrong, inputs.vectors, num_classes=2)


def test_each_member_asks_the_towers_of_its_own_masks() -> None:
    generator = np.random.default_rng(0)
    sides = [generator.standard_normal((size, 3)).astype(np.float32) for size in (NUM_DRUGS, NUM_DISEASES)]
    inputs = planted_inputs(planted_graph(FEW), vectors=PairVectors(*sides))
    scorer = planted_scorer(inputs, FEW, QUICK.model_copy(update={"num_trees": 5, "tower_updates": 5}))
    assert (
        max(
            found.blends[0].weights[found.score_names.index(TOWERS)] for found in scorer.classifiers.of_setting.values()
        )
        > 0
    )
    grid, treated = scorer.grid(ALL)[0], scorer.treated.grid(ALL)
    said = scorer.classifiers.log_probabilities(ALL).reshape(-1, QUICK.inner_folds)
    for number, setting in enumerate(SETTINGS):
        rows = rows_of(scorer.features[setting], ALL, inputs.vectors)._replace(towers=said)
        expected = scorer.classifiers.of_setting[setting].log_odds(rows).reshape(grid.shape)
        np.testing.assert_allclose(grid[treated == number], expected[treated == number], atol=1e-3)  # float32
