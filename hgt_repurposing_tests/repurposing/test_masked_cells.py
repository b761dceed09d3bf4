from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from hgt_repurposing.graph.missing import MissingShares, draw_masks
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.settings import SETTINGS, Setting, Treated
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION, UNKNOWN, Labels
from hgt_repurposing.repurposing.masked_cells import Mask, MaskedCells, masked_cells, masks_of
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    PALLIATION,
    QUICK,
    planted_contraindications,
    planted_graph,
    planted_pairs,
    shuffled_pairs,
    table_of,
    with_pairs,
)

LABELS = Labels.of_graph(planted_graph(contraindications=True))
PAIRS = planted_pairs()
FEW = LABELS.with_indications(PAIRS[:, (PAIRS[0] < 40) & (PAIRS[1] < 20)])
"""Drugs 40 to 59 treat nothing, and nothing treats diseases 20 to 29."""
NUM_MASKS, EVERYTHING = 10, NUM_DRUGS * NUM_DISEASES

seeds = st.integers(0, 99)
every_setting = pytest.mark.parametrize("setting", SETTINGS)


def pairs_of(labels: Labels) -> IntArray:
    """In the order of what is hidden. Shape [2, num_pairs]."""
    return np.stack(labels.indications.nonzero()).astype(np.int64)


def masks(labels: Labels = LABELS, *, seed: int = 0, num_masks: int = NUM_MASKS) -> list[Mask]:
    generator = np.random.default_rng(seed)
    hidden = draw_masks(pairs_of(labels), MissingShares(), num_masks=num_masks, generator=generator)
    return masks_of(labels, hidden, generator)


def cells_of(
    mask: Mask,
    setting: Setting,
    labels: Labels = LABELS,
    *,
    seed: int = 0,
    max_columns: int = NUM_DISEASES,
    **changed: Any,
) -> MaskedCells:
    """All cells, unless parameters say otherwise. Any: values of `ClassifierParams`."""
    params = QUICK.model_copy(update={"calibration_cells": EVERYTHING, **changed})
    generator = np.random.default_rng(seed)
    return masked_cells(labels, mask, setting, params=params, max_columns=max_columns, generator=generator)


def as_set(pairs: IntArray) -> set[tuple[int, int]]:
    return {(int(drug), int(disease)) for drug, disease in pairs.T}


def positives(cells: MaskedCells) -> IntArray:
    return cells.pairs[:, cells.label == INDICATION]


def against(cells: MaskedCells) -> IntArray:
    return cells.pairs[:, cells.label == CONTRAINDICATION]


def unlabelled(mask: Mask, setting: Setting, labels: Labels) -> set[tuple[int, int]]:
    """Cells of a setting under a mask about which nothing is known, by definition."""
    everywhere = np.indices((NUM_DRUGS, NUM_DISEASES)).reshape(2, -1)
    inside = Treated.of(mask.visible).settings_of(everywhere) == SETTINGS.index(setting)
    unknown = (labels.class_of(everywhere) == UNKNOWN) & ~labels.is_no_example(everywhere)
    return as_set(everywhere[:, inside & unknown])


# what is hidden


@given(seeds)
def test_what_is_hidden_is_not_visible_and_all_else_is(seed: int) -> None:
    for mask in masks(seed=seed):
        visible = as_set(np.stack(mask.visible.nonzero()))
        assert visible | as_set(mask.hidden) == as_set(PAIRS)
        assert not visible & as_set(mask.hidden)


@given(seeds)
def test_each_hidden_treatment_is_a_positive_of_the_one_setting_that_it_falls_into(seed: int) -> None:
    for mask in masks(seed=seed, num_masks=3):
        treated = Treated.of(mask.visible)
        found = [positives(cells_of(mask, setting, seed=seed)) for setting in SETTINGS]
        together = np.concatenate(found, axis=1)
        assert as_set(together) == as_set(mask.hidden)
        assert together.shape == mask.hidden.shape
        for number, pairs in enumerate(found):
            assert (treated.settings_of(pairs) == number).all()


