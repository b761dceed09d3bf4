import os
from functools import cache

import numpy as np
import pytest
from scipy.special import expit

from hgt_repurposing.graph.missing import MissingShares, draw_masks
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Setting
from hgt_repurposing.repurposing import learning as module
from hgt_repurposing.repurposing.classifier import expected_number
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import INDICATION
from hgt_repurposing.repurposing.learning import Classifiers, LearningCase, fit_classifiers, gather_examples
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.tower_training import fit_two_towers
from hgt_repurposing.repurposing.two_towers import TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    planted_scorer,
    table_of,
)

INPUTS = planted_inputs()
AGAINST = planted_inputs(planted_graph(contraindications=True))
PAIRS, ALL = planted_pairs(), np.arange(NUM_DISEASES)
EVERY_CELL = QUICK.model_copy(update={"calibration_cells": NUM_DRUGS * NUM_DISEASES})
every_setting = pytest.mark.parametrize("setting", SETTINGS)


def gathered(
    pairs: IntArray = PAIRS,
    *,
    inputs: PairInputs = INPUTS,
    params: ClassifierParams = QUICK,
    seed: int = 0,
    settings: tuple[Setting, ...] = SETTINGS,
) -> LearningCase:
    labels = inputs.labels.with_indications(pairs)
    return gather_examples(inputs.neighbourhoods, labels, params=params, seed=(seed,), settings=settings)


@cache
def shared(inputs: PairInputs = INPUTS, settings: tuple[Setting, ...] = SETTINGS) -> LearningCase:
    """Gathered once from all pairs, for tests that read it."""
    return gathered(inputs=inputs, settings=settings)


@cache
def vectors() -> PairVectors:
    generator = np.random.default_rng(0)
    drugs, diseases = (generator.standard_normal((size, 3)) for size in (NUM_DRUGS, NUM_DISEASES))
    return PairVectors(drugs.astype(np.float32), diseases.astype(np.float32))


def assert_same(one: LearningCase, other: LearningCase, settings: tuple[Setting, ...] = SETTINGS) -> None:
    for setting in settings:
        for mine, theirs in zip(one.examples[setting], other.examples[setting], strict=True):
            for part, same in zip((*mine.cells, *mine[1:]), (*theirs.cells, *theirs[1:]), strict=True):
                np.testing.assert_array_equal(part, same)


# no pair speaks for itself


def test_no_hidden_treatment_reaches_a_feature_or_a_baseline_of_its_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is hidden is dealt anew, drug by drug, and what is visible stays: so must everything that is known of a cell.
    some = np.random.default_rng(0).random(PAIRS.shape[1]) < 0.2
    hidden = some | (PAIRS[0] < 10) | (PAIRS[1] < 6)
    other = PAIRS.copy()
    other[0, hidden] = (PAIRS[0, hidden] + 1) % 10
    other, kept = np.unique(other, axis=1, return_index=True)  # what is visible stays
    found = []
    for pairs, mask in ((PAIRS, hidden), (other, hidden[kept])):
        monkeypatch.setattr(module, "draw_masks", lambda *_, mask=mask, **__: [mask])
        found.append(gathered(pairs, inputs=AGAINST, params=EVERY_CELL))
    ours, theirs = found
    np.testing.assert_array_equal(ours.visible[0], theirs.visible[0])
    for setting in SETTINGS:
        (mine,), (yours,) = ours.examples[setting], theirs.examples[setting]
        changed = 0
        at = {tuple(pair): place for place, pair in enumerate(yours.cells.pairs.T.tolist())}
        for place, pair in enumerate(mine.cells.pairs.T.tolist()):
            there = at.get(tuple(pair))
            if there is None:  # off-label use, which is a cell only where it is an indication
                continue
            changed += mine.cells.label[place] != yours.cells.label[there]
            np.testing.assert_array_equal(mine.named[place], yours.named[there])
            np.testing.assert_array_equal(mine.baselines[place], yours.baselines[there])
        assert changed


