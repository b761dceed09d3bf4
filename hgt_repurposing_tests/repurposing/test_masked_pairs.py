from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.split_kinds import SETTINGS, Hiding, Setting
from hgt_repurposing.repurposing import masked_pairs as module
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION, UNKNOWN, Labels
from hgt_repurposing.repurposing.masked_pairs import EVERY_DRAW, NO_DRAW, MaskedPairs, masked_pairs
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    planted_contraindications,
    planted_graph,
    planted_pairs,
    shuffled_pairs,
)

LABELS = Labels.of_graph(planted_graph(contraindications=True))
PAIRS = planted_pairs()
NUM_FOLDS = 3

seeds = st.integers(0, 99)
every_setting = pytest.mark.parametrize("setting", SETTINGS)


def hidden(
    setting: Setting, *, seed: int = 0, labels: Labels = LABELS, group: IntArray | None = None, **options: Any
) -> list[MaskedPairs]:
    """Three folds, ten negatives per positive, unless options say otherwise. Any: those of `masked_pairs`."""
    defaults = {
        "num_folds": NUM_FOLDS,
        "negatives_per_positive": 10,
        "calibration_cells": 300,
        "generator": np.random.default_rng(seed),
    }
    return list(masked_pairs(labels, Hiding(setting, group), **{**defaults, **options}))


def as_set(pairs: IntArray) -> set[tuple[int, int]]:
    return {(int(drug), int(disease)) for drug, disease in pairs.T}


def positives(cells: MaskedPairs) -> IntArray:
    return cells.pairs[:, cells.label == INDICATION]


def unknown(cells: MaskedPairs) -> IntArray:
    return cells.pairs[:, cells.label == UNKNOWN]


# what is hidden


@every_setting
@given(seed=seeds)
def test_every_indication_is_hidden_exactly_once(setting: Setting, seed: int) -> None:
    found = np.concatenate([positives(cells) for cells in hidden(setting, seed=seed)], axis=1)
    assert found.shape == PAIRS.shape
    assert as_set(found) == as_set(PAIRS)


@every_setting
@given(seed=seeds)
def test_what_is_hidden_is_not_seen_and_all_else_is(setting: Setting, seed: int) -> None:
    for cells in hidden(setting, seed=seed):
        seen = as_set(np.stack(cells.visible.nonzero()))
        assert seen | as_set(positives(cells)) == as_set(PAIRS)
        assert not seen & as_set(positives(cells))


@pytest.mark.parametrize(("setting", "end"), [("cold drug", 0), ("cold disease", 1)])
@given(seed=seeds)
def test_drugs_and_diseases_are_hidden_whole(setting: Setting, end: int, seed: int) -> None:
    for cells in hidden(setting, seed=seed):
        assert not set(cells.visible.nonzero()[end].tolist()) & set(cells.pairs[end].tolist())


@given(seeds)
def test_related_diseases_are_hidden_together(seed: int) -> None:
    group = np.arange(NUM_DISEASES) // 4
    for cells in hidden("cold disease", seed=seed, group=group):
        assert not set(group[cells.visible.nonzero()[1]].tolist()) & set(group[positives(cells)[1]].tolist())


@every_setting
def test_folds_are_of_one_size_within_one_group(setting: Setting) -> None:
    grouped = {"warm pair": np.arange(PAIRS.shape[1]), "cold drug": PAIRS[0], "cold disease": PAIRS[1]}[setting]
    sizes = [
        len(np.unique(positives(cells)[{"cold drug": 0, "cold disease": 1}[setting]]))
        if setting != "warm pair"
        else positives(cells).shape[1]
        for cells in hidden(setting)
    ]
    assert sum(sizes) == len(np.unique(grouped))
    assert max(sizes) - min(sizes) <= 1


# negatives


@every_setting
@given(seed=seeds)
def test_no_negative_is_known_for_anything(setting: Setting, seed: int) -> None:
    off_label = as_set(np.stack(LABELS.off_label.nonzero()))
    known = as_set(PAIRS) | as_set(planted_contraindications()) | off_label
    assert off_label
    for cells in hidden(setting, seed=seed):
        assert not as_set(unknown(cells)) & known


