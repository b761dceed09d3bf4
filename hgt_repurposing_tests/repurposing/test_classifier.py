import json
import os
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import SETTINGS, Hiding, Setting
from hgt_repurposing.repurposing import features as features_module
from hgt_repurposing.repurposing.classifier import (
    PairClassifier,
    fit_classifier,
    gather_examples,
)
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import INDICATION
from hgt_repurposing.repurposing.tower_training import fit_two_towers
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    shuffled_pairs,
    table_of,
)

INPUTS = planted_inputs()
AGAINST = planted_inputs(planted_graph(contraindications=True))
PAIRS, ALL = planted_pairs(), np.arange(NUM_DISEASES)
HELD_OUT = np.arange(0, NUM_DISEASES, 3)
every_setting = pytest.mark.parametrize("setting", SETTINGS)


@cache
def random_vectors(width: int = 3) -> PairVectors:
    generator = np.random.default_rng(0)
    drugs, diseases = (generator.standard_normal((size, width)) for size in (NUM_DRUGS, NUM_DISEASES))
    return PairVectors(drugs.astype(np.float32), diseases.astype(np.float32))


def fitted(
    pairs: IntArray = PAIRS,
    setting: Setting = "cold disease",
    *,
    seed: int = 0,
    inputs: PairInputs = INPUTS,
    vectors: PairVectors = INPUTS.vectors,
    **changed: Any,
) -> PairClassifier:
    """On these pairs, with other parameters where they are given. Any: values of `ClassifierParams`."""
    params, labels = QUICK.model_copy(update={"seed": seed, **changed}), inputs.labels.with_indications(pairs)
    examples = gather_examples(
        inputs.neighbourhoods, labels, hiding=Hiding(setting), params=params, generator=np.random.default_rng(seed)
    )
    features = PairFeatures(inputs.neighbourhoods, labels.indications, setting)
    return fit_classifier(examples, vectors, features=features, params=params)


def scores(
    model: PairClassifier,
    pairs: IntArray = PAIRS,
    diseases: IntArray = ALL,
    *,
    inputs: PairInputs = INPUTS,
    vectors: PairVectors = INPUTS.vectors,
) -> FloatArray:
    """Shape [num_classes - 1, num_drugs, num_columns]."""
    visible = inputs.labels.with_indications(pairs).indications
    return model.log_odds(PairFeatures(inputs.neighbourhoods, visible, model.setting), vectors, diseases)


def auroc_on_held_out_diseases(pairs: IntArray, *, seed: int = 0) -> float:
    training = pairs[:, ~np.isin(pairs[1], HELD_OUT)]
    found = scores(fitted(training, seed=seed), training, HELD_OUT)[0]
    return float(roc_auc_score(table_of(pairs)[:, HELD_OUT].ravel(), found.ravel()))


# signal and chance


def test_the_planted_signal_is_found_in_held_out_diseases() -> None:
    assert auroc_on_held_out_diseases(PAIRS) > 0.85  # .93 measured; who treats within a module is chance


def test_shuffled_labels_are_not_found_at_all() -> None:
    # Pairs drawn uniformly: those of held-out diseases say nothing of drugs. The standard deviation of the AUROC of 40
    # positives among 600 cells is about .05; of the mean of nine .017, of which four are the tolerance.
    found = [auroc_on_held_out_diseases(shuffled_pairs(seed), seed=seed) for seed in range(9)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.07)


def test_contraindications_are_told_from_indications() -> None:
    model = fitted(inputs=AGAINST)
    treats, harms = scores(model, inputs=AGAINST)
    known, barred = (matrix.toarray() > 0 for matrix in (AGAINST.labels.indications, AGAINST.labels.contraindications))
    assert roc_auc_score(known.ravel(), treats.ravel()) > 0.85
    assert roc_auc_score(barred.ravel(), harms.ravel()) > 0.85
    assert treats[known].mean() > treats[barred].mean() + 1
    assert harms[barred].mean() > harms[known].mean() + 1


# one seed, one classifier


@every_setting
def test_one_seed_gives_one_classifier(setting: Setting) -> None:
    assert fitted(setting=setting).to_parts("x") == fitted(setting=setting).to_parts("x")