def test_each_mask_has_features_of_its_own_visible_treatments() -> None:
    case = shared()
    for number, pairs in enumerate(case.visible):
        assert 0 < pairs.shape[1] < PAIRS.shape[1]
        for setting in SETTINGS:
            cells = case.examples[setting][number].cells
            assert not table_of(pairs)[tuple(cells.pairs[:, cells.label == INDICATION])].any()
    for features in case.features.values():
        np.testing.assert_array_equal(features.visible.toarray(), table_of(PAIRS))


# masks


@pytest.mark.parametrize(
    ("inner_folds", "share", "num_masks"),
    [(5, 0.1, 10), (2, 0.25, 4), (3, 0.4, 3), (5, 0.25, 5), (3, 0.1, 12), (2, 0.01, 8)],
)
def test_masks_are_enough_to_hide_all_once_in_whole_inner_folds(inner_folds: int, share: float, num_masks: int) -> None:
    missing = MissingShares(pairs=0.4, diseases=0.4, drugs=share)
    params = QUICK.model_copy(update={"inner_folds": inner_folds, "missing": missing, "calibration_cells": 100})
    assert len(gathered(params=params, settings=("cold pair",)).visible) == num_masks


def test_one_seed_gathers_the_same_and_another_hides_others() -> None:
    assert_same(gathered(inputs=AGAINST), shared(AGAINST))
    one, other = (gathered(seed=seed, settings=("cold pair",)) for seed in (1, 2))
    assert not all(np.array_equal(*both) for both in zip(one.visible, other.visible, strict=True))


@every_setting
def test_the_cells_of_a_setting_do_not_depend_on_what_else_is_learned(setting: Setting) -> None:
    alone = shared(AGAINST, (setting,))
    assert tuple(alone.examples) == tuple(alone.features) == (setting,)
    assert_same(alone, shared(AGAINST), (setting,))


def test_where_features_are_too_many_some_diseases_stand_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shared()
    width = max(len(of.names) + len(of.baselines.names) for of in whole.features.values())
    monkeypatch.setattr(module, "MAX_FEATURE_VALUES", 6 * NUM_DRUGS * width)
    few = gathered()
    for setting in SETTINGS:
        for mine, all_of_them in zip(few.examples[setting], whole.examples[setting], strict=True):
            assert len(np.unique(mine.cells.pairs[1])) <= 9  # narrower settings have room for more
            assert mine.cells.weight.sum() == pytest.approx(all_of_them.cells.weight.sum(), rel=0.3)


# one seed, one set of classifiers


def parts_of(classifiers: Classifiers) -> dict[str, object]:
    return {setting: classifier.to_parts("x") for setting, classifier in classifiers.of_setting.items()} | {
        str(number): towers.to_arrays() for number, towers in enumerate(classifiers.towers)
    }


def test_the_number_of_threads_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    params = QUICK.model_copy(update={"num_trees": 5, "tower_updates": 5})
    whole = parts_of(fit_classifiers(shared(AGAINST), vectors(), params))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    np.testing.assert_equal(parts_of(fit_classifiers(gathered(inputs=AGAINST), vectors(), params)), whole)


# towers


@pytest.mark.parametrize("num_folds", [1, 2, 3])
def test_towers_speak_for_the_fold_of_their_masks(num_folds: int) -> None:
    generator = np.random.default_rng(0)
    towers = [
        TwoTowers(*(generator.standard_normal((size, 3)).astype(np.float32) for size in (NUM_DRUGS, NUM_DISEASES)))
        for _ in range(6)
    ]
    diseases = np.array([7, 0, 3])
    found = Classifiers({}, tuple(towers), num_folds).log_probabilities(diseases)
    assert found.shape == (NUM_DRUGS, 3, num_folds)
    for fold in range(num_folds):
        own = np.array_split(np.arange(6), num_folds)[fold]
        np.testing.assert_allclose(
            found[:, :, fold], np.mean([towers[mask].log_probabilities(diseases) for mask in own], axis=0)
        )