@every_setting
@given(seed=seeds)
def test_negatives_lie_in_the_hidden_part(setting: Setting, seed: int) -> None:
    for cells in hidden(setting, seed=seed):
        drugs, diseases = cells.pairs[:, cells.label == UNKNOWN]
        if setting == "cold drug":
            assert set(drugs.tolist()) <= set(positives(cells)[0].tolist())
        if setting == "cold disease":
            assert set(diseases.tolist()) <= set(positives(cells)[1].tolist())


@pytest.mark.parametrize("setting", ["warm pair", "cold drug"])
def test_a_disease_without_treatment_is_no_negative(setting: Setting) -> None:
    few = LABELS.with_indications(PAIRS[:, PAIRS[1] < 20])
    for cells in hidden(setting, labels=few):
        drawn = cells.pairs[:, (cells.label == UNKNOWN) & (cells.draw != NO_DRAW)]
        assert drawn[1].max() < 20


@every_setting
def test_every_draw_has_its_own_negatives_each_once(setting: Setting) -> None:
    for cells in hidden(setting):
        draws = [cells.pairs[:, cells.draw == draw] for draw in range(NUM_FOLDS)]
        assert all(len(as_set(drawn)) == drawn.shape[1] > 0 for drawn in draws)
        assert as_set(draws[0]) != as_set(draws[1])
        assert set(cells.draw.tolist()) == {NO_DRAW, EVERY_DRAW, *range(NUM_FOLDS)}


def many_drugs() -> Labels:
    """2,000 drugs: the first twenty treat disease 0, the next 28 treat a disease each; 71 diseases have none."""
    treats = csr_array((np.ones(48), (np.arange(48), np.maximum(np.arange(48) - 19, 0))), shape=(2000, 100))
    return Labels(treats, csr_array((2000, 100)), csr_array((2000, 100)))


def test_half_of_the_negatives_keep_the_disease_of_a_positive_and_a_quarter_the_drug() -> None:
    cells = hidden("warm pair", labels=many_drugs(), num_folds=2, negatives_per_positive=50)[0]
    drugs, diseases = positives(cells)
    drawn = cells.pairs[:, cells.draw == 0]
    expected_disease = 0.5 * (diseases == 0).mean() + 0.5 / 29  # the other half falls on 29 treated diseases alike
    expected_drug = 0.25 + 0.75 * len(drugs) / 2000
    # Four standard deviations of a share of 1,200 are .06; a few cells drawn twice count once.
    assert (drawn[1] == 0).mean() == pytest.approx(expected_disease, abs=0.06)
    assert np.isin(drawn[0], drugs).mean() == pytest.approx(expected_drug, abs=0.06)


def test_half_of_the_negatives_of_a_new_drug_keep_the_disease_of_a_positive() -> None:
    cells = hidden("cold drug", labels=many_drugs(), num_folds=2, negatives_per_positive=2)[0]
    drugs, diseases = positives(cells)
    drawn = cells.pairs[:, cells.draw == 0]
    expected = 0.5 * (diseases == 0).mean() + 0.5 / 29
    assert (drawn[1] == 0).mean() == pytest.approx(expected, abs=0.25)  # four deviations of a share of 48
    assert set(drawn[0].tolist()) <= set(drugs.tolist())


# contraindications


@every_setting
def test_contraindications_are_a_class_of_their_own(setting: Setting) -> None:
    against = as_set(planted_contraindications()) - as_set(PAIRS)
    found = [cells.pairs[:, cells.label == CONTRAINDICATION] for cells in hidden(setting)]
    assert all(pairs.shape[1] for pairs in found)
    assert as_set(np.concatenate(found, axis=1)) <= against
    for cells in hidden(setting):
        assert (cells.draw[cells.label == CONTRAINDICATION] == EVERY_DRAW).all()


def test_contraindications_are_dealt_like_pairs() -> None:
    found = np.concatenate([cells.pairs[:, cells.label == CONTRAINDICATION] for cells in hidden("warm pair")], axis=1)
    assert len(as_set(found)) == found.shape[1] == LABELS.contraindications.nnz


# calibration