@given(seeds)
def test_hidden_treatments_stand_for_those_that_the_whole_graph_misses(seed: int) -> None:
    # A share of the visible is hidden, but that share is missing from all that there are: visible and hidden here.
    for mask in masks(seed=seed):
        num_hidden, num_all = mask.hidden.shape[1], PAIRS.shape[1]
        share = num_hidden / num_all
        assert mask.missing_per_hidden * num_hidden == pytest.approx(share / (1 - share) * num_all)
        cells = cells_of(mask, "cold disease")
        assert (cells.weight[cells.label == INDICATION] == mask.missing_per_hidden).all()


# cells of the four settings


@pytest.mark.parametrize("labels", [LABELS, FEW], ids=["all", "few"])
@given(seed=seeds)
def test_every_unlabelled_cell_is_in_exactly_one_setting_and_counts_once(labels: Labels, seed: int) -> None:
    (mask,) = masks(labels, seed=seed, num_masks=1)
    count = np.zeros((NUM_DRUGS, NUM_DISEASES))
    for setting in SETTINGS:
        cells = cells_of(mask, setting, labels, seed=seed)
        unknown = cells.label == UNKNOWN
        np.add.at(count, tuple(cells.pairs[:, unknown]), cells.weight[unknown])
        assert as_set(cells.pairs[:, unknown & (cells.weight > 0)]) == unlabelled(mask, setting, labels)
    everywhere = np.indices(count.shape).reshape(2, -1)
    expected = (labels.class_of(everywhere) == UNKNOWN) & ~labels.is_no_example(everywhere)
    np.testing.assert_array_equal(count.ravel(), expected)


@every_setting
@given(seed=seeds)
def test_weights_of_drawn_cells_sum_to_the_unlabelled_cells(setting: Setting, seed: int) -> None:
    for mask in masks(FEW, seed=seed, num_masks=2):
        cells = cells_of(mask, setting, FEW, seed=seed, calibration_cells=100)
        unknown = cells.label == UNKNOWN
        assert np.count_nonzero(unknown & (cells.weight > 0)) <= 100
        assert cells.weight[unknown].sum() == pytest.approx(len(unlabelled(mask, setting, FEW)))


@every_setting
@given(seed=seeds)
def test_no_negative_is_known_for_anything(setting: Setting, seed: int) -> None:
    off_label = as_set(np.stack(LABELS.off_label.nonzero()))
    known = as_set(PAIRS) | as_set(planted_contraindications()) | off_label
    assert off_label
    for mask in masks(seed=seed, num_masks=2):
        cells = cells_of(mask, setting, calibration_cells=100, seed=seed)
        assert not as_set(cells.pairs[:, cells.label == UNKNOWN]) & known


@every_setting
@given(seed=seeds)
def test_every_cell_is_of_its_setting(setting: Setting, seed: int) -> None:
    for mask in masks(FEW, seed=seed, num_masks=2):
        cells = cells_of(mask, setting, FEW, seed=seed)
        assert (Treated.of(mask.visible).settings_of(cells.pairs) == SETTINGS.index(setting)).all()


@every_setting
def test_the_never_treated_are_among_the_cells_and_no_examples(setting: Setting) -> None:
    known = table_of(pairs_of(FEW))
    never = (known.sum(axis=1, keepdims=True) == 0) | (known.sum(axis=0) == 0)
    found = [cells_of(mask, setting, FEW) for mask in masks(FEW)]
    for cells in found:
        np.testing.assert_array_equal(cells.is_untreated, never[tuple(cells.pairs)])
        assert not (cells.is_untreated & cells.is_example).any()
        assert not cells.is_untreated[cells.label == INDICATION].any()
        assert cells.is_untreated.any() == (setting != "warm pair")
    if setting != "warm pair":  # contraindications of the never treated count, but no head learns them by a vector
        assert any((cells.is_untreated & (cells.label == CONTRAINDICATION)).any() for cells in found)


# negatives for the heads


@every_setting
def test_drawn_negatives_are_distinct_and_stand_for_nothing(setting: Setting) -> None:
    for mask in masks():
        cells = cells_of(mask, setting)
        drawn = cells.is_example & (cells.label == UNKNOWN)
        assert len(as_set(cells.pairs[:, drawn])) == np.count_nonzero(drawn)
        assert drawn.any() == bool(positives(cells).shape[1])
        assert np.count_nonzero(drawn) <= QUICK.negatives_per_positive * positives(cells).shape[1]
        np.testing.assert_array_equal(cells.weight == 0, drawn)