def test_another_seed_gives_another_classifier() -> None:
    assert fitted(seed=1).to_parts("x") != fitted(seed=2).to_parts("x")


def test_the_number_of_threads_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fitted(inner_folds=3).to_parts("x")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert fitted(inner_folds=3).to_parts("x") == whole


@pytest.mark.parametrize("inputs", [INPUTS, AGAINST], ids=["two classes", "three classes"])
@pytest.mark.parametrize("width", [0, 3], ids=["no towers", "towers"])
def test_a_classifier_from_its_parts_scores_the_same_to_the_bit(inputs: PairInputs, width: int) -> None:
    vectors = random_vectors(width)
    model = fitted(inputs=inputs, vectors=vectors)
    parts = model.to_parts("disease")
    read = {name: part if name.endswith(".npz") else json.loads(json.dumps(part)) for name, part in parts.items()}
    back = PairClassifier.from_parts(read, "disease")
    np.testing.assert_array_equal(
        scores(back, inputs=inputs, vectors=vectors), scores(model, inputs=inputs, vectors=vectors)
    )
    np.testing.assert_equal(back.to_parts("disease"), parts)


def test_there_is_a_member_for_every_inner_fold_and_a_calibration_for_every_class() -> None:
    assert len(fitted(inner_folds=3).members) == 3
    assert len(fitted().calibrations) == 1
    assert len(fitted(inputs=AGAINST).calibrations) == 2


# what it is asked


@pytest.mark.parametrize("other", [setting for setting in SETTINGS if setting != "cold disease"])
def test_features_of_another_setting_are_refused(other: Setting) -> None:
    features = PairFeatures(INPUTS.neighbourhoods, INPUTS.labels.indications, other)
    with pytest.raises(
        ValueError, match=rf"fitted on other features \('cold disease' setting, 18 .* given \('{other}' setting"
    ):
        fitted().log_odds(features, INPUTS.vectors, ALL)


@given(st.lists(st.integers(0, NUM_DISEASES - 1), min_size=1, max_size=5, unique=True))
def test_a_score_does_not_depend_on_the_diseases_beside_it(diseases: list[int]) -> None:
    model, chosen = _shared(), np.array(diseases)
    features = PairFeatures(INPUTS.neighbourhoods, INPUTS.labels.with_indications(PAIRS).indications, model.setting)
    one, other = features.block(chosen), features.block(ALL)[:, chosen]
    low, high = np.minimum(one, other), np.maximum(one, other)
    parted = np.zeros(low.shape[:2], dtype=np.bool_)  # pairs that lie on two sides of some split of a tree
    for column, split in _splits():
        parted |= (low[:, :, column] < split) & (split <= high[:, :, column])
    found, whole = scores(model, diseases=chosen)[0], scores(model)[0][:, chosen]
    # BLAS adds in another order, so float32 features may be 1e-6 off. Trees take that up to their splits; what is left
    # is a sum of 18 features times slopes below 5, rounded 18 times by 2^-24 of what stays below 180.
    np.testing.assert_allclose(found[~parted], whole[~parted], rtol=0, atol=18 * 5 * 1e-6 + 18 * 180 * 2**-24)


@cache
def _splits() -> tuple[tuple[int, float], ...]:
    """Feature and value of every split of the shared classifier's trees."""
    boosters = [booster for member in _shared().members for booster in member.trees.boosters]
    nodes = pd.concat([booster.trees_to_dataframe() for booster in boosters]).query("Feature != 'Leaf'")
    columns = nodes["Feature"].str.removeprefix("f").astype(int)
    return tuple(dict.fromkeys(zip(columns, nodes["Split"].astype(np.float32), strict=True)))


@cache
def _shared() -> PairClassifier:
    return fitted()


def test_vectors_are_columns_of_the_trees_alone() -> None:
    model = fitted(vectors=random_vectors())
    num_named = len(model.feature_names)
    assert all(member.linear.coefficients.shape == (1, num_named) for member in model.members)
    assert all(member.trees.boosters[0].num_features() == num_named + 6 for member in model.members)
    assert scores(model, vectors=random_vectors()).shape == (1, NUM_DRUGS, NUM_DISEASES)