@every_setting
def test_weights_count_the_cells_of_the_hidden_part(setting: Setting) -> None:
    for cells in hidden(setting):
        drugs, diseases = positives(cells)
        num_drugs = len(np.unique(drugs)) if setting == "cold drug" else NUM_DRUGS
        num_diseases = NUM_DISEASES if setting == "cold drug" else len(np.unique(diseases))
        only_calibrating = cells.draw == NO_DRAW
        expected = num_drugs * num_diseases - len(drugs)
        assert cells.weight[only_calibrating].sum() == pytest.approx(expected)
        assert set(cells.weight[~only_calibrating].tolist()) == {0.0, 1.0}
        assert (cells.weight[cells.label != UNKNOWN] == 1).all()


# one seed


@every_setting
def test_of_many_diseases_some_stand_for_all(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [float(cells.weight.sum()) for cells in hidden(setting)]
    monkeypatch.setattr(module, "CALIBRATION_DISEASES", 4)
    for cells, expected in zip(hidden(setting), whole, strict=True):
        only_calibrate = cells.draw == NO_DRAW
        assert len(np.unique(cells.pairs[1, only_calibrate])) == 4
        assert cells.weight.sum() == pytest.approx(expected)


@every_setting
def test_one_seed_hides_the_same(setting: Setting) -> None:
    for one, other in zip(hidden(setting, seed=7), hidden(setting, seed=7), strict=True):
        np.testing.assert_array_equal(one.pairs, other.pairs)
        np.testing.assert_array_equal(one.draw, other.draw)


def test_another_seed_hides_others() -> None:
    assert as_set(positives(hidden("warm pair", seed=1)[0])) != as_set(positives(hidden("warm pair", seed=2)[0]))


# bad input


@pytest.mark.parametrize(
    ("setting", "pairs", "what"),
    [
        ("warm pair", [[0, 1], [0, 1]], r"in turn and needs at least as many indications \(got 2\)"),
        (
            "cold disease",
            [[0, 1, 2], [0, 0, 1]],
            r"in turn and needs at least as many treated diseases \(got 2\)",
        ),
        (
            "cold drug",
            [[0, 0, 1], [0, 1, 1]],
            r"in turn and needs at least as many treating drugs \(got 2\)",
        ),
    ],
)
def test_fewer_groups_than_folds_are_an_error(setting: Setting, pairs: list[list[int]], what: str) -> None:
    with pytest.raises(ValueError, match=f"learning hides 3 inner folds {what}: lower inner_folds"):
        hidden(setting, labels=LABELS.with_indications(np.array(pairs)))


def test_fewer_groups_of_relatives_than_folds_are_hidden_one_by_one() -> None:
    group = np.arange(NUM_DISEASES) % 2
    folds = hidden("cold disease", group=group)
    assert [np.unique(group[positives(cells)[1]]).tolist() for cells in folds] in ([[0], [1]], [[1], [0]])
    assert {draw for cells in folds for draw in cells.draw.tolist()} == {EVERY_DRAW, NO_DRAW, 0, 1}


def test_one_group_of_relatives_is_an_error() -> None:
    expected = "needs at least as many groups of related treated diseases .got 1.: raise num_folds, or leave this"
    with pytest.raises(ValueError, match=expected):
        hidden("cold disease", group=np.zeros(NUM_DISEASES, dtype=np.int64))


@every_setting
def test_known_pairs_everywhere_leave_nothing_to_learn_from(setting: Setting) -> None:
    everything = np.indices((NUM_DRUGS, NUM_DISEASES)).reshape(2, -1)
    with pytest.raises(ValueError, match="there is no negative pair to learn from"):
        hidden(setting, labels=LABELS.with_indications(everything))


# labels


def test_a_pair_that_is_also_an_indication_is_nothing_else() -> None:
    graph = planted_graph(shuffled_pairs(), contraindications=True)
    both = as_set(shuffled_pairs()) & as_set(planted_contraindications())
    labels = Labels.of_graph(graph)
    assert both
    assert not both & as_set(np.stack(labels.contraindications.nonzero()))
    assert (labels.class_of(np.array(sorted(both)).T) == INDICATION).all()


def test_classes_are_two_without_contraindications_and_three_with() -> None:
    assert Labels.of_graph(planted_graph()).num_classes == 2
    assert LABELS.num_classes == 3


def test_palliation_is_no_example_unless_it_is_an_indication() -> None:
    off_label = planted_graph(contraindications=True).off_label_pairs
    assert LABELS.is_no_example(off_label).all()
    assert not LABELS.with_indications(off_label).is_no_example(off_label).any()
    assert not LABELS.is_no_example(PAIRS).any()