def test_half_of_the_negatives_keep_the_disease_of_a_positive_and_a_quarter_the_drug() -> None:
    # 2,000 drugs treat one of diseases 10 to 29 each; the first 200 treat one of diseases 0 to 9 too, which is hidden.
    drugs = np.arange(2000)
    pairs = np.concatenate([np.stack([drugs, 10 + drugs % 20]), np.stack([drugs[:200], drugs[:200] % 10])], axis=1)
    none = csr_array((2000, 40))
    labels = Labels(none, none, none).with_indications(np.concatenate([pairs, [[1999] * 10, range(10)]], axis=1))
    at = pairs_of(labels)
    (mask,) = masks_of(labels, [(at[1] < 10) & (at[0] < 200)], np.random.default_rng(0))
    cells = cells_of(mask, "warm pair", labels, max_columns=40, calibration_cells=100)
    drawn = cells.pairs[:, cells.is_example & (cells.label == UNKNOWN)]
    assert positives(cells).shape == (2, 200)
    assert drawn[1].max() < 30  # never of a disease without a treatment
    # Four standard deviations of a share of 2,000 are .045; one in thirty is drawn twice and counts once.
    assert (drawn[1] < 10).mean() == pytest.approx(0.5 + 0.5 * 10 / 30, abs=0.06)
    assert (drawn[0] < 200).mean() == pytest.approx(0.25 + 0.75 * 200 / 2000, abs=0.06)


# of many diseases some stand for all


@every_setting
@given(seed=seeds, max_columns=st.integers(2, 12))
def test_cells_of_some_diseases_stand_for_those_of_all(setting: Setting, seed: int, max_columns: int) -> None:
    for mask in masks(FEW, seed=seed, num_masks=2):
        whole = cells_of(mask, setting, FEW, seed=seed)
        cells = cells_of(mask, setting, FEW, seed=seed, max_columns=max_columns)
        assert len(np.unique(cells.pairs[1])) <= max_columns
        kept = len(np.unique(positives(whole)[1]))
        if kept <= max_columns // 2:
            assert as_set(positives(cells)) == as_set(positives(whole))
        for label in (INDICATION, UNKNOWN):
            total, found = (of.weight[of.label == label].sum() for of in (whole, cells))
            # Of 24 drugs or more, a disease has at most seven whose relation to it is known.
            assert bool(total) == bool(found)
            if label == UNKNOWN and total:
                assert found == pytest.approx(total, rel=0.3)


# contraindications


@given(seeds)
def test_a_contraindication_is_an_example_of_each_of_its_settings_once(seed: int) -> None:
    drawn = masks(seed=seed)
    known = np.stack(LABELS.contraindications.nonzero()).astype(np.int64)
    setting = np.stack([Treated.of(mask.visible).settings_of(known) for mask in drawn])
    expected = {
        (int(drug), int(disease), int(number)): int((setting[:, place] == number).sum())
        for place, (drug, disease) in enumerate(known.T)
        for number in np.unique(setting[:, place])
    }
    found = [
        (int(drug), int(disease), int(number), int(same))
        for mask in drawn
        for drug, disease, number, same in zip(
            *mask.contraindications,
            Treated.of(mask.visible).settings_of(mask.contraindications),
            mask.num_same,
            strict=True,
        )
    ]
    assert len(found) == len(expected)
    assert {(drug, disease, number): same for drug, disease, number, same in found} == expected


@given(seeds)
def test_contraindications_count_for_every_mask_that_they_stand_for(seed: int) -> None:
    total = 0.0
    for mask in masks(seed=seed):
        found = [cells_of(mask, setting, seed=seed) for setting in SETTINGS]
        together = np.concatenate([against(cells) for cells in found], axis=1)
        assert as_set(together) == as_set(mask.contraindications)
        total += sum(float(cells.weight[cells.label == CONTRAINDICATION].sum()) for cells in found)
    assert total == NUM_MASKS * LABELS.contraindications.nnz