def test_there_is_a_tower_for_every_mask_that_never_saw_what_it_hides() -> None:
    case, params = shared(settings=("cold pair",)), QUICK.model_copy(update={"tower_updates": 5})
    towers = fit_classifiers(case, vectors(), params).towers
    assert len(towers) == len(case.visible)
    for number, (pairs, found) in enumerate(zip(case.visible, towers, strict=True)):
        seen = case.labels.with_indications(pairs).indications
        expected = fit_two_towers(seen, vectors(), num_updates=5, seed=params.seed + number)
        np.testing.assert_allclose(found.drugs, expected.drugs, atol=1e-4)  # threads add in another order


@pytest.mark.parametrize(("width", "updates"), [(0, 5), (3, 0)], ids=["no vectors", "no updates"])
def test_without_vectors_or_updates_there_are_no_towers(width: int, updates: int) -> None:
    given = vectors() if width else INPUTS.vectors
    params = QUICK.model_copy(update={"tower_updates": updates, "num_trees": 2})
    found = fit_classifiers(shared(settings=("cold drug",)), given, params)
    assert found.towers == ()
    assert not found.of_setting["cold drug"].with_towers


def test_where_a_mask_hides_every_treatment_there_are_no_towers(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = [np.array([True, True]), np.array([False, True])]
    monkeypatch.setattr(module, "draw_masks", lambda *_, **__: [*hidden, np.array([False, False]), hidden[1]])
    case = gathered(np.array([[0, 1], [0, 1]]))
    assert [pairs.shape[1] for pairs in case.visible] == [0, 1, 2, 1]
    assert fit_classifiers(case, vectors(), QUICK).towers == ()


# little or nothing to learn from, and settings that do not occur


def scored(pairs: IntArray, params: ClassifierParams = QUICK) -> tuple[dict[Setting, int], FloatArray]:
    """Number of members by setting, and log odds of every cell. Shape [num_classes - 1, num_drugs, num_diseases]."""
    scorer = planted_scorer(AGAINST, pairs, params)
    members = {setting: len(found.members) for setting, found in scorer.classifiers.of_setting.items()}
    return members, scorer.grid(ALL)


def test_too_few_treatments_have_no_members_and_baselines_rank() -> None:
    members, (treats, harms) = scored(PAIRS[:, :3], QUICK.model_copy(update={"missing": MissingShares()}))
    assert members == dict.fromkeys(SETTINGS, 0)
    assert np.isfinite(treats).all()
    assert np.isnan(harms).all()
    assert (np.ptp(treats, axis=0) > 0).all()


def test_a_setting_with_too_few_positives_has_no_members_beside_settings_that_do() -> None:
    members, grid = scored(PAIRS[:, ::13])
    assert members["warm pair"] == 0 < members["cold pair"]
    assert np.isfinite(grid[0]).all()


def test_without_any_treatment_all_pairs_are_cold_and_rarely_treated() -> None:
    members, (treats, _) = scored(PAIRS[:, :0])
    assert members == {"cold pair": 0}
    assert np.isfinite(treats).all()
    assert expit(treats).sum() < 1


def test_settings_that_do_not_occur_under_any_mask_have_no_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    drug, disease = np.indices((NUM_DRUGS, NUM_DISEASES)).reshape(2, -1)
    pairs = np.stack([drug, disease])[:, drug % 5 == disease % 5]  # six treatments of a drug, twelve of a disease
    number = np.random.default_rng(0).integers(0, 4, pairs.shape[1])
    monkeypatch.setattr(module, "draw_masks", lambda *_, **__: [number == mask for mask in range(4)])
    members, grid = scored(pairs)
    assert members == {"warm pair": 2}
    assert np.isfinite(grid[0]).all()


@pytest.mark.parametrize("end", [0, 1], ids=["drug", "disease"])
@pytest.mark.parametrize("num_treatments", [1, 2, 5])
def test_a_single_drug_or_disease_with_all_treatments_leaves_no_warm_pair_to_learn_from(
    end: int, num_treatments: int
) -> None:
    pairs = np.zeros((2, num_treatments), dtype=np.int64)
    pairs[1 - end] = np.arange(num_treatments)
    counted = f"1 x {num_treatments}" if end == 0 else f"{num_treatments} x 1"
    sentence = rf"no pair of the warm pair setting \(drug and disease both have .*: all {counted} have a known relation"
    with pytest.raises(ValueError, match=sentence):
        gathered(pairs, settings=("warm pair",))
    cold = gathered(pairs, settings=("cold disease", "cold drug", "cold pair"))  # these can be learned all the same
    assert all(any(mask.cells.pairs.shape[1] for mask in masks) for masks in cold.examples.values())


@pytest.mark.parametrize("end", [0, 1], ids=["drugs", "diseases"])
def test_where_all_of_one_end_are_treated_every_cell_is_scored(end: int) -> None:
    chosen = PAIRS[:, PAIRS[1 - end] % 2 == 0]
    others = np.stack([ALL * 2, ALL]) if end else np.stack([np.arange(NUM_DRUGS), np.arange(NUM_DRUGS) // 4 * 2])
    pairs = np.unique(np.concatenate([chosen, others], axis=1), axis=1)
    treated = table_of(pairs).any(axis=1 - end)
    assert treated.all()
    assert not table_of(pairs).any(axis=end).all()
    _, grid = scored(pairs)
    assert np.isfinite(grid[0]).all()


# probabilities

FEW = PAIRS[:, (PAIRS[0] < 40) & (PAIRS[1] < 20)]


every_graph = pytest.mark.parametrize("pairs", [PAIRS, FEW], ids=["few are untreated", "many are untreated"])
HASTY = QUICK.model_copy(update={"num_trees": 3, "missing": MissingShares()})


@every_graph
def test_probabilities_of_a_setting_sum_to_what_is_assumed_to_be_missing_there(pairs: IntArray) -> None:
    (mask,) = draw_masks(pairs, HASTY.missing, num_masks=1, generator=np.random.default_rng(0))
    case = gathered(pairs[:, ~mask], params=HASTY)
    probability, setting = probabilities(pairs[:, ~mask])
    for number, name in enumerate(SETTINGS):
        asked = case.to_score[name].cells.weight.sum()
        assert asked == np.count_nonzero((setting == number) & (table_of(pairs[:, ~mask]) == 0))
        assumed = expected_number([examples.cells for examples in case.examples[name]], float(asked))
        assert probability[setting == number].sum() == pytest.approx(assumed, rel=1e-3)


def probabilities(pairs: IntArray, *, seed: int = 0) -> tuple[FloatArray, IntArray]:
    """Of every pair, 0 for the visible ones, and its setting. Shape [num_drugs, num_diseases] each."""
    scorer = planted_scorer(INPUTS, pairs, HASTY, seed=seed)
    return np.where(table_of(pairs) == 0, expit(scorer.grid(ALL)[0]), 0), scorer.treated.grid(ALL)


@pytest.mark.slow
@every_graph
def test_probabilities_sum_to_about_the_number_of_missing_treatments(pairs: IntArray) -> None:
    # Two to four of each end are hidden whole, with one to six treatments each: of a setting, 10 to 70 over all seeds,
    # a third of which is chance. Together, where few are untreated: 170 for 165 measured; where many are, 76 for 75.
    expected, hidden = np.zeros(len(SETTINGS)), np.zeros(len(SETTINGS))
    for seed in range(5):
        (mask,) = draw_masks(pairs, HASTY.missing, num_masks=1, generator=np.random.default_rng(seed))
        probability, setting = probabilities(pairs[:, ~mask], seed=seed)
        for number in range(len(SETTINGS)):
            expected[number] += probability[setting == number].sum()
            hidden[number] += table_of(pairs[:, mask])[setting == number].sum()
    assert expected.sum() == pytest.approx(hidden.sum(), rel=0.2)
    np.testing.assert_array_less(0.5, expected / hidden)
    np.testing.assert_array_less(expected / hidden, 2)