def test_towers_of_a_member_never_saw_the_fold_it_is_calibrated_on() -> None:
    labels = INPUTS.labels.with_indications(PAIRS)
    examples = gather_examples(
        INPUTS.neighbourhoods, labels, hiding=Hiding("cold disease"), params=QUICK, generator=np.random.default_rng(0)
    )
    features = PairFeatures(INPUTS.neighbourhoods, labels.indications, "cold disease")
    model = fit_classifier(examples, random_vectors(), features=features, params=QUICK)
    for number, (member, fold) in enumerate(zip(model.members, examples, strict=True)):
        hidden = fold.cells.pairs[:, fold.cells.label == INDICATION]
        assert not fold.cells.visible[tuple(hidden)].any()
        expected = fit_two_towers(
            fold.cells.visible, random_vectors(), num_updates=QUICK.tower_updates, seed=QUICK.seed + number
        )
        assert member.towers is not None
        np.testing.assert_allclose(member.towers.drugs, expected.drugs, atol=1e-4)  # threads add in another order


@pytest.mark.parametrize(("width", "updates"), [(0, 5), (3, 0)], ids=["no vectors", "no updates"])
def test_without_vectors_or_updates_there_are_no_towers(width: int, updates: int) -> None:
    model = fitted(vectors=random_vectors(width), tower_updates=updates)
    assert all(member.towers is None for member in model.members)
    assert len(model.calibrations[0].weights) == 2


def test_each_pair_gets_the_vectors_of_its_drug_and_its_disease() -> None:
    model = fitted(vectors=random_vectors())
    chosen = np.array([4, 2])
    features = PairFeatures(INPUTS.neighbourhoods, INPUTS.labels.indications, "cold disease")
    vectors, named = random_vectors(), features.block(chosen)
    expected = np.empty((NUM_DRUGS, 2))
    for place, disease in enumerate(chosen):
        sides = [vectors.drugs, np.tile(vectors.diseases[disease], (NUM_DRUGS, 1))]
        rows = np.concatenate([named[:, place], *sides], axis=1)
        linear, trees = (
            np.mean([head.log_odds(part)[:, 0] for head in heads], axis=0)
            for heads, part in (
                ([member.linear for member in model.members], named[:, place]),
                ([member.trees for member in model.members], rows),
            )
        )
        pairs = np.stack([np.arange(NUM_DRUGS), np.full(NUM_DRUGS, disease)])
        towers = np.mean([member.towers.log_probability(pairs) for member in model.members if member.towers], axis=0)
        expected[:, place] = model.calibrations[0].apply(np.stack([linear, trees, towers]))
    np.testing.assert_allclose(scores(model, diseases=chosen, vectors=vectors)[0], expected, atol=1e-5)  # float32


@given(st.integers(1, 100_000), st.integers(0, NUM_DISEASES))
def test_blocks_are_all_diseases_in_order_and_fit(values: int, count: int) -> None:
    features = PairFeatures(INPUTS.neighbourhoods, INPUTS.labels.indications, "cold disease")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features_module, "MAX_BLOCK_VALUES", values)
        blocks = list(features.blocks_of(ALL[:count]))
    assert np.concatenate([ALL[:0], *blocks]).tolist() == list(range(count))
    width = len(features.names)
    assert all(len(block) == 1 or 0 < len(block) * NUM_DRUGS * width <= values for block in blocks)


# probabilities


@every_setting
def test_probabilities_sum_to_the_number_of_hidden_pairs(setting: Setting) -> None:
    # Asked is a third of the grid, hidden in the way of the setting, as the inner folds hid the rest.
    held = {
        "cold disease": np.isin(PAIRS[1], HELD_OUT),
        "cold drug": PAIRS[0] % 3 == 0,
        "warm pair": np.arange(PAIRS.shape[1]) % 3 == 0,
    }
    training, test = PAIRS[:, ~held[setting]], PAIRS[:, held[setting]]
    asked = table_of(training) == 0
    if setting == "cold drug":
        asked &= (np.arange(NUM_DRUGS) % 3 == 0)[:, None]
    if setting == "cold disease":
        asked &= np.isin(ALL, HELD_OUT)
    probability = expit(scores(fitted(training, setting, inner_folds=3), training)[0])
    assert probability[asked].sum() == pytest.approx(test.shape[1], rel=0.5)