def test_without_contraindications_there_are_none() -> None:
    labels = Labels.of_graph(planted_graph())
    for mask in masks(labels):
        assert mask.contraindications.shape == (2, 0)
        assert not against(cells_of(mask, "warm pair", labels)).shape[1]


# one seed


@every_setting
def test_one_seed_draws_the_same_and_another_draws_others(setting: Setting) -> None:
    mask = masks(seed=7)[0]
    one, other, another = (cells_of(mask, setting, seed=seed, calibration_cells=10) for seed in (7, 7, 8))
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert as_set(one.pairs) != as_set(another.pairs)


# little or nothing to learn from


@every_setting
def test_a_mask_that_hides_nothing_has_cells_and_no_example(setting: Setting) -> None:
    labels = LABELS.with_indications(PAIRS[:, :1])
    (mask,) = masks_of(labels, [np.zeros(1, dtype=np.bool_)], np.random.default_rng(0))
    cells = cells_of(mask, setting, labels)
    assert not positives(cells).shape[1]
    assert not (cells.is_example & (cells.label == UNKNOWN)).any()
    assert as_set(cells.pairs[:, cells.label == UNKNOWN]) == unlabelled(mask, setting, labels)


@every_setting
def test_without_any_treatment_all_cells_are_cold_pairs(setting: Setting) -> None:
    labels = LABELS.with_indications(PAIRS[:, :0])
    for mask in masks(labels, num_masks=2):
        cells = cells_of(mask, setting, labels)
        assert bool(cells.pairs.shape[1]) == (setting == "cold pair")
        assert cells.is_untreated.all()


@every_setting
def test_known_pairs_everywhere_leave_no_negative(setting: Setting) -> None:
    labels = LABELS.with_indications(np.indices((NUM_DRUGS, NUM_DISEASES)).reshape(2, -1))
    for mask in masks(labels, num_masks=2):
        cells = cells_of(mask, setting, labels)
        assert not (cells.label == UNKNOWN).any()
        assert positives(cells).shape[1]


@given(seed=seeds)
def test_where_nearly_all_pairs_are_known_the_few_others_are_still_stood_for(seed: int) -> None:
    # A hundred cells drawn of 1,800 are often none of the four about which nothing is known.
    free = np.argwhere(table_of(PAIRS) == 0).T
    labels = Labels.of_graph(with_pairs(planted_graph(contraindications=True), PALLIATION, free[:, 4:]))
    mask = Mask.of_nothing(labels)
    cells = cells_of(mask, "warm pair", labels, seed=seed, calibration_cells=100)
    unknown = as_set(free[:, :4]) - as_set(planted_contraindications())
    assert as_set(cells.pairs[:, cells.weight > 0]) <= unknown
    assert cells.weight.sum() == pytest.approx(len(unknown))


# labels


def test_a_pair_that_is_also_an_indication_is_nothing_else() -> None:
    graph = planted_graph(shuffled_pairs(), contraindications=True)
    both = as_set(shuffled_pairs()) & as_set(planted_contraindications())
    labels = Labels.of_graph(graph)
    assert both
    assert not both & as_set(np.stack(labels.contraindications.nonzero()))
    assert (labels.class_of(np.array(sorted(both)).T) == INDICATION).all()
    palliated = Labels.of_graph(with_pairs(graph, PALLIATION, shuffled_pairs()))
    assert palliated.off_label.nnz == 0


def test_classes_are_two_without_contraindications_and_three_with() -> None:
    assert Labels.of_graph(planted_graph()).num_classes == 2
    assert LABELS.num_classes == 3


def test_palliation_is_no_example_unless_it_is_an_indication() -> None:
    off_label = planted_graph(contraindications=True).off_label_pairs
    assert LABELS.is_no_example(off_label).all()
    assert not LABELS.with_indications(off_label).is_no_example(off_label).any()
    assert not LABELS.is_no_example(PAIRS).any()


def test_no_pairs_have_no_label() -> None:
    none = PAIRS[:, :0]
    assert LABELS.class_of(none).shape == LABELS.is_no_example(none).shape == (0,)
